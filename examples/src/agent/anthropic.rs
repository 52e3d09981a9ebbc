//! The Messages API, as Anthropic documents it.

use http::header::HeaderName;
use serde_json::{Map, Value, json};

use super::AgentError;
use super::api::Api;
use super::model::{End, Offer, SYSTEM, Told, Turn, Wanted, made_up_id};
use super::settings::{Settings, timeout};
use crate::SettingError;
use crate::setting::Environment;
use crate::transport::Transport;

const KEY: &str = "ANTHROPIC_API_KEY";
const BASE: &str = "ANTHROPIC_BASE_URL";

/// A conversation by the Messages API.
pub(super) struct Anthropic {
    api: Api,
    model: String,
    max_tokens: u32,
    tools: Vec<Value>,
    messages: Vec<Value>,
}

impl Anthropic {
    pub(super) fn new(
        environment: &Environment<'_>,
        settings: Settings,
        offers: &[Offer],
        task: &str,
    ) -> Result<Self, AgentError> {
        let max_tokens = settings.max_tokens;
        let model = settings.model(environment, "ANTHROPIC_MODEL")?;
        let key = environment.secret(KEY)?;
        let key = key.ok_or_else(|| SettingError::new(KEY, "is not set; the API needs a key"))?;
        let base = environment.base(BASE, "https://api.anthropic.com")?;
        let credential = (HeaderName::from_static("x-api-key"), &key);
        let transport = Transport::with_credential(&base, Some(credential))
            .map_err(|problem| SettingError::new(KEY, problem))?;
        let tool = |offer: &Offer| json!({ "name": offer.name, "description": offer.description, "input_schema": offer.schema });
        let task = json!({ "role": "user", "content": [{ "type": "text", "text": task }] });
        Ok(Self {
            api: Api {
                name: "the Anthropic API",
                base,
                transport,
                headers: &[("anthropic-version", "2023-06-01")],
                key_variable: KEY,
                timeout: timeout(environment, "ANTHROPIC_TIMEOUT_MS")?,
            },
            model,
            max_tokens,
            tools: offers.iter().map(tool).collect(),
            messages: vec![task],
        })
    }

    /// Tells what came of the calls of the last turn, and has the model's next one.
    pub(super) async fn turn(&mut self, told: &[Told]) -> Result<Turn, AgentError> {
        if !told.is_empty() {
            // All results of a turn in one message, before anything else.
            let result = |told: &Told| {
                json!({ "type": "tool_result", "tool_use_id": told.id,
                    "content": told.content.to_string(), "is_error": told.is_error })
            };
            let results: Vec<Value> = told.iter().map(result).collect();
            self.messages
                .push(json!({ "role": "user", "content": results }));
        }
        let mut body = json!({ "model": self.model, "max_tokens": self.max_tokens,
            "system": SYSTEM, "messages": self.messages });
        if let (Some(body), false) = (body.as_object_mut(), self.tools.is_empty()) {
            body.insert("tools".to_owned(), Value::Array(self.tools.clone()));
        }
        let mut answer = self.api.post("/v1/messages", &body).await?;
        let Some(Value::Array(mut content)) = answer.remove("content") else {
            return Err(self.api.answer("it has no `content`"));
        };
        name_calls(&mut content, self.messages.len());
        let reason = answer.get("stop_reason").and_then(Value::as_str);
        let turn = self.read(&content, reason)?;
        if !content.is_empty() {
            // As it came: some of its blocks carry signatures.
            self.messages
                .push(json!({ "role": "assistant", "content": content }));
        }
        Ok(turn)
    }

    fn read(&self, content: &[Value], reason: Option<&str>) -> Result<Turn, AgentError> {
        let mut turn = Turn::default();
        for block in content {
            match block.get("type").and_then(Value::as_str) {
                Some("text") => {
                    let text = block
                        .get("text")
                        .and_then(Value::as_str)
                        .unwrap_or_default();
                    turn.text.push_str(text);
                }
                Some("tool_use") => {
                    let wanted = wanted(block);
                    let wanted =
                        wanted.ok_or_else(|| self.api.answer("a `tool_use` without id or name"))?;
                    turn.calls.push(wanted);
                }
                // Thinking, and what may come: not for the user.
                _ => {}
            }
        }
        turn.end = match reason {
            Some("refusal") => End::Refused("the model declined".to_owned()),
            Some("max_tokens" | "model_context_window_exceeded") => End::CutOff,
            Some("pause_turn") => End::Paused,
            _ if !turn.calls.is_empty() => End::Calls,
            Some("end_turn" | "stop_sequence") => End::Done,
            other => {
                let told = other.unwrap_or("(none)");
                return Err(self.api.answer(format!("`stop_reason` is `{told}`")));
            }
        };
        Ok(turn)
    }
}

/// Gives an id to each call that came without one.
fn name_calls(content: &mut [Value], messages: usize) {
    for (position, block) in content.iter_mut().enumerate() {
        let is_call = block.get("type").and_then(Value::as_str) == Some("tool_use");
        let id = block.get("id").and_then(Value::as_str).unwrap_or_default();
        if is_call
            && id.is_empty()
            && let Some(block) = block.as_object_mut()
        {
            block.insert("id".to_owned(), made_up_id(messages, position).into());
        }
    }
}

fn wanted(block: &Value) -> Option<Wanted> {
    let text = |member: &str| block.get(member)?.as_str().map(str::to_owned);
    let arguments: Result<Map<String, Value>, String> = match block.get("input") {
        Some(Value::Object(input)) => Ok(input.clone()),
        Some(other) => Err(format!("they are no JSON object: {other}")),
        None => Ok(Map::new()),
    };
    Some(Wanted {
        id: text("id")?,
        name: text("name")?,
        arguments,
    })
}
