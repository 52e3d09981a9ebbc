//! Reading the audit trail, on a connection of its own: decisions go on.

#[cfg(feature = "cli")]
use aport_gate_oap::{Usage, UsagePlan};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row};

use super::super::audit::{AuditRecord, AuditSummary, ChainCheck, Head, Stored};
use super::super::error::{LedgerError, Problem};
use super::super::head::AuditHead;
use super::failure;
#[cfg(feature = "cli")]
use super::known::{counter_id, key_id};

/// Records fetched at a time.
const PAGE: i64 = 1000;

const RECORDS: &str = "SELECT sequence, at, kind, decision_id, body, previous, hash
    FROM aport_gate.audit WHERE sequence > $1 ORDER BY sequence LIMIT $2";

const RECORDS_OF: &str = "SELECT sequence, at, kind, decision_id, body, previous, hash
    FROM aport_gate.audit WHERE decision_id = $1 ORDER BY sequence";

pub(super) async fn records(
    client: &Client,
    ledger: &str,
    after: u64,
    limit: u32,
) -> Result<Vec<AuditRecord>, LedgerError> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let records = page(client, after, i64::from(limit)).await;
    public(records, ledger)
}

pub(super) async fn records_of(
    client: &Client,
    ledger: &str,
    decision_id: &str,
) -> Result<Vec<AuditRecord>, LedgerError> {
    let rows = client
        .query_typed(RECORDS_OF, &[(&decision_id, Type::TEXT)])
        .await;
    public(
        rows.and_then(|rows| rows.iter().map(stored).collect()),
        ledger,
    )
}

pub(super) async fn head(client: &Client, ledger: &str) -> Result<Head, LedgerError> {
    let failed = |error: Error| failure::statement(ledger, &error);
    let row = client
        .query_opt(
            "SELECT sequence, hash FROM aport_gate.audit_head WHERE one = 1",
            &[],
        )
        .await
        .map_err(failed)?
        .ok_or_else(|| Problem::Corrupt("the audit chain has no head".to_owned()).at(ledger))?;
    Ok(Head {
        sequence: row.try_get(0).map_err(failed)?,
        hash: row.try_get(1).map_err(failed)?,
    })
}

pub(super) async fn verify(
    client: &Client,
    ledger: &str,
    kept: Option<AuditHead>,
) -> Result<AuditSummary, LedgerError> {
    let failed = |error: Error| failure::statement(ledger, &error);
    // One snapshot: records appended meanwhile would disagree with the head.
    client
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await
        .map_err(failed)?;
    let head = head(client, ledger).await?;
    let mut check = ChainCheck::new(kept);
    let mut after = i64::MIN;
    loop {
        let records = page(client, after, PAGE).await.map_err(failed)?;
        let Some(last) = records.last() else { break };
        after = last.sequence;
        for record in records {
            check.record(record).map_err(|problem| problem.at(ledger))?;
        }
    }
    check.end(&head).map_err(|problem| problem.at(ledger))
}

/// What a plan asks for; nothing is taken.
#[cfg(feature = "cli")]
pub(super) async fn usage(
    client: &Client,
    ledger: &str,
    agent: &str,
    policy: &str,
    plan: UsagePlan,
) -> Result<Usage, LedgerError> {
    let failed = |error: Error| failure::statement(ledger, &error);
    let ids: Vec<_> = plan
        .counters
        .iter()
        .map(|counter| counter_id(agent, policy, counter).to_vec())
        .collect();
    let key = plan.idempotency_key.as_ref();
    let key = key.map(|key| key_id(agent, policy, key).to_vec());
    let rows = client
        .query_typed(
            "SELECT current_totals, key_seen FROM aport_gate.read($1, $2)",
            &[(&ids, Type::BYTEA_ARRAY), (&key, Type::BYTEA)],
        )
        .await
        .map_err(failed)?;
    let mut usage = Usage::default();
    if let Some(row) = rows.first() {
        let totals: Vec<i64> = row.try_get(0).map_err(failed)?;
        usage.counters.extend(plan.counters.into_iter().zip(totals));
        usage.key_seen = row.try_get(1).map_err(failed)?;
    }
    Ok(usage)
}

fn public(
    records: Result<Vec<Stored>, Error>,
    ledger: &str,
) -> Result<Vec<AuditRecord>, LedgerError> {
    records
        .map_err(|error| failure::statement(ledger, &error))?
        .into_iter()
        .map(|record| record.read().map_err(|problem| problem.at(ledger)))
        .collect()
}

async fn page(client: &Client, after: i64, limit: i64) -> Result<Vec<Stored>, Error> {
    let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(&after, Type::INT8), (&limit, Type::INT8)];
    let rows = client.query_typed(RECORDS, &parameters).await?;
    rows.iter().map(stored).collect()
}

fn stored(row: &Row) -> Result<Stored, Error> {
    Ok(Stored {
        sequence: row.try_get(0)?,
        at: row.try_get(1)?,
        kind: row.try_get(2)?,
        decision_id: row.try_get(3)?,
        body: row.try_get(4)?,
        previous: row.try_get(5)?,
        hash: row.try_get(6)?,
    })
}
