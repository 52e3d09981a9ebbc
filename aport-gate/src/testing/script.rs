//! Decisions that a test has written beforehand.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aport_gate_oap::{Decision, Outcome, Reason, ReasonDetails, UsagePlan};
use jiff::Timestamp;
use serde_json::Value;

use crate::ledger::{Ledger, Recorded, Verdict};
use crate::local::Query;
use crate::refusal::{Refusal, RefusalCode};

const EXPIRES_IN_SECONDS: u32 = 60;

/// One decision of a script.
///
/// ```
/// use aport_gate::testing::Scripted;
/// use std::time::Duration;
///
/// let script = [
///     Scripted::deny("oap.limit_exceeded", "amount 9 is over the limit 5").limit("amount", 9, 5),
///     Scripted::allow().after(Duration::from_millis(20)),
///     Scripted::unavailable("the registry is down"),
/// ];
/// # let _ = script;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Scripted {
    answer: Answer,
    after: Duration,
}

#[derive(Clone, Debug)]
enum Answer {
    Decide(Outcome, Vec<Reason>),
    Refuse(String),
    Panic(String),
}

impl Scripted {
    /// The tool may run.
    pub fn allow() -> Self {
        Self::decide(
            Outcome::Allow,
            reason("oap.allowed", "allowed by the script"),
        )
    }

    /// The policy denies, for one reason.
    pub fn deny(code: &str, message: &str) -> Self {
        Self::decide(Outcome::Deny, reason(code, message))
    }

    /// The policy denies until a person has approved.
    pub fn require_review(message: &str) -> Self {
        let reason = reason("oap.approval_required", message);
        Self::decide(Outcome::RequireReview, reason)
    }

    /// No decision can be had: the call is refused with `gate.ledger_unavailable`.
    pub fn unavailable(message: &str) -> Self {
        Self::answer(Answer::Refuse(message.to_owned()))
    }

    /// The verifier panics while it decides.
    pub fn panic(message: &str) -> Self {
        Self::answer(Answer::Panic(message.to_owned()))
    }

    /// Adds a reason to a denial.
    pub fn because(mut self, code: &str, message: &str) -> Self {
        if let Answer::Decide(_, reasons) = &mut self.answer {
            reasons.push(reason(code, message));
        }
        self
    }

    /// Tells which field of the last reason exceeded which limit, as a caller needs it to adjust.
    pub fn limit(mut self, field: &str, actual: impl Into<Value>, limit: impl Into<Value>) -> Self {
        if let Answer::Decide(_, reasons) = &mut self.answer
            && let Some(last) = reasons.last_mut()
        {
            last.details = Some(ReasonDetails {
                rule: "script".to_owned(),
                field: Some(field.to_owned()),
                actual: Some(actual.into()),
                limit: Some(limit.into()),
                ..ReasonDetails::default()
            });
        }
        self
    }

    /// The answer takes this long. Longer than the gate's timeout, and the call is refused with
    /// `gate.timeout`.
    pub fn after(mut self, delay: Duration) -> Self {
        self.after = delay;
        self
    }

    fn decide(outcome: Outcome, reason: Reason) -> Self {
        Self::answer(Answer::Decide(outcome, vec![reason]))
    }

    fn answer(answer: Answer) -> Self {
        Self {
            answer,
            after: Duration::ZERO,
        }
    }
}

fn reason(code: &str, message: &str) -> Reason {
    Reason {
        code: code.to_owned(),
        message: message.to_owned(),
        details: None,
    }
}

/// The decisions to come, in order, then the one for all further calls.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(super) next: Mutex<VecDeque<Scripted>>,
    pub(super) then: Option<Scripted>,
}

impl Script {
    /// Answers as written, over the real ledger: what is allowed is recorded and reserved as ever.
    pub(crate) async fn verify(
        &self,
        ledger: &Ledger,
        query: Query,
        now: Timestamp,
    ) -> Result<Recorded, Refusal> {
        let next = self
            .next
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        let Some(step) = next.or_else(|| self.then.clone()) else {
            return Err(unavailable("the test's script has no further decision"));
        };
        tokio::time::sleep(step.after).await;
        if let Answer::Refuse(message) = &step.answer {
            return Err(unavailable(message));
        }
        let (agent, policy) = (query.agent.to_string(), query.pack.to_string());
        let evaluate = move |_: &_| Verdict {
            facts: query.facts.clone(),
            registry: None,
            decision: decision(&step.answer, &query, now),
            tool: query.tool.to_owned(),
            charges: Vec::new(),
            idempotency_key: None,
        };
        ledger
            .decide(agent, policy, UsagePlan::default(), Box::new(evaluate))
            .await
            .map_err(|error| unavailable(&format!("the decision could not be recorded: {error}")))
    }
}

fn unavailable(message: &str) -> Refusal {
    Refusal::new(RefusalCode::LedgerUnavailable, message)
}

fn decision(answer: &Answer, query: &Query, now: Timestamp) -> Decision {
    let (outcome, reasons) = match answer {
        Answer::Decide(outcome, reasons) => (*outcome, reasons.clone()),
        Answer::Refuse(message) | Answer::Panic(message) => panic!("{message}"),
    };
    Decision {
        decision_id: uuid::Uuid::new_v4().to_string(),
        policy_id: query.pack.clone(),
        agent_id: query.agent.clone(),
        passport_id: None,
        owner_id: None,
        assurance_level: None,
        allow: outcome == Outcome::Allow,
        outcome,
        reasons,
        created_at: now,
        issued_at: now,
        expires_in: EXPIRES_IN_SECONDS.into(),
        expires_at: now + jiff::SignedDuration::from_secs(i64::from(EXPIRES_IN_SECONDS)),
        passport_digest: None,
        policy_hash: None,
        context_digest: query.digest,
        tool: Some(query.tool.to_owned()),
        operator_options: None,
        kid: None,
        signature: None,
    }
}
