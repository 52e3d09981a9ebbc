//! What the ledger keeps of redacted fields: counters and idempotency keys under digests.
//!
//! The same value has to be found again by every server that shares the ledger, whatever its home. So
//! these digests are bare SHA-256, apart for each agent, pack and counter; a short value can be guessed
//! from one.

use std::borrow::Cow;
use std::collections::HashMap;

use aport_gate_oap::{
    AgentId, Charge, CounterKey, Digest, Evaluation, Pack, PackId, Usage, UsagePlan,
};

use super::{Redacted, is_of};
use crate::refusal::{Refusal, RefusalCode};

/// First part of what is digested.
const DOMAIN: &str = "aport-gate redacted key 1";

/// The counters and the idempotency key of one call, as rules and as ledger name them.
#[derive(Default)]
pub(crate) struct Kept {
    stored: HashMap<CounterKey, CounterKey>,
    idempotency_key: Option<String>,
}

impl Kept {
    /// Puts digests into a plan, where its keys are made of redacted fields.
    ///
    /// # Errors
    /// A sum of redacted values cannot be kept without them, and a key that holds a fact which repeats
    /// one would be another on every server.
    pub(crate) fn replace_in(
        plan: &mut UsagePlan,
        pack: &Pack,
        agent: &AgentId,
        redacted: &Redacted,
    ) -> Result<Self, Refusal> {
        let mut kept = Self::default();
        let id = pack.id();
        for key in &mut plan.counters {
            if let Some(sum) = pack.counter_sum(&key.counter)
                && redacted.hides(sum)
            {
                return Err(refused(&format!(
                    "counter `{}` sums `{sum}`, which is redacted: do not redact it",
                    key.counter
                )));
            }
            let reads = pack.counter_key_reads(&key.counter);
            refuse_repeated(|field| reads.touch(|read| read == field), redacted)?;
            if !key.key.is_empty() && reads.touch(|read| redacted.names(read)) {
                let plain = key.clone();
                key.key = stored(agent, id, &plain.counter, &plain.key);
                kept.stored.insert(plain, key.clone());
            }
        }
        if let (Some(field), Some(key)) = (pack.idempotency_field(), &mut plan.idempotency_key) {
            refuse_repeated(|repeated| repeated == field, redacted)?;
            if redacted.names(field) {
                *key = stored(agent, id, "", key);
                kept.idempotency_key = Some(key.clone());
            }
        }
        Ok(kept)
    }

    /// What the ledger read, under the names that the rules know.
    pub(crate) fn usage<'u>(&self, usage: &'u Usage) -> Cow<'u, Usage> {
        let mut named = Cow::Borrowed(usage);
        for (plain, stored) in &self.stored {
            if let Some(used) = usage.counters.get(stored) {
                named.to_mut().counters.insert(plain.clone(), *used);
            }
        }
        named
    }

    /// Puts the digests into what the ledger is to take.
    pub(crate) fn replace_in_charges(&self, evaluation: &mut Evaluation) {
        for Charge { counter, .. } in &mut evaluation.charges {
            if let Some(stored) = self.stored.get(counter) {
                counter.clone_from(stored);
            }
        }
        if evaluation.idempotency_key.is_some() && self.idempotency_key.is_some() {
            evaluation.idempotency_key.clone_from(&self.idempotency_key);
        }
    }
}

impl Redacted {
    /// Whether the tool itself names the field, on every call.
    fn names(&self, read: &str) -> bool {
        self.named.iter().any(|named| is_of(named, read))
    }
}

/// A key that is digested on some calls and not on others would be two keys.
fn refuse_repeated(reads: impl Fn(&str) -> bool, redacted: &Redacted) -> Result<(), Refusal> {
    let repeated = redacted.repeated.iter();
    match repeated
        .filter(|field| !redacted.names(field))
        .find(|field| reads(field))
    {
        Some(field) => Err(refused(&format!(
            "fact `{field}` repeats a redacted argument, and the pack counts by it: name it in `redact({field})`"
        ))),
        None => Ok(()),
    }
}

fn refused(problem: &str) -> Refusal {
    Refusal::new(RefusalCode::InvalidContext, problem)
}

fn stored(agent: &AgentId, pack: &PackId, counter: &str, key: &str) -> String {
    // No part but the last can hold a zero byte.
    let parts = [DOMAIN, agent.as_str(), pack.as_str(), counter, key];
    Digest::of(parts.join("\0").as_bytes()).to_string()
}
