//! Gated tools as functions of a chat model: what is offered, and what comes of a call.

use std::collections::BTreeMap;

use aport_gate::{
    ClientError, Denial, DenialClass, Intention, ListedTool, PassportClient, Retry, ToolReply,
};
use serde_json::{Map, Value, json};

use super::model::{Offer, Told, Wanted};
use super::repeats::{Asked, Call, Repeats};
use crate::next_step::search;

/// What both APIs allow in a function's name.
const LONGEST_NAME: usize = 64;
/// Most calls of one turn that are made.
const MOST_CALLS: usize = 16;
/// The key of one intention.
const KEY: &str = "idempotency_key";
/// Arguments that the client fills in: who calls, and the key.
const OURS: [&str; 2] = ["agent_id", KEY];
/// What is said of every tool.
const ONCE: &str =
    "Identical calls in one turn are made once; make another one like it in a later turn.";

/// The tools of a server, and what a run may still do with them.
pub(super) struct Toolbox {
    client: PassportClient,
    /// By the name that the model uses.
    tools: BTreeMap<String, ListedTool>,
    /// Tools of which a call may have run without an answer, with what to look for: not called again in this
    /// run.
    unsettled: BTreeMap<String, String>,
    repeats: Repeats,
}

impl Toolbox {
    pub(super) async fn new(client: PassportClient) -> Result<Self, ClientError> {
        let mut tools = BTreeMap::new();
        for tool in client.list_tools().await? {
            let name = unique(&function_name(&tool.name), &tools);
            tools.insert(name, tool);
        }
        Ok(Self {
            client,
            tools,
            unsettled: BTreeMap::new(),
            repeats: Repeats::default(),
        })
    }

    pub(super) fn offers(&self) -> Vec<Offer> {
        let offer = |(name, tool): (&String, &ListedTool)| Offer {
            name: name.clone(),
            description: match tool.tool.description.as_deref() {
                None | Some("") => ONCE.to_owned(),
                Some(own) => format!("{own}\n{ONCE}"),
            },
            schema: Value::Object(schema(&tool.tool.input_schema)),
        };
        self.tools.iter().map(offer).collect()
    }

    /// The calls of which nobody knows whether they ran, in words; none where there is no such call.
    pub(super) fn unsettled(&self) -> Option<String> {
        let calls: Vec<String> = self
            .unsettled
            .iter()
            .map(|(tool, traces)| format!("`{tool}`{traces}"))
            .collect();
        (!calls.is_empty()).then(|| {
            format!(
                "nobody knows whether a call of {} ran; look before anything is done again",
                calls.join(" and ")
            )
        })
    }

    pub(super) async fn close(self) {
        self.client.close().await;
    }

    /// Makes the calls of a turn, one after the other, as they take from the same caps. Each gets a result.
    pub(super) async fn make(&mut self, wanted: Vec<Wanted>) -> Vec<Told> {
        self.repeats.next_turn();
        let mut told = Vec::new();
        for (position, wanted) in wanted.into_iter().enumerate() {
            let id = wanted.id.clone();
            let (content, is_error) = if position < MOST_CALLS {
                self.make_one(wanted).await
            } else {
                not_called(&format!("more than {MOST_CALLS} calls in one turn"))
            };
            told.push(Told {
                id,
                content,
                is_error,
            });
        }
        told
    }

    async fn make_one(&mut self, wanted: Wanted) -> (Value, bool) {
        let Some(tool) = self.tools.get(&wanted.name) else {
            let names: Vec<_> = self.tools.keys().map(String::as_str).collect();
            return not_called(&format!(
                "there is no such tool; there are: {}",
                names.join(", ")
            ));
        };
        let mut arguments = match wanted.arguments {
            Ok(arguments) => arguments,
            Err(problem) => return not_called(&format!("the arguments cannot be read: {problem}")),
        };
        let key = match arguments.get(KEY) {
            Some(Value::String(key)) if !key.is_empty() => Some(key.clone()),
            _ => None,
        };
        // Not the model's to say.
        arguments.retain(|name, _| !OURS.contains(&name.as_str()));
        let call = Call {
            id: wanted.id,
            tool: tool.name.clone(),
            arguments,
            key,
        };
        let like = match self.repeats.look(&call) {
            Asked::New { like } => like,
            Asked::Again(content, is_error) => return (content, is_error),
            Asked::OtherUnderKey(id) => {
                return not_called(&format!(
                    "its idempotency_key stands for call {id}, which had other arguments; for something else give another"
                ));
            }
        };
        if self.unsettled.contains_key(&tool.name) {
            return not_called(
                "nobody knows whether an earlier call of this tool ran; tell the user",
            );
        }
        let intention = Intention::new(tool.name.clone(), call.arguments.clone());
        let (mut content, ran, is_error) =
            match self.client.carry_out(&intention, &Retry::default()).await {
                Ok(reply) => (done(&reply), true, false),
                Err(error) => {
                    let is_gated = tool.policy.is_some();
                    if is_unsettled(&error, is_gated) {
                        self.unsettled.insert(tool.name.clone(), traces(&error));
                    }
                    (refused(&error, is_gated), error.may_have_run(), true)
                }
            };
        if let (Value::Object(content), Some(id)) = (&mut content, like) {
            let note = format!(
                "An identical call, {id}, was made before in this run. This is another one."
            );
            content.insert("note".to_owned(), note.into());
        }
        self.repeats.made(call, ran, content.clone(), is_error);
        (content, is_error)
    }
}

