//! The embedded verifier: packs and passports from files, usage from the ledger.

use std::sync::Arc;

use aport_gate_oap::{
    AgentId, Decision, Digest, Evaluation, OperatorOptions, Outcome, Pack, PackId, Passport,
    Reason, Request, Usage,
};
use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::known_packs::KnownPacks;
use crate::ledger::{Ledger, Recorded, Verdict};
#[cfg(feature = "cli")]
use crate::packs::PackSet;
use crate::packs::PackStore;
use crate::passports::PassportFolder;
use crate::redaction::{Kept, Redacted, redact};
use crate::refusal::{Refusal, RefusalCode};
use crate::signing::{DecisionSigner, KeyInForce};
use crate::tool_pack::ToolPack;

/// How long a decision of this verifier says it holds, in seconds. The gate
/// uses a decision once, at once.
const EXPIRES_IN_SECONDS: u32 = 60;

pub(crate) struct LocalVerifier {
    packs: KnownPacks,
    passports: PassportFolder,
    signer: Option<KeyInForce>,
    pub(crate) clock: Clock,
}

/// What one call asks.
pub(crate) struct Query {
    pub(crate) tool: &'static str,
    pub(crate) pack: PackId,
    /// The pack as the tool knows it.
    pub(crate) tool_pack: ToolPack,
    pub(crate) agent: AgentId,
    pub(crate) context: Map<String, Value>,
    pub(crate) digest: Digest,
    /// What the server looked up itself, as it stands in the context.
    pub(crate) facts: Option<Map<String, Value>>,
    /// What is neither stored nor logged; none where the tool redacts nothing.
    pub(crate) redacted: Option<Redacted>,
    /// The agent was in no good standing, so nobody looked up the facts that the tool declares: the
    /// answer can only be a denial.
    pub(crate) without_facts: bool,
}

/// One question to the verifier, with the documents that answer it.
pub(crate) struct Case {
    /// Id of the decision to be.
    pub(crate) decision_id: uuid::Uuid,
    /// None where only the policy is known, as over HTTP.
    pub(crate) tool: Option<String>,
    pub(crate) policy: PackId,
    pub(crate) pack: Arc<Pack>,
    pub(crate) operator_options: Option<OperatorOptions>,
    pub(crate) passport: Option<Arc<Passport>>,
    pub(crate) agent: AgentId,
    pub(crate) context: Map<String, Value>,
    pub(crate) digest: Digest,
    pub(crate) facts: Option<Map<String, Value>>,
    pub(crate) redacted: Option<Redacted>,
    pub(crate) without_facts: bool,
}

impl LocalVerifier {
    pub(crate) fn new(
        packs: PackStore,
        passports: PassportFolder,
        signer: Option<KeyInForce>,
    ) -> Self {
        Self {
            packs: KnownPacks::new(packs),
            passports,
            signer,
            clock: Clock::default(),
        }
    }

    pub(crate) fn known_packs(&self) -> &KnownPacks {
        &self.packs
    }

    #[cfg(feature = "cli")]
    pub(crate) fn packs(&self) -> Arc<PackSet> {
        self.packs.current()
    }

    #[cfg(feature = "cli")]
    pub(crate) fn pack_problem(&self) -> Option<Arc<str>> {
        self.packs.problem()
    }

    /// Whether the agent's passport is known and in force now.
    pub(crate) fn is_in_good_standing(&self, agent: &AgentId) -> Result<bool, Refusal> {
        let passport = self.passports.read(agent)?;
        let now = self.clock.now();
        Ok(passport.is_some_and(|passport| passport.standing(now).is_empty()))
    }

    /// The agent's passport, if it has one.
    pub(crate) fn passport(&self, agent: &AgentId) -> Result<Option<Arc<Passport>>, Refusal> {
        self.passports.read(agent)
    }

    /// Decides about a tool's call, takes from the caps and writes the audit record, in one
    /// transaction of the ledger.
    pub(crate) async fn verify(&self, ledger: &Ledger, query: Query) -> Result<Recorded, Refusal> {
        let (pack, operator_options) = self.packs.pack(&query.tool_pack)?;
        let passport = self.passports.read(&query.agent)?;
        let case = Case {
            decision_id: uuid::Uuid::new_v4(),
            tool: Some(query.tool.to_owned()),
            policy: query.pack,
            pack,
            operator_options,
            passport,
            agent: query.agent,
            context: query.context,
            digest: query.digest,
            facts: query.facts,
            redacted: query.redacted,
            without_facts: query.without_facts,
        };
        self.decide(ledger, case).await
    }

