//! The audit chain in its two tables.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::audit::{AuditRecord, AuditSummary, ChainCheck, Entry, Head, Stored};
use super::super::error::Problem;
use super::super::head::AuditHead;

/// Writes the head of an empty chain.
pub(super) fn start(connection: &Connection) -> Result<(), Problem> {
    let head = Head::genesis();
    connection.execute(
        "INSERT INTO audit_head VALUES (1, ?1, ?2)",
        params![head.sequence, head.hash],
    )?;
    Ok(())
}

/// Appends one record. The head is read under the write lock, so the chain never forks.
pub(super) fn append(transaction: &Connection, entry: Entry) -> Result<(), Problem> {
    let record = entry.behind(&head(transaction)?)?;
    transaction
        .prepare_cached("INSERT INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute(params![
            record.sequence,
            record.at,
            record.kind,
            record.decision_id,
            record.body,
            record.previous,
            record.hash
        ])?;
    transaction
        .prepare_cached("UPDATE audit_head SET sequence = ?1, hash = ?2 WHERE only = 1")?
        .execute(params![record.sequence, record.hash])?;
    Ok(())
}

/// A decision allows one call: whatever became of that, its record stays.
pub(super) fn refuse_recorded(transaction: &Connection, decision_id: &str) -> Result<(), Problem> {
    let recorded = transaction
        .prepare_cached("SELECT 1 FROM audit WHERE decision_id = ?1")?
        .exists([decision_id])?;
    match recorded {
        true => Err(Problem::DecisionTaken(decision_id.to_owned())),
        false => Ok(()),
    }
}

pub(super) fn records(
    connection: &mut Connection,
    after: u64,
    limit: u32,
) -> Result<Vec<AuditRecord>, Problem> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut statement =
        connection.prepare("SELECT * FROM audit WHERE sequence > ?1 ORDER BY sequence LIMIT ?2")?;
    let rows = statement.query_map(params![after, limit], stored)?;
    rows.map(|row| row?.read()).collect()
}

pub(super) fn records_of(
    connection: &mut Connection,
    decision_id: &str,
) -> Result<Vec<AuditRecord>, Problem> {
    let mut statement = connection
        .prepare_cached("SELECT * FROM audit WHERE decision_id = ?1 ORDER BY sequence")?;
    let rows = statement.query_map([decision_id], stored)?;
    rows.map(|row| row?.read()).collect()
}

pub(super) fn verify(
    connection: &mut Connection,
    kept: Option<AuditHead>,
) -> Result<AuditSummary, Problem> {
    // One snapshot: records appended meanwhile would disagree with the head.
    let snapshot = connection.transaction()?;
    let head = head(&snapshot)?;
    let mut check = ChainCheck::new(kept);
    let mut statement = snapshot.prepare("SELECT * FROM audit ORDER BY sequence")?;
    for row in statement.query_map([], stored)? {
        check.record(row?)?;
    }
    check.end(&head)
}

pub(super) fn head(connection: &Connection) -> Result<Head, Problem> {
    connection
        .prepare_cached("SELECT sequence, hash FROM audit_head WHERE only = 1")?
        .query_row([], |row| {
            Ok(Head {
                sequence: row.get(0)?,
                hash: row.get(1)?,
            })
        })
        .optional()?
        .ok_or_else(|| Problem::Corrupt("the audit chain has no head".to_owned()))
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        sequence: row.get("sequence")?,
        at: row.get("at")?,
        kind: row.get("kind")?,
        decision_id: row.get("decision_id")?,
        body: row.get("body")?,
        previous: row.get("previous")?,
        hash: row.get("hash")?,
    })
}
