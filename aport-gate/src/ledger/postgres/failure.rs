//! What a failure of PostgreSQL means for the ledger.

use std::error::Error as _;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::super::error::LedgerError;

/// What is to be done after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nobody can say whether it was committed, or the session is of no use any more.
    Lost,
    /// The server rolled it back because it took too long.
    Slow,
    /// The server rolled it back because of what was asked.
    Refused,
}

pub(super) fn kind(error: &Error) -> Kind {
    let Some(code) = error.code() else {
        // No answer of the server: the connection broke, or its bytes made no sense. Parameters
        // that cannot be encoded never left.
        return if is_encoding(error) {
            Kind::Refused
        } else {
            Kind::Lost
        };
    };
    if *code == SqlState::QUERY_CANCELED || *code == SqlState::LOCK_NOT_AVAILABLE {
        return Kind::Slow;
    }
    // 08 connection, 57 operator intervention, 25006 a primary that became a standby, 25P0x a
    // transaction that is gone: a new session, perhaps on another host, is the answer to all.
    // 26 a statement that a pooler has forgotten, 40003 an unknown completion.
    let lost = ["08", "57", "25", "26", "40003", "58", "XX"];
    if lost.iter().any(|class| code.code().starts_with(class)) {
        Kind::Lost
    } else {
        Kind::Refused
    }
}

fn is_encoding(error: &Error) -> bool {
    error.to_string().starts_with("error serializing parameter")
        || error.to_string().starts_with("error encoding message")
}

/// A failure to connect: the operator's mistake, or a server that is away.
pub(super) fn connecting(ledger: &str, error: &Error) -> LedgerError {
    let problem = text(error);
    let ledger = ledger.to_owned();
    if is_mistake(error) {
        LedgerError::Misconfigured { ledger, problem }
    } else {
        LedgerError::Unreachable { ledger, problem }
    }
}

fn is_mistake(error: &Error) -> bool {
    if let Some(code) = error.code() {
        // 28 wrong user or password, 3D no such database, 3F no such schema, 42 rights or names.
        return ["28", "3D", "3F", "42"]
            .iter()
            .any(|class| code.code().starts_with(class));
    }
    // A certificate that is not valid for the host stays so. So does a server without TLS.
    let text = error.to_string();
    let tls = text.starts_with("error performing TLS handshake");
    let authentication =
        text.starts_with("authentication error") || text.starts_with("invalid configuration");
    authentication || (tls && !is_disconnect(error))
}

/// A server that goes away in the middle of a handshake has not refused anything.
fn is_disconnect(error: &Error) -> bool {
    use std::io::ErrorKind;
    error
        .source()
        .and_then(|source| source.downcast_ref::<std::io::Error>())
        .is_some_and(|error| {
            matches!(
                error.kind(),
                ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::BrokenPipe
                    | ErrorKind::UnexpectedEof
                    | ErrorKind::TimedOut
            )
        })
}

/// What a statement's failure is to its caller.
pub(super) fn statement(ledger: &str, error: &Error) -> LedgerError {
    let ledger = ledger.to_owned();
    match kind(error) {
        Kind::Lost => LedgerError::CommitUnknown {
            ledger,
            problem: text(error),
        },
        Kind::Slow => LedgerError::Busy { ledger },
        Kind::Refused => LedgerError::Database {
            ledger,
            problem: text(error),
        },
    }
}

/// The whole chain of causes, in one line. PostgreSQL never repeats a password in it.
pub(super) fn text(error: &Error) -> String {
    if let Some(refusal) = error.as_db_error() {
        return format!("{} (SQLSTATE {})", refusal.message(), refusal.code().code());
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