    /// As [`verify`](Self::verify), with pack and passport at hand.
    pub(crate) async fn decide(&self, ledger: &Ledger, case: Case) -> Result<Recorded, Refusal> {
        let Case {
            decision_id,
            tool,
            policy: policy_id,
            pack,
            operator_options,
            passport,
            agent: agent_id,
            context,
            digest,
            facts,
            redacted,
            without_facts,
        } = case;
        let now = self.clock.now();
        let request = Request {
            agent_id: &agent_id,
            passport: passport.as_deref(),
            context: &context,
            tool: tool.as_deref(),
            now,
        };
        let mut plan = pack.usage_plan(&request);
        if let Some(key) = &plan.idempotency_key {
            check_key(key)?;
        }
        let kept = match &redacted {
            Some(redacted) => Kept::replace_in(&mut plan, &pack, &agent_id, redacted)?,
            None => Kept::default(),
        };
        let (agent, policy) = (agent_id.to_string(), policy_id.to_string());
        let signer = self.signer.as_ref().map(KeyInForce::signer);
        let evaluate = move |usage: &Usage| {
            let request = Request {
                agent_id: &agent_id,
                passport: passport.as_deref(),
                context: &context,
                tool: tool.as_deref(),
                now,
            };
            let mut evaluation = pack.evaluate(&request, kept.usage(usage).as_ref());
            if without_facts {
                deny_for_standing(&mut evaluation);
            }
            if let Some(redacted) = &redacted {
                redact(&mut evaluation.reasons, &pack, redacted, digest);
                kept.replace_in_charges(&mut evaluation);
            }
            let expires_at = now + jiff::SignedDuration::from_secs(i64::from(EXPIRES_IN_SECONDS));
            let mut verdict = Verdict {
                decision: Decision {
                    decision_id: decision_id.to_string(),
                    policy_id: policy_id.clone(),
                    agent_id: agent_id.clone(),
                    passport_id: passport.as_ref().map(|p| p.agent_id().clone()),
                    owner_id: passport.as_ref().map(|p| p.owner_id().to_owned()),
                    assurance_level: passport.as_ref().map(|p| p.assurance_level()),
                    allow: evaluation.allow,
                    outcome: evaluation.outcome,
                    reasons: evaluation.reasons,
                    created_at: now,
                    issued_at: now,
                    expires_in: EXPIRES_IN_SECONDS.into(),
                    expires_at,
                    passport_digest: passport.as_ref().map(|p| p.digest()),
                    policy_hash: Some(pack.digest()),
                    context_digest: digest,
                    tool: tool.clone(),
                    operator_options: operator_options.clone(),
                    kid: None,
                    signature: None,
                },
                tool: tool.clone().unwrap_or_default(),
                facts: facts.clone(),
                registry: None,
                charges: evaluation.charges,
                idempotency_key: evaluation.idempotency_key,
            };
            if let Some(signer) = &signer {
                sign(signer, &mut verdict);
            }
            verdict
        };
        ledger
            .decide(agent, policy, plan, Box::new(evaluate))
            .await
            .map_err(|error| {
                tracing::error!(%error, "no decision could be recorded");
                Refusal::new(
                    RefusalCode::LedgerUnavailable,
                    format!("the decision could not be recorded: {error}"),
                )
            })
    }
}

/// What remains of an evaluation without the facts: why the passport is not in force.
fn deny_for_standing(evaluation: &mut Evaluation) {
    evaluation.allow = false;
    evaluation.outcome = Outcome::Deny;
    evaluation.charges.clear();
    evaluation.idempotency_key = None;
    evaluation
        .reasons
        .retain(|reason| reason.code.starts_with("oap.passport_"));
    if evaluation.reasons.is_empty() {
        evaluation.reasons.push(Reason {
            code: "oap.policy_error".to_owned(),
            message: "the passport came into force while the call was decided: call again"
                .to_owned(),
            details: None,
        });
    }
}

/// Signs what is recorded and answered. A decision that cannot be signed allows nothing.
fn sign(signer: &DecisionSigner, verdict: &mut Verdict) {
    let Err(error) = signer.sign(&mut verdict.decision) else {
        return;
    };
    tracing::error!(%error, "a decision could not be signed; the call is denied");
    verdict.charges.clear();
    verdict.idempotency_key = None;
    let decision = &mut verdict.decision;
    decision.allow = false;
    decision.outcome = Outcome::Deny;
    decision.reasons = vec![Reason {
        code: "oap.policy_error".to_owned(),
        message: error.to_string(),
        details: None,
    }];
    if let Err(error) = signer.sign(decision) {
        tracing::error!(%error, "the denial could not be signed either");
    }
}

/// Longest idempotency key, in bytes: every ledger can index it.
const LONGEST_KEY: usize = 512;

/// A key is kept, compared and shown in audit trails: two that look alike must not differ in what
/// nobody sees.
pub(crate) fn check_key(key: &str) -> Result<(), Refusal> {
    let refuse = |problem: &str| {
        Err(Refusal::new(
            RefusalCode::InvalidContext,
            format!("the idempotency key {problem}"),
        ))
    };
    if key.len() > LONGEST_KEY {
        return refuse(&format!(
            "has {} bytes; at most {LONGEST_KEY} are possible",
            key.len()
        ));
    }
    match key.chars().find(|c| c.is_control()) {
        Some(found) => refuse(&format!(
            "holds the control character U+{:04X}; use visible characters",
            u32::from(found)
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
