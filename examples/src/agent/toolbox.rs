//! Gated tools as functions of a chat model: what is offered, and what comes of a call.

use std::collections::{BTreeMap, BTreeSet};

use aport_gate::{
    ClientError, Denial, DenialClass, Intention, ListedTool, PassportClient, Retry, ToolReply,
};
use serde_json::{Map, Value, json};

use super::model::{Offer, Told, Wanted};

/// What both APIs allow in a function's name.
const LONGEST_NAME: usize = 64;
/// Most calls of one turn that are made.
const MOST_CALLS: usize = 16;
/// Arguments that the client fills in: who calls, and the key of one intention.
const OURS: [&str; 2] = ["agent_id", "idempotency_key"];

/// The tools of a server, and what a run may still do with them.
pub(super) struct Toolbox {
    client: PassportClient,
    /// By the name that the model uses.
    tools: BTreeMap<String, ListedTool>,
    /// Tools of which a call may have run without an answer: not called again in this run.
    unsettled: BTreeSet<String>,
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
            unsettled: BTreeSet::new(),
        })
    }

    pub(super) fn offers(&self) -> Vec<Offer> {
        let offer = |(name, tool): (&String, &ListedTool)| Offer {
            name: name.clone(),
            description: tool
                .tool
                .description
                .as_deref()
                .unwrap_or_default()
                .to_owned(),
            schema: Value::Object(schema(&tool.tool.input_schema)),
        };
        self.tools.iter().map(offer).collect()
    }

    pub(super) fn has_unsettled(&self) -> bool {
        !self.unsettled.is_empty()
    }

    pub(super) async fn close(self) {
        self.client.close().await;
    }

    /// Makes the calls of a turn, one after the other, as they take from the same caps. Each gets a result.
    pub(super) async fn make(&mut self, wanted: Vec<Wanted>) -> Vec<Told> {
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
        if self.unsettled.contains(&tool.name) {
            return not_called(
                "nobody knows whether an earlier call of this tool ran; tell the user",
            );
        }
        // Not the model's to say.
        arguments.retain(|name, _| !OURS.contains(&name.as_str()));
        let intention = Intention::new(tool.name.clone(), arguments);
        match self.client.carry_out(&intention, &Retry::default()).await {
            Ok(reply) => (done(&reply), false),
            Err(error) => {
                if is_unsettled(&error) {
                    self.unsettled.insert(tool.name.clone());
                }
                (refused(&error), true)
            }
        }
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
    json!({ "status": "ok", "text": text, "decision_id": id })
}

/// Whether nobody knows if the call was done. An error of an ungated tool is its answer; that of a gated one is
/// where the gate says that nothing was executed.
fn is_unsettled(error: &ClientError) -> bool {
    let of_ungated = matches!(error, ClientError::Tool { decision: None, .. });
    error.may_have_run() && !of_ungated
}

fn refused(error: &ClientError) -> Value {
    match error {
        ClientError::Denied(denial) | ClientError::Unavailable(denial) if !error.may_have_run() => {
            denied(denial)
        }
        ClientError::Tool { text, decision, .. } if !is_unsettled(error) => {
            let id = decision
                .as_ref()
                .and_then(|decision| decision.decision_id.clone());
            json!({ "status": "failed", "text": text, "decision_id": id })
        }
        error if error.may_have_run() => json!({
            "status": "unknown", "text": error.to_string(),
            "what_to_do": "Nobody knows whether this was done. Do not call this tool again; tell the user to look.",
        }),
        error => json!({ "status": "failed", "text": error.to_string() }),
    }
}

/// A denial that a model can act on: codes, numbers, limits, and whether other arguments can pass.
fn denied(denial: &Denial) -> Value {
    let is_malformed = |reason: &aport_gate::DenialReason| reason.code == "gate.invalid_arguments";
    let what_to_do = match denial.class() {
        _ if denial.reasons.iter().any(is_malformed) => {
            "Nothing was done. Correct the arguments as `reasons` says."
        }
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
