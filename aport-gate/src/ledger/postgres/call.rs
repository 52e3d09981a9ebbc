//! One decision as the ledger's function takes it.

use aport_gate_oap::{Charge, Usage};

use super::super::audit::Entry;
use super::super::backend::Ask;
use super::super::error::{LedgerError, Problem};
use super::super::verdict::{Verdict, judge};
use super::known::{Known, RowId, counter_id, key_id};

/// A question and what identifies its rows.
pub(super) struct Question {
    pub(super) ask: Ask,
    pub(super) ids: Vec<RowId>,
    pub(super) key_id: Option<RowId>,
}

/// An evaluated question, with what it was evaluated against.
pub(super) struct Call {
    pub(super) verdict: Verdict,
    pub(super) entry: Entry,
    pub(super) seen_totals: Vec<i64>,
    pub(super) seen_key: bool,
    /// Empty for a denial.
    pub(super) charges: Vec<Charge>,
    pub(super) charge_ids: Vec<RowId>,
    pub(super) take_key: Option<String>,
    pub(super) take_key_id: Option<RowId>,
}

impl Question {
    pub(super) fn new(ask: Ask) -> Self {
        let ids = ask
            .plan
            .counters
            .iter()
            .map(|counter| counter_id(&ask.agent, &ask.policy, counter))
            .collect();
        let key_id = ask
            .plan
            .idempotency_key
            .as_ref()
            .map(|key| key_id(&ask.agent, &ask.policy, key));
        Self { ask, ids, key_id }
    }

    /// Evaluates against what is known, and expects the outcome to be recorded.
    pub(super) fn evaluate(
        &mut self,
        known: &mut Known,
        ledger: &str,
    ) -> Result<Call, LedgerError> {
        let seen_totals: Vec<_> = self.ids.iter().map(|id| known.total(id)).collect();
        let seen_key = self.key_id.is_some_and(|id| known.key_seen(&id));
        let mut usage = Usage::default();
        let counters = self.ask.plan.counters.iter().cloned();
        usage
            .counters
            .extend(counters.zip(seen_totals.iter().copied()));
        usage.key_seen = seen_key;
        let mut verdict =
            judge(&mut self.ask.evaluate, &usage).map_err(|problem| problem.at(ledger))?;
        let entry = Entry::decision(&verdict).map_err(|problem| problem.at(ledger))?;
        let (charges, take_key) = if verdict.decision.allow {
            (
                std::mem::take(&mut verdict.charges),
                verdict.idempotency_key.take(),
            )
        } else {
            (Vec::new(), None)
        };
        let (agent, policy) = (&self.ask.agent, &self.ask.policy);
        let call = Call {
            charge_ids: charges
                .iter()
                .map(|charge| counter_id(agent, policy, &charge.counter))
                .collect(),
            take_key_id: take_key.as_ref().map(|key| key_id(agent, policy, key)),
            verdict,
            entry,
            seen_totals,
            seen_key,
            charges,
            take_key,
        };
        self.refuse_nul(&call, ledger)?;
        call.expect(known).map_err(|problem| problem.at(ledger))?;
        Ok(call)
    }

    /// PostgreSQL has no NUL in its texts, and one such text would fail the calls beside it too.
    fn refuse_nul(&self, call: &Call, ledger: &str) -> Result<(), LedgerError> {
        let unstorable = |what: &str| LedgerError::Unstorable {
            ledger: ledger.to_owned(),
            what: what.to_owned(),
        };
        let has_nul = |text: &str| text.contains('\0');
        if has_nul(&self.ask.agent) || has_nul(&self.ask.policy) {
            return Err(unstorable("the agent's or the policy's id"));
        }
        if has_nul(&call.verdict.decision.decision_id) {
            return Err(unstorable("the decision's id"));
        }
        for Charge { counter, .. } in &call.charges {
            if has_nul(&counter.counter) || has_nul(&counter.key) {
                return Err(unstorable("a counter's key"));
            }
        }
        if call.take_key.as_deref().is_some_and(has_nul) {
            return Err(unstorable("the idempotency key"));
        }
        Ok(())
    }
}

impl Call {
    pub(super) fn decision_id(&self) -> &str {
        &self.verdict.decision.decision_id
    }

    /// Unix second at which the last of its windows ends.
    pub(super) fn open_until(&self) -> i64 {
        let ends = self.charges.iter().map(|charge| charge.counter.window_end);
        ends.fold(self.verdict.decision.created_at.as_second(), i64::max)
    }

    /// Counter ids with what is taken from each.
    pub(super) fn taken(&self) -> Vec<(RowId, i64)> {
        let amounts = self.charges.iter().map(|charge| charge.amount);
        self.charge_ids.iter().copied().zip(amounts).collect()
    }

    fn expect(&self, known: &mut Known) -> Result<(), Problem> {
        let mut after = std::collections::HashMap::new();
        for (charge, id) in self.charges.iter().zip(&self.charge_ids) {
            let before = after.get(id).copied().unwrap_or_else(|| known.total(id));
            // A negative charge would give room back without a release.
            let total = charge
                .amount
                .checked_add(before)
                .filter(|_| charge.amount >= 0)
                .ok_or_else(|| Problem::Overflow {
                    counter: charge.counter.counter.clone(),
                    amount: charge.amount,
                    total: before,
                })?;
            after.insert(*id, total);
        }
        for (id, total) in after {
            known.learn(&[id], &[total]);
        }
        known.learn_key(self.take_key_id, true);
        Ok(())
    }
}
