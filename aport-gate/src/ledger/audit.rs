//! The audit chain: each record carries the hash of the one before it.

use aport_gate_oap::Digest;
use jiff::Timestamp;
use serde_json::Value;

use super::error::Problem;
use super::head::AuditHead;
use super::record;
use super::verdict::Verdict;

/// The `previous` of the first record.
pub(super) const GENESIS: &str =
    "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// First field of every record's encoding.
const ENCODING: &[u8] = b"aport-gate audit record 1";

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

/// A record before it has its place in the chain.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) at: String,
    pub(super) kind: &'static str,
    pub(super) decision_id: Option<String>,
    pub(super) body: String,
}

impl Entry {
    pub(super) fn new(
        kind: &'static str,
        decision_id: Option<&str>,
        body: &Value,
    ) -> Result<Self, Problem> {
        Ok(Self::of(kind, decision_id, record::text(body)?))
    }

    fn of(kind: &'static str, decision_id: Option<&str>, body: String) -> Self {
        Self {
            at: Timestamp::now().to_string(),
            kind,
            decision_id: decision_id.map(str::to_owned),
            body,
        }
    }

    /// The record of a decision.
    pub(super) fn decision(verdict: &Verdict) -> Result<Self, Problem> {
        let id = &verdict.decision.decision_id;
        Ok(Self::of("decision", Some(id), verdict.text()?))
    }

    /// Puts the record behind the head of the chain.
    pub(super) fn behind(self, head: &Head) -> Result<Stored, Problem> {
        let sequence = head
            .sequence
            .checked_add(1)
            .ok_or_else(|| Problem::Corrupt("the audit chain is full".to_owned()))?;
        let mut record = Stored {
            sequence,
            at: self.at,
            kind: self.kind.to_owned(),
            decision_id: self.decision_id,
            body: self.body,
            previous: head.hash.clone(),
            hash: String::new(),
        };
        record.hash = record.digest();
        Ok(record)
    }
}

/// Where the chain ends.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) sequence: i64,
    pub(super) hash: String,
}

impl Head {
    /// As it goes out.
    pub(super) fn public(&self) -> Result<AuditHead, Problem> {
        Ok(AuditHead {
            sequence: self.sequence.unsigned_abs(),
            hash: Digest::parse(&self.hash).map_err(|error| {
                Problem::Corrupt(format!("the head of the audit chain: {error}"))
            })?,
        })
    }

    /// The head of an empty chain.
    pub(super) fn genesis() -> Self {
        Self {
            sequence: 0,
            hash: GENESIS.to_owned(),
        }
    }
}

/// A record as stored: its body is text, because the hash is over that text.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) sequence: i64,
    pub(super) at: String,
    pub(super) kind: String,
    pub(super) decision_id: Option<String>,
    pub(super) body: String,
    pub(super) previous: String,
    pub(super) hash: String,
}

impl Stored {
    /// Every field goes in behind its length: no two records have the same encoding.
    pub(super) fn digest(&self) -> String {
        let mut encoding = Vec::with_capacity(self.body.len().saturating_add(512));
        let mut field = |bytes: &[u8]| {
            encoding.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            encoding.extend_from_slice(bytes);
        };
        field(ENCODING);
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

    pub(super) fn read(self) -> Result<AuditRecord, Problem> {
        let sequence = self.sequence.unsigned_abs();
        let body = serde_json::from_str(&self.body).map_err(|error| Problem::Tampered {
            sequence,
            problem: format!("its body is not JSON: {error}"),
        })?;
        Ok(AuditRecord {
            sequence,
            at: self.at,
            kind: self.kind,
            decision_id: self.decision_id,
            body,
            previous: self.previous,
            hash: self.hash,
        })
    }
}

/// Checks a chain, record after record in order of their sequence.
pub(super) struct ChainCheck {
    expected: i64,
    previous: String,
    kept: Option<AuditHead>,
}

impl ChainCheck {
    /// `kept` is a head from outside, which the chain must hold as well.
    pub(super) fn new(kept: Option<AuditHead>) -> Self {
        Self {
            expected: 0,
            previous: GENESIS.to_owned(),
            kept,
        }
    }

    pub(super) fn record(&mut self, record: Stored) -> Result<(), Problem> {
        self.expected = self.expected.saturating_add(1);
        if record.sequence != self.expected {
            return Err(tampered(self.expected, "it is missing"));
        }
        if record.digest() != record.hash {
            return Err(tampered(
                self.expected,
                "its content does not match its hash",
            ));
        }
        if record.previous != self.previous {
            return Err(tampered(
                self.expected,
                "it does not follow the record before it",
            ));
        }
        self.previous = record.hash;
        self.agrees_with_kept()
    }

    fn agrees_with_kept(&self) -> Result<(), Problem> {
        match self.kept {
            Some(kept)
                if kept.sequence == self.expected.unsigned_abs()
                    && kept.hash.to_string() != self.previous =>
            {
                Err(tampered(
                    self.expected,
                    "its hash is not that of the head that was kept: the chain was rewritten, or the head is of another one",
                ))
            }
            _ => Ok(()),
        }
    }

    /// Compares with the head of the same snapshot.
    pub(super) fn end(self, head: &Head) -> Result<AuditSummary, Problem> {
        if self.expected < head.sequence {
            return Err(tampered(
                self.expected.saturating_add(1),
                "it is missing at the end",
            ));
        }
        if self.expected > head.sequence || self.previous != head.hash {
            return Err(tampered(self.expected, "it is not the head of the chain"));
        }
        match self.kept {
            // An empty chain has a head as well.
            Some(kept) if kept.sequence == 0 && kept.hash.to_string() != GENESIS => {
                return Err(tampered(0, "no empty chain has the head that was kept"));
            }
            Some(kept) if kept.sequence > self.expected.unsigned_abs() => {
                return Err(tampered(
                    self.expected.saturating_add(1),
                    "it is missing at the end, and was there when the head was kept",
                ));
            }
            _ => {}
        }
        Ok(AuditSummary {
            records: self.expected.unsigned_abs(),
            head: self.previous,
        })
    }
}

fn tampered(sequence: i64, problem: &str) -> Problem {
    Problem::Tampered {
        sequence: sequence.unsigned_abs(),
        problem: problem.to_owned(),
    }
}