fn done(reply: &ToolReply) -> Value {
    let id = reply
        .decision
        .as_ref()
        .and_then(|decision| decision.decision_id.clone());
    // A tool may answer in its own structure alone.
    let text = match (reply.text(), &reply.result.structured_content) {
        (text, Some(structured)) if text.is_empty() => structured.to_string(),
        (text, _) => text,
    };
    let mut content = json!({ "status": "ok", "text": text, "decision_id": id,
        "idempotency_key": reply.idempotency_key });
    if let Value::Object(content) = &mut content
        && reply.decision_match.is_doubtful()
    {
        let warning = "A policy is said to guard this tool, and the answer does not show that it decided about this call. Tell the user.";
        content.insert("decision_match".to_owned(), json!(reply.decision_match));
        content.insert("warning".to_owned(), warning.into());
    }
    content
}

/// What to look for after a call of which nobody knows whether it ran.
fn traces(error: &ClientError) -> String {
    let key = error.idempotency_key();
    let key = key.map(|key| format!("idempotency key `{key}`"));
    // One that refused a used key is not the one under which it may have run.
    let decision = error.decision_id().filter(|_| error.denial().is_none());
    let decision = decision.map(|id| format!("decision `{id}`"));
    let command = format!("`{}` at the server finds it", search(error));
    let named: Vec<String> = key.into_iter().chain(decision).chain([command]).collect();
    format!(" ({})", named.join(", "))
}

/// Whether nobody knows if the call was done. An error of an ungated tool is its answer; that of a gated one is
/// where the gate says that nothing was executed.
fn is_unsettled(error: &ClientError, is_gated: bool) -> bool {
    let of_ungated = !is_gated && matches!(error, ClientError::Tool { decision: None, .. });
    error.may_have_run() && !of_ungated
}

fn refused(error: &ClientError, is_gated: bool) -> Value {
    match error {
        ClientError::Denied(denial) | ClientError::Unavailable(denial) if !error.may_have_run() => {
            denied(denial)
        }
        ClientError::Tool { text, decision, .. } if !is_unsettled(error, is_gated) => {
            let id = decision
                .as_ref()
                .and_then(|decision| decision.decision_id.clone());
            json!({ "status": "failed", "text": text, "decision_id": id,
                "idempotency_key": error.idempotency_key() })
        }
        error if error.may_have_run() => json!({
            "status": "unknown", "text": error.to_string(),
            "decision_id": error.decision_id(), "idempotency_key": error.idempotency_key(),
            "what_to_do": format!(
                "Nobody knows whether this was done. Do not call this tool again; tell the user to look with `{}` at the server.",
                search(error),
            ),
        }),
        error => json!({ "status": "failed", "text": error.to_string() }),
    }
}

/// A denial that a model can act on: codes, numbers, limits, and whether other arguments can pass.
fn denied(denial: &Denial) -> Value {
    let what_to_do = match denial.class() {
        _ if denial.is_malformed() => "Nothing was done. Correct the arguments as `reasons` says.",
        DenialClass::Adjustable => {
            "Nothing was done. Values within the limits named in `reasons` can pass, if they still serve the user."
        }
        DenialClass::Transient => "Nothing was done. The same call may pass later; tell the user.",
        _ => {
            "Nothing was done, and no other arguments can pass. Tell the user why; a person has to decide."
        }
    };
    json!({
        "status": "denied", "class": denial.class(), "what_to_do": what_to_do,
        "retry_after_seconds": denial.retry_after().map(|wait| wait.as_secs()),
        "reasons": denial.reasons, "decision_id": denial.decision_id, "policy_id": denial.policy_id,
        "idempotency_key": denial.idempotency_key,
    })
}

fn not_called(why: &str) -> (Value, bool) {
    (json!({ "status": "not_called", "text": why }), true)
}

/// The arguments as the model fills them in.
fn schema(listed: &Map<String, Value>) -> Map<String, Value> {
    let mut schema = listed.clone();
    schema.remove("$schema");
    schema.insert("type".to_owned(), "object".into());
    let properties = schema.entry("properties").or_insert_with(|| json!({}));
    if let Value::Object(properties) = properties {
        properties.retain(|name, _| !OURS.contains(&name.as_str()));
    }
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| !OURS.iter().any(|ours| name == ours));
    }
    schema
}

/// MCP allows more in a name than the APIs do.
fn function_name(tool: &str) -> String {
    let allowed = |c: char| match c.is_ascii_alphanumeric() || c == '-' || c == '_' {
        true => c,
        false => '_',
    };
    tool.chars().take(LONGEST_NAME).map(allowed).collect()
}

fn unique(name: &str, taken: &BTreeMap<String, ListedTool>) -> String {
    let mut candidate = name.to_owned();
    let mut number = 2_u32;
    while candidate.is_empty() || taken.contains_key(&candidate) {
        let suffix = format!("_{number}");
        let kept: String = name.chars().take(LONGEST_NAME - suffix.len()).collect();
        candidate = kept + &suffix;
        number = number.saturating_add(1);
    }
    candidate
}
