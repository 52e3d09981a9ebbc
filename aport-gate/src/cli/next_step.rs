//! What to do after a failure of the gate or the ledger.

use crate::{Error, LedgerError};

/// Looks at everything that a server works with.
const DOCTOR: &str = "`aport-gate doctor` looks at the whole set-up and says what to do";

pub(super) fn after(error: &Error) -> String {
    match error {
        Error::Environment { variable, .. } => {
            format!("set `{variable}` right, or unset it")
        }
        Error::Home { .. } | Error::NoHome => {
            "set APORT_HOME to a folder that this user can write".to_owned()
        }
        Error::PackOptions { .. } => {
            "correct that entry of the file; `aport-gate policy list` names the packs that there are".to_owned()
        }
        Error::Pack { .. } | Error::PackUnreadable { .. } => {
            "correct the file; `aport-gate policy check FILE` names everything that is wrong with a pack".to_owned()
        }
        Error::DuplicatePack { .. } => "take one of the two out of APORT_HOME/packs".to_owned(),
        Error::Registry(_) => {
            "check APORT_BASE_URL and APORT_API_KEY; `aport-gate doctor` asks the registry".to_owned()
        }
        Error::Ledger(error) => after_ledger(error).to_owned(),
        _ => DOCTOR.to_owned(),
    }
}

pub(super) fn after_ledger(error: &LedgerError) -> &'static str {
    match error {
        LedgerError::Unwritable { .. } => {
            "make its folder writable for this user, or name another ledger in APORT_DATABASE_URL"
        }
        LedgerError::Full { .. } => "free some of its disk, or of its quota",
        LedgerError::Corrupt { .. } | LedgerError::Tampered { .. } => {
            "keep the file for the inquiry, and go on with the last copy of `aport-gate ledger backup`"
        }
        LedgerError::Foreign { .. } => "name a ledger of a gate in APORT_DATABASE_URL",
        LedgerError::NewerSchema { .. } => "update this program",
        LedgerError::Busy { .. } => "try again in a moment; another process holds it",
        LedgerError::Moved { .. } => {
            "stop every process that uses it, put it back, and start again"
        }
        LedgerError::ClockBehind { .. } => {
            "set the clock right; if it is right, name a new ledger in APORT_DATABASE_URL and keep the old one for its records: caps and keys begin anew"
        }
        LedgerError::Backup { .. } => {
            "name a file that is not there yet, in a folder that this user can write and that has room for it"
        }
        LedgerError::Unsupported { .. } => {
            "use the means of its database, such as `pg_dump` for PostgreSQL"
        }
        LedgerError::Unreachable { .. } | LedgerError::Misconfigured { .. } => {
            "check APORT_DATABASE_URL and that its server runs; `aport-gate doctor` tries it"
        }
        LedgerError::CommitUnknown { .. } => {
            "look with `aport-gate audit list` whether it was written before it is done again"
        }
        _ => DOCTOR,
    }
}
