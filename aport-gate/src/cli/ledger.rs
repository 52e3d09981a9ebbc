//! `aport-gate ledger`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Verdict;
use super::environment::Environment;
use super::failure::Failure;
use super::output::{Output, counted};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Backup(Backup),
    Prune(Prune),
    /// Make the tables of a PostgreSQL ledger, or bring them up to date.
    ///
    /// Run it as the role that owns the database, named in APORT_DATABASE_URL, before servers of a
    /// new version start. An SQLite ledger is brought up to date by whoever opens it.
    Migrate,
}

/// Copy the ledger to a new file, while servers go on, and check the copy's audit chain.
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The new file; one that is there already stays as it is.
    file: PathBuf,
}

/// Remove old counters and idempotency keys at once; servers do it about once an hour.
///
/// Audit records stay, and so does every counter of an open window.
#[derive(Debug, Args)]
pub(super) struct Prune {
    /// Days for which an idempotency key pays only once [default: APORT_KEY_RETENTION_DAYS, else 90]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    key_days: Option<u32>,
    /// Days for which a counter stays after its window
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    counter_days: u32,
}

impl Command {
    pub(super) async fn run(&self, output: &mut Output) -> Result<Verdict, Failure> {
        let environment = Environment::read()?;
        match self {
            Self::Backup(backup) => backup.run(&environment, output).await?,
            Self::Prune(prune) => prune.run(&environment, output).await?,
            Self::Migrate => {
                output
                    .during(
                        "bringing the ledger up to date",
                        environment.migrate_ledger(),
                    )
                    .await?;
                let ledger = environment.ledger_name();
                if output.is_json() {
                    output.value(&json!({ "ledger": ledger }));
                } else {
                    output.line(format_args!("the schema of `{ledger}` is up to date"));
                }
            }
        }
        Ok(Verdict::Good)
    }
}

impl Backup {
    async fn run(&self, environment: &Environment, output: &mut Output) -> Result<(), Failure> {
        let file = &self.file;
        let copying = async { Ok::<_, Failure>(environment.ledger().await?.backup(file).await?) };
        let summary = output
            .during("copying the ledger and checking the copy", copying)
            .await?;
        let records = summary.records;
        if output.is_json() {
            output.value(&json!({
                "file": file, "records": records, "head": format!("{records}:{}", summary.head),
            }));
        } else {
            let count = usize::try_from(records).unwrap_or(usize::MAX);
            output.line(format_args!(
                "backed up {} to `{}`; its chain holds",
                counted(count, "record"),
                file.display()
            ));
        }
        Ok(())
    }
}

impl Prune {
    async fn run(&self, environment: &Environment, output: &mut Output) -> Result<(), Failure> {
        let mut retention = environment
            .retention
            .counters(DAY.saturating_mul(self.counter_days));
        if let Some(days) = self.key_days {
            retention = retention.idempotency_keys(DAY.saturating_mul(days));
        }
        let pruning =
            async { Ok::<_, Failure>(environment.ledger().await?.prune(retention).await?) };
        let pruned = output.during("removing what is old", pruning).await?;
        if output.is_json() {
            output.value(&json!({
                "counters": pruned.counters,
                "idempotency_keys": pruned.idempotency_keys,
                "lost_reservations": pruned.reservations,
            }));
        } else {
            output.fields(&[
                ("counters", pruned.counters.to_string()),
                ("idempotency keys", pruned.idempotency_keys.to_string()),
                ("lost reservations", pruned.reservations.to_string()),
            ]);
        }
        Ok(())
    }
}
