//! The ledger's tables and functions, and their versions.

use tokio_postgres::{Client, Error};

use super::super::error::LedgerError;
use super::failure;

/// Each script takes the schema from the version before to its own, the first from nothing.
const MIGRATIONS: [&str; 4] = [
    include_str!("migrations/1.sql"),
    include_str!("migrations/2.sql"),
    include_str!("migrations/3.sql"),
    include_str!("migrations/4.sql"),
];

const VERSION: i32 = MIGRATIONS.len() as i32;

/// Advisory lock of migrations, within the database. `APGL` in ASCII, then 1.
const LOCK: i64 = 0x4150_474c_0001;

/// The role may only serve, and an owner has to migrate.
const NOT_MIGRATED: &str = "its schema is missing or old, and this role may not change it; run `aport-gate ledger migrate` as the owner of the database";

/// Checks the schema, and brings it up to date if this role may.
pub(super) async fn ready(client: &Client, ledger: &str) -> Result<(), LedgerError> {
    let failed = |error: Error| failure::connecting(ledger, &error);
    let found = version(client).await.map_err(failed)?;
    match judge(found, ledger)? {
        Step::Ready => Ok(()),
        Step::Migrate if may_migrate(client).await.map_err(failed)? => {
            migrate(client, ledger).await
        }
        Step::Migrate => Err(LedgerError::Misconfigured {
            ledger: ledger.to_owned(),
            problem: NOT_MIGRATED.to_owned(),
        }),
    }
}

/// Brings the schema up to date. Of many that start at once, one does it and the others wait.
pub(super) async fn migrate(client: &Client, ledger: &str) -> Result<(), LedgerError> {
    let failed = |error: Error| failure::connecting(ledger, &error);
    client.batch_execute("BEGIN").await.map_err(failed)?;
    let migrated = migrate_locked(client, ledger).await;
    let end = if migrated.is_ok() {
        "COMMIT"
    } else {
        "ROLLBACK"
    };
    let ended = client.batch_execute(end).await.map_err(failed);
    migrated.and(ended)
}

async fn migrate_locked(client: &Client, ledger: &str) -> Result<(), LedgerError> {
    let failed = |error: Error| failure::connecting(ledger, &error);
    let lock = format!("SELECT pg_advisory_xact_lock({LOCK})");
    client.batch_execute(&lock).await.map_err(failed)?;
    let encoding = client
        .query_one("SHOW server_encoding", &[])
        .await
        .and_then(|row| row.try_get::<_, String>(0))
        .map_err(failed)?;
    if encoding != "UTF8" {
        return Err(LedgerError::Misconfigured {
            ledger: ledger.to_owned(),
            problem: format!("its encoding is {encoding}; create the database with encoding UTF8"),
        });
    }
    // Asked again under the lock: another server may have migrated meanwhile.
    let found = version(client).await.map_err(failed)?;
    if judge(found, ledger)? == Step::Ready {
        return Ok(());
    }
    if found == 0 {
        // Not `IF NOT EXISTS`, which asks for a right on the database even when nothing is made.
        let exists = "SELECT FROM pg_namespace WHERE nspname = 'aport_gate'";
        if client
            .query_opt(exists, &[])
            .await
            .map_err(failed)?
            .is_none()
        {
            client
                .batch_execute("CREATE SCHEMA aport_gate")
                .await
                .map_err(failed)?;
        }
    }
    let done = usize::try_from(found).unwrap_or(0);
    for script in MIGRATIONS.iter().skip(done) {
        client.batch_execute(script).await.map_err(failed)?;
    }
    tracing::info!(
        ledger,
        from = found,
        to = VERSION,
        "migrated the ledger's schema"
    );
    Ok(())
}

/// The whole schema as one script, for an owner who applies it with other tools.
pub(super) fn script() -> String {
    let mut script = String::from("BEGIN;\nCREATE SCHEMA aport_gate;\n");
    for migration in MIGRATIONS {
        script.push_str(migration);
    }
    script.push_str("COMMIT;\n");
    script
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Ready,
    Migrate,
}

fn judge(found: i32, ledger: &str) -> Result<Step, LedgerError> {
    match found {
        VERSION => Ok(Step::Ready),
        0..VERSION => Ok(Step::Migrate),
        newer if newer > VERSION => Err(LedgerError::NewerSchema {
            ledger: ledger.to_owned(),
            found: newer,
            supported: VERSION,
        }),
        other => Err(LedgerError::Corrupt {
            ledger: ledger.to_owned(),
            problem: format!("schema version {other} never existed"),
        }),
    }
}

/// 0 when there is no schema yet.
async fn version(client: &Client) -> Result<i32, Error> {
    // From the catalogue: a role without rights on the schema must get a clear answer as well.
    let exists = "SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                  WHERE nspname = 'aport_gate' AND relname = 'version'";
    if client.query_opt(exists, &[]).await?.is_none() {
        return Ok(0);
    }
    client
        .query_one("SELECT version FROM aport_gate.version", &[])
        .await?
        .try_get(0)
}

async fn may_migrate(client: &Client) -> Result<bool, Error> {
    let may = "SELECT CASE
            WHEN EXISTS (SELECT FROM pg_namespace WHERE nspname = 'aport_gate')
            THEN has_schema_privilege('aport_gate', 'CREATE')
            ELSE has_database_privilege(current_database(), 'CREATE')
        END";
    client.query_one(may, &[]).await?.try_get(0)
}
