//! One request to a model's API, and its answer or a clear error.

use std::time::Duration;

use aport_gate::oap::parse_json;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::AgentError;
use crate::seen;
use crate::setting::Base;
use crate::transport::Transport;

/// Longest part of an API's own words that an error shows, in characters.
const LONGEST: usize = 300;

/// A model's API.
pub(super) struct Api {
    pub(super) name: &'static str,
    pub(super) base: Base,
    pub(super) transport: Transport,
    /// Headers of every request beside the key.
    pub(super) headers: &'static [(&'static str, &'static str)],
    /// Variable that holds the key.
    pub(super) key_variable: &'static str,
    /// Longest time for one answer.
    pub(super) timeout: Duration,
}

impl Api {
    pub(super) async fn post(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<Map<String, Value>, AgentError> {
        let api = self.name;
        let no_answer = |problem: String| AgentError::NoAnswer { api, problem };
        let mut request =
            http::Request::post(self.base.at(path)).header(CONTENT_TYPE, "application/json");
        for (name, value) in self.headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(body.to_string().into_bytes())
            .map_err(|error| no_answer(error.to_string()))?;
        let sent = self
            .transport
            .send(request, Instant::now() + self.timeout)
            .await;
        let answer = sent.map_err(|error| no_answer(error.to_string()))?;
        let status = answer.status().as_u16();
        // Strictly: which of two values of one name a model means is not for this program to choose.
        let document = parse_json(answer.body());
        if status == 200 {
            return match document {
                Ok(Value::Object(object)) => Ok(object),
                Ok(_) => Err(self.answer("it is no JSON object")),
                Err(error) => Err(self.answer(format!("it is no JSON: {error}"))),
            };
        }
        let told = self.told(document.ok().as_ref());
        let after = answer.headers().get(RETRY_AFTER);
        let after = after.and_then(|after| after.to_str().ok()?.trim().parse().ok());
        let retry_after = after.map(Duration::from_secs);
        Err(match status {
            401 | 403 => AgentError::Unauthorized {
                api,
                status,
                told,
                variable: self.key_variable,
            },
            429 => AgentError::TooMany {
                api,
                told,
                retry_after,
            },
            500..=599 => AgentError::Unavailable {
                api,
                status,
                told,
                retry_after,
            },
            _ => AgentError::Refused { api, status, told },
        })
    }

    pub(super) fn answer(&self, problem: impl Into<String>) -> AgentError {
        AgentError::Answer {
            api: self.name,
            problem: problem.into(),
        }
    }

    /// What an API says of an error: both have `error.message`.
    fn told(&self, document: Option<&Value>) -> String {
        let message = document.and_then(|document| document.pointer("/error/message"));
        let Some(message) = message.and_then(Value::as_str) else {
            return String::new();
        };
        let short: String = message.chars().take(LONGEST).collect();
        format!(": {}", seen::line(&short))
    }
}
