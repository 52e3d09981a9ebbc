//! From a parsed call to what the verifier is asked.

use aport_gate_oap::digest_json;
use serde_json::Value;

use super::look_up::Facts;
use super::refused::invalid;
use super::{Incoming, Question};
use crate::facts::FactFields;
use crate::local::Query;
use crate::refusal::Refusal;

impl Question {
    /// The context as the rules see it, and its digest.
    pub(super) fn into_query(self, incoming: &Incoming) -> Result<Query, Refusal> {
        let Self {
            agent,
            pack,
            mut context,
            facts,
            redacted,
        } = self;
        if let Facts::Found(facts) = &facts {
            facts.override_in(&mut context);
        }
        context.insert("agent_id".to_owned(), agent.as_str().into());
        context.insert("policy_id".to_owned(), pack.as_str().into());
        let without_facts = matches!(facts, Facts::NotAsked);
        let facts = match facts {
            Facts::Found(facts) => Some(FactFields::into_map(facts)),
            Facts::NotAsked | Facts::NotDeclared => None,
        };
        // The canonical form's error names what it is about.
        let unspeakable = |_| invalid("invalid arguments: they cannot be digested");
        let (context, digest, facts) = match &redacted {
            None => {
                let context = Value::Object(context);
                let digest = digest_json(&context)
                    .map_err(|error| invalid(&format!("invalid arguments: {error}")))?;
                let Value::Object(context) = context else {
                    return Err(invalid("the context is not a JSON object"));
                };
                (context, digest, facts)
            }
            Some(redacted) => {
                let digest = redacted.context_digest(&context).map_err(unspeakable)?;
                let facts =
                    facts.map(|facts| redacted.shown(&facts).map(|shown| shown.into_owned()));
                let facts = facts.transpose().map_err(unspeakable)?;
                (context, digest, facts)
            }
        };
        Ok(Query {
            tool: incoming.tool.name,
            pack,
            tool_pack: incoming.tool.pack,
            agent,
            context,
            digest,
            facts,
            redacted,
            without_facts,
        })
    }
}
