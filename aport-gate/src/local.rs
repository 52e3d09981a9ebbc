//! The embedded verifier: packs in memory, passports as files.

use std::collections::HashMap;
use std::sync::Arc;

use aport_gate_oap::{AgentId, Decision, Digest, Pack, PackId, Request, Usage};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::ledger::{Ledger, Recorded, Verdict};
use crate::passports::PassportFolder;
use crate::refusal::{Refusal, RefusalCode};

/// How long a decision of this verifier says it holds, in seconds. The gate
/// uses a decision once, at once.
const EXPIRES_IN_SECONDS: u32 = 60;

pub(crate) struct LocalVerifier {
    packs: HashMap<PackId, Arc<Pack>>,
    passports: PassportFolder,
}

/// What one call asks.
pub(crate) struct Query {
    pub(crate) tool: &'static str,
    pub(crate) pack: PackId,
    pub(crate) agent: AgentId,
    pub(crate) context: Map<String, Value>,
    pub(crate) digest: Digest,
}

impl LocalVerifier {
    pub(crate) fn new(packs: Vec<Pack>, passports: PassportFolder) -> Result<Self> {
        let mut by_id = HashMap::new();
        for pack in packs {
            for problem in pack.problems() {
                tracing::warn!(pack = %pack.id(), rule = %problem.rule, problem = %problem.message,
                    "rule cannot be evaluated; every call under this pack is denied");
            }
            let id = pack.id().clone();
            if by_id.insert(id.clone(), Arc::new(pack)).is_some() {
                return Err(Error::DuplicatePack(id.to_string()));
            }
        }
        Ok(Self {
            packs: by_id,
            passports,
        })
    }

    pub(crate) fn pack(&self, id: &PackId) -> Option<&Arc<Pack>> {
        self.packs.get(id)
    }

    /// Decides, takes from the caps and writes the audit record, in one
    /// transaction of the ledger.
    pub(crate) async fn verify(&self, ledger: &Ledger, query: Query) -> Result<Recorded, Refusal> {
        let Some(pack) = self.packs.get(&query.pack).cloned() else {
            return Err(Refusal::new(
                RefusalCode::UnknownPack,
                format!("this gate does not have policy pack `{}`", query.pack),
            ));
        };
        let passport = self.passports.read(&query.agent)?;
        let now = jiff::Timestamp::now();
        let request = Request {
            agent_id: &query.agent,
            passport: passport.as_deref(),
            context: &query.context,
            tool: Some(query.tool),
            now,
        };
        let plan = pack.usage_plan(&request);
        let (agent, policy) = (query.agent.to_string(), query.pack.to_string());
        let evaluate = move |usage: &Usage| {
            let request = Request {
                agent_id: &query.agent,
                passport: passport.as_deref(),
                context: &query.context,
                tool: Some(query.tool),
                now,
            };
            let evaluation = pack.evaluate(&request, usage);
            let expires_at = now + jiff::SignedDuration::from_secs(i64::from(EXPIRES_IN_SECONDS));
            Verdict {
                decision: Decision {
                    decision_id: uuid::Uuid::new_v4().to_string(),
                    policy_id: query.pack.clone(),
                    agent_id: query.agent.clone(),
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
                    context_digest: query.digest,
                    tool: Some(query.tool.to_owned()),
                    operator_options: None,
                    kid: None,
                    signature: None,
                },
                tool: query.tool.to_owned(),
                charges: evaluation.charges,
                idempotency_key: evaluation.idempotency_key,
            }
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
