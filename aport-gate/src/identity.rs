//! Who the agent is: every source that speaks must say the same.

use aport_gate_oap::AgentId;
use serde_json::Value;

use crate::config::Security;
use crate::http_caller::Transport;
use crate::refusal::{Refusal, RefusalCode};

/// `_meta` key of a request under which a client names its agent.
pub(crate) const META_AGENT_ID: &str = "io.aport/agent_id";
/// Argument under which a model may name its agent.
pub(crate) const ARGUMENT_AGENT_ID: &str = "agent_id";

/// What the sources of one call say. What the transport proves and the server's own environment (`bound`)
/// are out of the caller's hands; the other two are claims.
pub(crate) struct Claims<'a> {
    pub(crate) transport: &'a Transport,
    pub(crate) bound: Option<&'a AgentId>,
    pub(crate) meta: Option<&'a Value>,
    pub(crate) argument: Option<&'a Value>,
}

impl Claims<'_> {
    /// The one agent that all sources name.
    pub(crate) fn establish(&self, security: Security) -> Result<AgentId, Refusal> {
        let (token, proxy) = match self.transport {
            Transport::Session => (None, None),
            Transport::Http(caller) => (caller.token.as_ref(), caller.proxy.as_ref()),
            Transport::UnknownHttp => {
                return Err(Refusal::new(
                    RefusalCode::AgentIdUnauthenticated,
                    "the call came over HTTP, and nothing in this server tells who sent it; \
                     serve it with `Server::serve_http`, or put an `HttpCaller` into the request's extensions",
                ));
            }
        };
        let mut agent = None;
        for (source, id) in [
            ("the request's access token", token),
            ("header `X-Agent-Passport-Id`", proxy),
            ("APORT_AGENT_ID", self.bound),
        ] {
            if let Some(id) = id {
                agree(&mut agent, source, id.clone())?;
            }
        }
        for (source, claim) in [
            ("`_meta[\"io.aport/agent_id\"]`", self.meta),
            ("argument `agent_id`", self.argument),
        ] {
            if let Some(claim) = claim {
                agree(&mut agent, source, parse(source, claim)?)?;
            }
        }
        match agent {
            Some(_) if security == Security::Secure && !self.is_proven(token.or(proxy)) => {
                Err(Refusal::new(
                    RefusalCode::AgentIdUnauthenticated,
                    match self.transport {
                        Transport::Session => {
                            "in secure mode an agent id that the caller names is not enough; \
                             bind this server to its agent with APORT_AGENT_ID"
                        }
                        _ => {
                            "in secure mode a request over HTTP must prove which agent sent it; \
                             send an access token that is bound to it"
                        }
                    },
                ))
            }
            Some((_, id)) => Ok(id),
            None => Err(Refusal::new(
                RefusalCode::AgentIdMissing,
                "no agent id: give argument `agent_id`, or `_meta[\"io.aport/agent_id\"]`, \
                 or start the server with APORT_AGENT_ID",
            )),
        }
    }

    /// Whoever reaches a server over HTTP need not be the agent that its process is bound to.
    fn is_proven(&self, authenticated: Option<&AgentId>) -> bool {
        match self.transport {
            Transport::Session => self.bound.is_some(),
            _ => authenticated.is_some(),
        }
    }
}

/// Adds what one more source says, weaker than those before it.
fn agree(
    agent: &mut Option<(&'static str, AgentId)>,
    source: &'static str,
    id: AgentId,
) -> Result<(), Refusal> {
    match agent {
        Some((stronger, known)) if *known != id => Err(Refusal::new(
            RefusalCode::AgentIdConflict,
            format!("{source} names agent `{id}`, but {stronger} names `{known}`"),
        )),
        Some(_) => Ok(()),
        None => {
            *agent = Some((source, id));
            Ok(())
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
    use crate::http_caller::HttpCaller;
    use serde_json::json;

    fn establish(
        bound: Option<&str>,
        meta: Option<Value>,
        argument: Option<Value>,
        security: Security,
    ) -> Result<String, &'static str> {
        establish_over(&Transport::Session, bound, meta, argument, security)
    }

    fn establish_over(
        transport: &Transport,
        bound: Option<&str>,
        meta: Option<Value>,
        argument: Option<Value>,
        security: Security,
    ) -> Result<String, &'static str> {
        let bound = bound.map(|id| AgentId::parse(id).unwrap());
        Claims {
            transport,
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

    fn http(token: Option<&str>, proxy: Option<&str>) -> Transport {
        let id = |id: Option<&str>| id.map(|id| AgentId::parse(id).unwrap());
        Transport::Http(HttpCaller::of(id(token), id(proxy)))
    }

    #[test]
    fn what_the_transport_proves_must_agree_with_everything_else() {
        use Security::Secure;
        let one = http(Some("ap_one"), None);
        let id = |id: &str| Some(json!(id));
        let agreed = establish_over(&one, Some("ap_one"), id("ap_one"), id("ap_one"), Secure);
        assert_eq!(agreed, Ok("ap_one".to_owned()));
        for (transport, bound, meta, argument) in [
            (&one, Some("ap_two"), None, None),
            (&one, None, id("ap_two"), None),
            (&one, None, None, id("ap_two")),
            (&http(Some("ap_one"), Some("ap_two")), None, None, None),
            (&http(None, Some("ap_two")), Some("ap_one"), None, None),
        ] {
            assert_eq!(
                establish_over(transport, bound, meta, argument, Secure),
                Err("gate.agent_id_conflict")
            );
        }
    }

    #[test]
    fn over_http_the_servers_own_agent_proves_nothing_about_the_sender() {
        let nobody = http(None, None);
        for (security, expected) in [
            (Security::Simple, Ok("ap_one".to_owned())),
            (Security::Secure, Err("gate.agent_id_unauthenticated")),
        ] {
            let bound = Some("ap_one");
            assert_eq!(
                establish_over(&nobody, bound, None, None, security),
                expected
            );
        }
        let proxy = http(None, Some("ap_one"));
        assert!(establish_over(&proxy, None, None, None, Security::Secure).is_ok());
    }

    #[test]
    fn a_request_over_http_that_nobody_vouches_for_is_refused() {
        let id = Some(json!("ap_one"));
        assert_eq!(
            establish_over(
                &Transport::UnknownHttp,
                Some("ap_one"),
                id,
                None,
                Security::Simple
            ),
            Err("gate.agent_id_unauthenticated")
        );
    }
}
