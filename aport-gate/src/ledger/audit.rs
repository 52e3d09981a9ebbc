//! The audit chain: each record carries the hash of the one before it.

use aport_gate_oap::Digest;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::Value;

use super::error::Problem;

/// The `previous` of the first record.
const GENESIS: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// One record of the audit chain.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AuditRecord {
    /// Position in the chain, from 1, without gaps.
    pub sequence: u64,
    /// When it was written, RFC 3339 in UTC.
    pub at: String,
    /// `decision`, `outcome` or `refusal`.
    pub kind: String,
    /// The decision this record is or belongs to; none for a refusal.
    pub decision_id: Option<String>,
    /// What happened.
    pub body: Value,
    /// Hash of the record before, as `sha256:` and hexadecimal digits; 64 zeros for the first.
    pub previous: String,
    /// SHA-256 of this record, as `sha256:` and hexadecimal digits.
    pub hash: String,
}

/// The result of checking a whole chain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditSummary {
    /// How many records the chain has.
    pub records: u64,
    /// Hash of the last record, as `sha256:` and hexadecimal digits; 64 zeros when there is none.
    pub head: String,
}

/// A record as stored: its body is text, because the hash is over that text.
struct Stored {
    sequence: i64,
    at: String,
    kind: String,
    decision_id: Option<String>,
    body: String,
    previous: String,
    hash: String,
}

/// Writes the head of an empty chain.
pub(super) fn start(connection: &Connection) -> Result<(), Problem> {
    connection.execute("INSERT INTO audit_head VALUES (1, 0, ?1)", [GENESIS])?;
    Ok(())
}

/// Appends one record. The head is read under the write lock, so the chain never forks.
pub(super) fn append(
    transaction: &Transaction<'_>,
    kind: &str,
    decision_id: Option<&str>,
    body: &Value,
) -> Result<(), Problem> {
    let (last, previous): (i64, String) = head(transaction)?;
    let sequence = last
        .checked_add(1)
        .ok_or_else(|| Problem::Corrupt("the audit chain is full".to_owned()))?;
    let mut record = Stored {
        sequence,
        at: Timestamp::now().to_string(),
        kind: kind.to_owned(),
        decision_id: decision_id.map(str::to_owned),
        body: serde_json::to_string(&sorted(body))?,
        previous,
        hash: String::new(),
    };
    record.hash = record.digest();
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

pub(super) fn records(
    connection: &mut Connection,
    after: u64,
    limit: u32,
) -> Result<Vec<AuditRecord>, Problem> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut statement =
        connection.prepare("SELECT * FROM audit WHERE sequence > ?1 ORDER BY sequence LIMIT ?2")?;
    let rows = statement.query_map(params![after, limit], Stored::from_row)?;
    rows.map(|row| {
        let row = row?;
        let sequence = row.sequence.unsigned_abs();
        let body = serde_json::from_str(&row.body).map_err(|error| Problem::Tampered {
            sequence,
            problem: format!("its body is not JSON: {error}"),
        })?;
        Ok(AuditRecord {
            sequence,
            at: row.at,
            kind: row.kind,
            decision_id: row.decision_id,
            body,
            previous: row.previous,
            hash: row.hash,
        })
    })
    .collect()
}

pub(super) fn verify(connection: &mut Connection) -> Result<AuditSummary, Problem> {
    // One snapshot: records appended meanwhile would disagree with the head.
    let snapshot = connection.transaction()?;
    let (last, last_hash) = head(&snapshot)?;
    let mut expected: i64 = 0;
    let mut previous = GENESIS.to_owned();
    let mut statement = snapshot.prepare("SELECT * FROM audit ORDER BY sequence")?;
    for row in statement.query_map([], Stored::from_row)? {
        let row = row?;
        expected = expected.saturating_add(1);
        if row.sequence != expected {
            return Err(tampered(expected, "it is missing"));
        }
        if row.digest() != row.hash {
            return Err(tampered(expected, "its content does not match its hash"));
        }
        if row.previous != previous {
            return Err(tampered(
                expected,
                "it does not follow the record before it",
            ));
        }
        previous = row.hash;
    }
    if expected < last {
        return Err(tampered(
            expected.saturating_add(1),
            "it is missing at the end",
        ));
    }
    if expected > last || previous != last_hash {
        return Err(tampered(expected, "it is not the head of the chain"));
    }
    Ok(AuditSummary {
        records: expected.unsigned_abs(),
        head: previous,
    })
}

fn head(connection: &Connection) -> Result<(i64, String), Problem> {
    connection
        .prepare_cached("SELECT sequence, hash FROM audit_head WHERE only = 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .ok_or_else(|| Problem::Corrupt("the audit chain has no head".to_owned()))
}

fn tampered(sequence: i64, problem: &str) -> Problem {
    Problem::Tampered {
        sequence: sequence.unsigned_abs(),
        problem: problem.to_owned(),
    }
}

impl Stored {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            sequence: row.get("sequence")?,
            at: row.get("at")?,
            kind: row.get("kind")?,
            decision_id: row.get("decision_id")?,
            body: row.get("body")?,
            previous: row.get("previous")?,
            hash: row.get("hash")?,
        })
    }

    /// Every field goes in behind its length: no two records have the same encoding.
    fn digest(&self) -> String {
        let mut encoding = Vec::with_capacity(self.body.len().saturating_add(512));
        let mut field = |bytes: &[u8]| {
            encoding.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            encoding.extend_from_slice(bytes);
        };
        field(b"aport-gate audit record 1");
        field(&self.sequence.to_be_bytes());
        field(self.at.as_bytes());
        field(self.kind.as_bytes());
        // An absent id and an empty one are different.
        field(if self.decision_id.is_some() {
            b"1"
        } else {
            b"0"
        });
        field(self.decision_id.as_deref().unwrap_or_default().as_bytes());
        field(self.body.as_bytes());
        field(self.previous.as_bytes());
        Digest::of(&encoding).to_string()
    }
}

/// Sorts the members of every object: their order must not depend on how serde_json was built.
/// Not RFC 8785, which has no form for integers beyond 2^53; a record must hold those as well.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut entries: Vec<_> = members.iter().collect();
            entries.sort_by_key(|(name, _)| name.as_str());
            entries
                .into_iter()
                .map(|(name, member)| (name.clone(), sorted(member)))
                .collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
