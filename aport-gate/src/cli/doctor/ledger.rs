//! The ledger and the clock.

use jiff::{SignedDuration, Timestamp};

use super::Check;
use crate::AuditRecord;
use crate::cli::environment::Environment;
use crate::cli::next_step::after_ledger;

/// No gate ran before this: an earlier time is a clock that was never set.
const EARLIEST: &str = "2026-01-01T00:00:00Z";

/// How far clocks of several machines may be apart before it is said.
const APART: SignedDuration = SignedDuration::from_secs(120);

pub(super) async fn checks(environment: &Environment) -> Vec<Check> {
    let (ledger, last) = ledger(environment).await;
    vec![ledger, clock(last.as_ref())]
}

/// Opens the ledger and compares its head with its last record.
async fn ledger(environment: &Environment) -> (Check, Option<AuditRecord>) {
    let place = environment.ledger_name();
    let ledger = match environment.existing_ledger().await {
        Err(failure) => {
            let check = Check::bad("ledger", failure.to_string());
            return (
                check.next("every call is refused until this is repaired"),
                None,
            );
        }
        Ok(None) => {
            let found = format!("`{place}` is not there yet; a server makes it when it starts");
            return (Check::good("ledger", found), None);
        }
        Ok(Some(ledger)) => ledger,
    };
    let read = async {
        let head = ledger.head().await?;
        let last = ledger.records(head.sequence.saturating_sub(1), 1).await?;
        Ok::<_, crate::LedgerError>((head, last.into_iter().next()))
    };
    let (head, last) = match read.await {
        Ok(read) => read,
        Err(error) => {
            let check = Check::bad("ledger", error.to_string()).next(after_ledger(&error));
            return (check, None);
        }
    };
    let agrees = match &last {
        Some(record) => record.sequence == head.sequence && record.hash == head.hash.to_string(),
        None => head.sequence == 0,
    };
    if !agrees {
        let found = format!("the last record of `{place}` is not the head of its chain");
        return (
            Check::bad("ledger", found).next("aport-gate audit verify"),
            last,
        );
    }
    let full = environment.ledger_file().and_then(|file| {
        let folder = file.parent()?;
        super::home::room(folder).err()
    });
    if let Some(check) = full {
        return (check("ledger"), last);
    }
    if let Err(error) = ledger.probe().await {
        let check = Check::bad("ledger", error.to_string()).next(after_ledger(&error));
        return (check, last);
    }
    let found = format!(
        "`{place}`, {} records; `aport-gate audit verify` checks them all",
        head.sequence
    );
    (Check::good("ledger", found), last)
}

fn clock(last: Option<&AuditRecord>) -> Check {
    let now = Timestamp::now();
    let behind = EARLIEST
        .parse::<Timestamp>()
        .is_ok_and(|earliest| now < earliest);
    if behind {
        return Check::bad(
            "clock",
            format!("it says {now}: caps and expiry would be wrong"),
        )
        .next("set the clock");
    }
    let newest = last.and_then(|record| record.at.parse::<Timestamp>().ok());
    match newest {
        Some(newest) if newest.duration_since(now) > APART => {
            let found = format!("it says {now}, but the ledger's last record is of {newest}");
            Check::doubtful("clock", found)
                .next("set the clock here, or on the machine that wrote the record")
        }
        _ => Check::good("clock", format!("{now}; a day begins at midnight UTC")),
    }
}
