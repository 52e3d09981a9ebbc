//! Chat completions, as OpenAI documents them and many model servers speak them.

use aport_gate::oap::parse_json;
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::AgentError;
use super::api::Api;
use super::model::{End, Offer, SYSTEM, Told, Turn, Wanted, made_up_id};
use super::settings::{Settings, timeout};
use crate::setting::Environment;
use crate::transport::Transport;

const KEY: &str = "OPENAI_API_KEY";
const BASE: &str = "OPENAI_BASE_URL";

/// A conversation by chat completions.
pub(super) struct OpenAi {
    api: Api,
    model: String,
    tools: Vec<Value>,
    messages: Vec<Value>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    id: Option<String>,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    arguments: String,
}

impl OpenAi {
    pub(super) fn new(
        environment: &Environment<'_>,
        settings: Settings,
        offers: &[Offer],
        task: &str,
    ) -> Result<Self, AgentError> {
        let model = settings.model(environment, "OPENAI_MODEL")?;
        // A server on this machine or in this house asks for none.
        let key = environment.secret(KEY)?;
        let base = environment.base_with(key.is_some(), BASE, "https://api.openai.com/v1")?;
        let bearer = key.map(|key| SecretString::from(format!("Bearer {}", key.expose_secret())));
        let credential = bearer.as_ref().map(|bearer| (AUTHORIZATION, bearer));
        let unusable = |problem| crate::SettingError::new(KEY, problem);
        let transport = Transport::with_credential(&base, credential).map_err(unusable)?;
        let tool = |offer: &Offer| {
            json!({ "type": "function", "function": {
                "name": offer.name, "description": offer.description, "parameters": offer.schema } })
        };
        Ok(Self {
            api: Api {
                name: "the OpenAI API",
                base,
                transport,
                headers: &[],
                key_variable: KEY,
                timeout: timeout(environment, "OPENAI_TIMEOUT_MS")?,
            },
            model,
            tools: offers.iter().map(tool).collect(),
            messages: vec![
                json!({ "role": "system", "content": SYSTEM }),
                json!({ "role": "user", "content": task }),
            ],
        })
    }

    /// Tells what came of the calls of the last turn, and has the model's next one.
    pub(super) async fn turn(&mut self, told: &[Told]) -> Result<Turn, AgentError> {
        self.messages.extend(told.iter().map(|told| {
            json!({ "role": "tool", "tool_call_id": told.id, "content": told.content.to_string() })
        }));
        let mut body = json!({ "model": self.model, "messages": self.messages });
        if let (Some(body), false) = (body.as_object_mut(), self.tools.is_empty()) {
            body.insert("tools".to_owned(), Value::Array(self.tools.clone()));
        }
        let mut answer = self.api.post("/chat/completions", &body).await?;
        let choice = match answer.remove("choices") {
            Some(Value::Array(choices)) => choices.into_iter().next(),
            _ => None,
        };
        let choice = choice.ok_or_else(|| self.api.answer("it has no `choices`"))?;
        let choice = Choice::deserialize(choice)
            .map_err(|error| self.api.answer(format!("its first choice: {error}")))?;
        Ok(self.read(choice))
    }

    fn read(&mut self, choice: Choice) -> Turn {
        let Choice {
            message,
            finish_reason,
        } = choice;
        let mut calls = message.tool_calls.unwrap_or_default();
        for (position, call) in calls.iter_mut().enumerate() {
            if call.id.as_deref().is_none_or(str::is_empty) {
                call.id = Some(made_up_id(self.messages.len(), position));
            }
        }
        let end = match (finish_reason.as_deref(), message.refusal) {
            (_, Some(refusal)) if !refusal.is_empty() => End::Refused(refusal),
            (Some("content_filter"), _) => {
                End::Refused("the provider's content filter stopped the answer".to_owned())
            }
            (Some("length"), _) => End::CutOff,
            // Some servers say `stop` beside calls.
            _ if !calls.is_empty() => End::Calls,
            _ => End::Done,
        };
        let mut said = Map::new();
        said.insert("role".to_owned(), "assistant".into());
        said.insert("content".to_owned(), json!(message.content));
        if !calls.is_empty() {
            let call = |call: &Call| {
                json!({ "id": call.id, "type": "function", "function": {
                    "name": call.function.name, "arguments": call.function.arguments } })
            };
            said.insert("tool_calls".to_owned(), calls.iter().map(call).collect());
        }
        self.messages.push(Value::Object(said));
        Turn {
            text: message.content.unwrap_or_default(),
            calls: calls.into_iter().map(wanted).collect(),
            end,
        }
    }
}

fn wanted(call: Call) -> Wanted {
    let text = match call.function.arguments.trim() {
        // A call without arguments, as some servers write it.
        "" => "{}",
        text => text,
    };
    Wanted {
        id: call.id.unwrap_or_default(),
        name: call.function.name,
        arguments: match parse_json(text.as_bytes()) {
            Ok(Value::Object(arguments)) => Ok(arguments),
            Ok(_) => Err("they are no JSON object".to_owned()),
            Err(error) => Err(format!("they are no JSON object: {error}")),
        },
    }
}
