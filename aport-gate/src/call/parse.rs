//! From what arrived to the one value that rules, digest and body see.

use aport_gate_oap::{AgentId, PackId};
use serde_json::{Map, Value};

use super::given::{Aliases, all_written};
use super::refused::invalid;
use super::{Incoming, Parsed, Read};
use crate::context::{ContextFields, nothing_hidden};
use crate::gate::Gate;
use crate::identity::{ARGUMENT_AGENT_ID, Claims, META_AGENT_ID};
use crate::refusal::{Refusal, RefusalCode};

pub(super) fn parse<'s>(
    gate: &Gate,
    incoming: &mut Incoming,
    established: &mut Option<AgentId>,
    read: Read<'s>,
) -> Result<Parsed<'s>, Refusal> {
    let (identity, arguments) = identify(gate, incoming, established);
    let given = incoming
        .compared
        .and_then(|aliases| Some((arguments.as_object()?.clone(), aliases)));
    let call = read(arguments)
        .map_err(|error| unreadable(incoming, &error.path().to_string(), error.inner()))?;
    let agent = identity?;
    let mut fields = ContextFields::default();
    call.map(&mut fields)
        .map_err(|error| match incoming.tool.redacted {
            [] => invalid(&error.to_string()),
            // A type's own error may quote what it was to write.
            _ => invalid("a context field cannot be expressed as JSON; the values are redacted"),
        })?;
    let (pack, context) = context_of(incoming, call.written(), fields, given.as_ref())?;
    Ok(Parsed {
        call,
        agent,
        pack,
        context,
    })
}

/// Who calls, and the arguments as the tool takes them.
fn identify(
    gate: &Gate,
    incoming: &mut Incoming,
    established: &mut Option<AgentId>,
) -> (Result<AgentId, Refusal>, Value) {
    let mut arguments = std::mem::take(&mut incoming.arguments);
    let claimed = arguments.remove(ARGUMENT_AGENT_ID);
    // Asked first, so that the record of any refusal below tells who it was; it counts further down.
    let identity = Claims {
        transport: &incoming.transport,
        bound: gate.inner.agent.as_ref(),
        meta: incoming.meta.get(META_AGENT_ID),
        argument: claimed.as_ref(),
    }
    .establish(gate.inner.security);
    *established = identity.as_ref().ok().cloned();
    if incoming.takes_agent_id()
        && let Some(agent) = established
    {
        arguments.insert(ARGUMENT_AGENT_ID.to_owned(), agent.as_str().into());
    }
    (identity, Value::Object(arguments))
}

fn unreadable(incoming: &Incoming, path: &str, error: &serde_json::Error) -> Refusal {
    let root = path.split(['.', '[']).next().unwrap_or(path);
    let redacts = !incoming.tool.redacted.is_empty();
    let message = if path == "." && redacts && incoming.compared.is_some() {
        // A type that reads its fields together names none in its error, and may quote any.
        "the arguments cannot be read; their values are redacted".to_owned()
    } else if path == "." {
        format!("invalid arguments: {error}")
    } else if incoming.tool.redacted.contains(&root)
        // Under a name that is not listed, an alias for one, it may be a redacted argument.
        || redacts && incoming.listed().is_some_and(|names| !names.contains_key(root))
    {
        // What could not be read may be quoted in the error, and what follows the field in the path.
        format!("invalid argument `{root}`: it cannot be read; its value is redacted")
    } else {
        format!("invalid argument `{path}`: {error}")
    };
    Refusal::new(RefusalCode::InvalidArguments, message)
}

fn context_of(
    incoming: &Incoming,
    written: Result<Value, serde_json::Error>,
    fields: ContextFields,
    given: Option<&(Map<String, Value>, Aliases)>,
) -> Result<(PackId, Map<String, Value>), Refusal> {
    let pack = PackId::parse(incoming.tool.pack.id)
        .map_err(|error| Refusal::new(RefusalCode::UnknownPack, error.to_string()))?;
    let written = written.map_err(|error| match incoming.tool.redacted {
        [] => invalid(&format!("the arguments have no JSON form: {error}")),
        _ => invalid("the arguments have no JSON form; their values are redacted"),
    })?;
    let Value::Object(mut context) = written else {
        return Err(invalid("the arguments are not a JSON object"));
    };
    // `null` for an optional argument is the same as leaving it out.
    context.retain(|_, value| !value.is_null());
    if let Some((given, aliases)) = given {
        all_written(given, &context, aliases)
            .map_err(|difference| invalid(&difference.message(incoming.tool.redacted)))?;
        if given.contains_key("policy_id") {
            return Err(invalid(
                "argument `policy_id` is supplied by the gate: leave it out",
            ));
        }
        nothing_hidden(&context, &fields).map_err(|problem| invalid(&problem))?;
    }
    context.extend(fields.0);
    Ok((pack, context))
}
