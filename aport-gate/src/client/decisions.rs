//! A client's own log of what was decided about its calls.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use super::{ClientError, DecidedBy, DecisionMatch, DecisionSummary, Denial, ToolReply};

/// How many entries are kept.
const MOST: usize = 1000;

/// A caller's own sink of entries.
pub type DecisionSink = dyn Fn(&DecisionEntry) + Send + Sync;

/// One attempt at a call, and what was decided about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DecisionEntry {
    /// When the answer, or its absence, was known here.
    pub at: Timestamp,
    /// Tool that was called.
    pub tool: String,
    /// Agent it was called as.
    pub agent_id: String,
    /// Key of the [`Intention`](super::Intention), where there is one: the same in all its attempts.
    pub intention: Option<String>,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// What came of it.
    pub verdict: CallVerdict,
    /// Id of the server's decision and of its audit record.
    pub decision_id: Option<String>,
    /// Pack that was asked.
    pub policy_id: Option<String>,
    /// Reason codes, in order.
    pub codes: Vec<String>,
    /// Of an attempt whose tool answered: whether the decision is one about this call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_match: Option<DecisionMatch>,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CallVerdict {
    /// Allowed, and the tool ran. It may have reported an error of its own.
    Allowed,
    /// Denied by the gate.
    Denied,
    /// Denied by this client's own check; the server was not asked.
    DeniedBeforehand,
    /// The gate could not decide; the tool did not run.
    Undecided,
    /// The tool answered without any decision: it is not gated.
    Ungated,
    /// The tool answered, and not with a decision about this call, though a gate is claimed:
    /// [`DecisionMatch`](super::DecisionMatch) says how.
    Unmatched,
    /// The request was refused, or did not get to the server.
    NotRun,
    /// Nobody knows whether the tool ran.
    Unknown,
}

/// The last entries, and who else hears of them.
#[derive(Default)]
pub(super) struct DecisionLog {
    kept: Mutex<VecDeque<DecisionEntry>>,
    pub(super) sink: Option<Arc<DecisionSink>>,
}

impl DecisionLog {
    pub(super) fn entries(&self) -> Vec<DecisionEntry> {
        self.kept().iter().cloned().collect()
    }

    pub(super) fn add(&self, entry: DecisionEntry) {
        tracing::info!(
            tool = entry.tool,
            agent_id = entry.agent_id,
            attempt = entry.attempt,
            intention = entry.intention,
            verdict = ?entry.verdict,
            decision_id = entry.decision_id,
            policy_id = entry.policy_id,
            codes = ?entry.codes,
            "call decided"
        );
        if entry.verdict == CallVerdict::Unmatched {
            tracing::warn!(
                tool = entry.tool,
                agent_id = entry.agent_id,
                intention = entry.intention,
                decision_id = entry.decision_id,
                policy_id = entry.policy_id,
                decision_match = ?entry.decision_match,
                "a tool answered without a decision of its gate about this call"
            );
        }
        if let Some(sink) = &self.sink {
            sink(&entry);
        }
        let mut kept = self.kept();
        if kept.len() >= MOST {
            kept.pop_front();
        }
        kept.push_back(entry);
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<DecisionEntry>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for DecisionLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecisionLog")
            .field("entries", &self.kept().len())
            .finish_non_exhaustive()
    }
}

/// What an attempt's outcome says for the log.
pub(super) struct Told {
    verdict: CallVerdict,
    decision_id: Option<String>,
    policy_id: Option<String>,
    codes: Vec<String>,
    decision_match: Option<DecisionMatch>,
}

impl Told {
    /// `pack`: what guards the tool by the listing.
    pub(super) fn by(
        outcome: &Result<ToolReply, ClientError>,
        pack: Option<&str>,
        agent_id: &str,
    ) -> Self {
        let of_run = |decision: Option<&DecisionSummary>| {
            Self::of_run(decision, DecisionMatch::of(decision, pack, agent_id))
        };
        match outcome {
            Ok(reply) => of_run(reply.decision.as_ref()),
            Err(ClientError::Tool { decision, .. }) => of_run(decision.as_deref()),
            Err(ClientError::Protocol {
                decision: Some(decision),
                ..
            }) => of_run(Some(decision)),
            Err(ClientError::Denied(denial)) => match denial.decided_by {
                DecidedBy::Gate => Self::of_denial(CallVerdict::Denied, denial),
                DecidedBy::PreCheck => Self::of_denial(CallVerdict::DeniedBeforehand, denial),
            },
            Err(ClientError::Unavailable(denial)) => {
                Self::of_denial(CallVerdict::Undecided, denial)
            }
            Err(ClientError::Contradictory { decision, .. }) => Self {
                verdict: CallVerdict::Unknown,
                ..of_run(Some(decision))
            },
            Err(error) if error.may_have_run() => Self::nothing(CallVerdict::Unknown),
            Err(_) => Self::nothing(CallVerdict::NotRun),
        }
    }

    fn of_run(decision: Option<&DecisionSummary>, matched: DecisionMatch) -> Self {
        let verdict = match matched {
            DecisionMatch::Matches => CallVerdict::Allowed,
            DecisionMatch::Missing | DecisionMatch::Foreign => CallVerdict::Unmatched,
            DecisionMatch::Ungated => CallVerdict::Ungated,
        };
        let reasons = decision.into_iter().flat_map(|decision| &decision.reasons);
        Self {
            verdict,
            decision_id: decision.and_then(|decision| decision.decision_id.clone()),
            policy_id: decision.and_then(|decision| decision.policy_id.clone()),
            codes: reasons.map(|one| one.code.clone()).collect(),
            decision_match: Some(matched),
        }
    }

    fn of_denial(verdict: CallVerdict, denial: &Denial) -> Self {
        Self {
            verdict,
            decision_id: denial.decision_id.clone(),
            policy_id: denial.policy_id.clone(),
            codes: denial.reasons.iter().map(|one| one.code.clone()).collect(),
            decision_match: None,
        }
    }

    fn nothing(verdict: CallVerdict) -> Self {
        Self {
            verdict,
            decision_id: None,
            policy_id: None,
            codes: Vec::new(),
            decision_match: None,
        }
    }

    pub(super) fn entry(
        self,
        tool: &str,
        agent_id: &str,
        intention: Option<&str>,
        attempt: u32,
    ) -> DecisionEntry {
        DecisionEntry {
            at: Timestamp::now(),
            tool: tool.to_owned(),
            agent_id: agent_id.to_owned(),
            intention: intention.map(str::to_owned),
            attempt,
            verdict: self.verdict,
            decision_id: self.decision_id,
            policy_id: self.policy_id,
            codes: self.codes,
            decision_match: self.decision_match,
        }
    }
}
