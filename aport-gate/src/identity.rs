//! Who the agent is: every source that speaks must say the same.

use aport_gate_oap::AgentId;
use serde_json::Value;

use crate::config::Security;
use crate::refusal::{Refusal, RefusalCode};

/// `_meta` key of a request under which a client names its agent.
pub(crate) const META_AGENT_ID: &str = "io.aport/agent_id";
/// Argument under which a model may name its agent.
pub(crate) const ARGUMENT_AGENT_ID: &str = "agent_id";

/// What the sources of one call say. `bound` is the server's own environment,
/// which the caller cannot change; the other two are claims.
pub(crate) struct Claims<'a> {
    pub(crate) bound: Option<&'a AgentId>,
    pub(crate) meta: Option<&'a Value>,
    pub(crate) argument: Option<&'a Value>,
}

impl Claims<'_> {
    /// The one agent that all sources name.
    pub(crate) fn establish(&self, security: Security) -> Result<AgentId, Refusal> {
        let claims = [
            ("`_meta[\"io.aport/agent_id\"]`", self.meta),
            ("argument `agent_id`", self.argument),
        ];
        let mut agent = self.bound.map(|id| ("APORT_AGENT_ID", id.clone()));
        for (source, claim) in claims {
            let Some(claim) = claim else { continue };
            let claimed = parse(source, claim)?;
            match &agent {
                Some((stronger, id)) if *id != claimed => {
                    return Err(Refusal::new(
                        RefusalCode::AgentIdConflict,
                        format!("{source} names agent `{claimed}`, but {stronger} names `{id}`"),
                    ));
                }
                Some(_) => {}
                None => agent = Some((source, claimed)),
            }
        }
        match agent {
            Some(_) if self.bound.is_none() && security == Security::Secure => Err(Refusal::new(
                RefusalCode::AgentIdUnauthenticated,
                "in secure mode an agent id that the caller names is not enough; \
                 bind this server to its agent with APORT_AGENT_ID",
            )),
            Some((_, id)) => Ok(id),
            None => Err(Refusal::new(
                RefusalCode::AgentIdMissing,
                "no agent id: give argument `agent_id`, or `_meta[\"io.aport/agent_id\"]`, \
                 or start the server with APORT_AGENT_ID",
            )),
        }
    }
}

fn parse(source: &str, claim: &Value) -> Result<AgentId, Refusal> {
    let invalid =
        |problem: String| Refusal::new(RefusalCode::AgentIdInvalid, format!("{source} {problem}"));
    let Value::String(text) = claim else {
        return Err(invalid("must be a string".to_owned()));
    };
    AgentId::parse(text).map_err(|error| invalid(format!("is not an agent id: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn establish(
        bound: Option<&str>,
        meta: Option<Value>,
        argument: Option<Value>,
        security: Security,
    ) -> Result<String, &'static str> {
        let bound = bound.map(|id| AgentId::parse(id).unwrap());
        Claims {
            bound: bound.as_ref(),
            meta: meta.as_ref(),
            argument: argument.as_ref(),
        }
        .establish(security)
        .map(|id| id.to_string())
        .map_err(|refusal| refusal.code())
    }

    #[test]
    fn sources_that_agree_name_the_agent() {
        let id = json!("ap_one");
        assert_eq!(
            establish(Some("ap_one"), Some(id.clone()), Some(id), Security::Simple),
            Ok("ap_one".to_owned())
        );
    }

    #[test]
    fn any_disagreement_is_refused() {
        for (bound, meta, argument) in [
            (Some("ap_one"), Some(json!("ap_two")), None),
            (Some("ap_one"), None, Some(json!("ap_two"))),
            (None, Some(json!("ap_one")), Some(json!("ap_two"))),
        ] {
            assert_eq!(
                establish(bound, meta, argument, Security::Simple),
                Err("gate.agent_id_conflict")
            );
        }
    }

    #[test]
    fn malformed_or_unexpanded_ids_are_refused_even_beside_a_binding() {
        for bad in [
            json!("${APORT_AGENT_ID}"),
            json!(""),
            json!(7),
            json!(null),
            json!("ap_"),
        ] {
            assert_eq!(
                establish(Some("ap_one"), None, Some(bad), Security::Simple),
                Err("gate.agent_id_invalid")
            );
        }
    }

    #[test]
    fn nothing_is_assumed_when_nobody_says() {
        assert_eq!(
            establish(None, None, None, Security::Simple),
            Err("gate.agent_id_missing")
        );
    }

    #[test]
    fn a_claim_alone_is_not_enough_in_secure_mode() {
        assert_eq!(
            establish(None, Some(json!("ap_one")), None, Security::Secure),
            Err("gate.agent_id_unauthenticated")
        );
        assert!(establish(Some("ap_one"), None, None, Security::Secure).is_ok());
    }
}
