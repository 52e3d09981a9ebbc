//! A registry's other services: the view of a passport, decision tokens.

use std::path::PathBuf;
use std::time::Duration;

use aport_gate_oap::{AgentId, Decision, PackId, digest_json};
use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::answer::{Answer, accepted, is_denial};
use super::api_key::ApiKey;
use super::attempts::{Line, told};
use super::base_url::BaseUrl;
use super::decision::{Asked, decision};
use super::error::RegistryError;
use super::exchange::{Connections, Reply, Request};
use super::settings::RegistrySettings;
use crate::config::DEFAULT_TIMEOUT;
use crate::error::{Error, Result};

/// A client of an APort registry, over the same connections, bounds and checks that a gate in registry mode
/// uses.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use aport_gate::RegistryClient;
/// use aport_gate::oap::AgentId;
///
/// let registry = RegistryClient::builder("https://registry.example.com")
///     .api_key(std::fs::read_to_string("key")?.trim())
///     .build()?;
/// let view = registry.verify_view(&AgentId::parse("ap_support_bot")?).await?;
/// println!("{}", view["status"]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RegistryClient {
    pub(super) line: Line,
    pub(super) base: BaseUrl,
    pub(super) timeout: Duration,
}

/// A decision that can be shown to others: who has it asks the registry whether it counts.
///
/// Debug output does not show it: it is as good as the decision.
#[derive(Clone)]
pub struct DecisionToken(String);

/// Sets up a [`RegistryClient`].
#[derive(Debug)]
#[must_use]
pub struct RegistryClientBuilder {
    settings: RegistrySettings,
    timeout: Duration,
}

impl RegistryClientBuilder {
    /// Bearer for the registry.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.settings.api_key = Some(ApiKey::new(key.into()));
        self
    }

    /// Allows `http:` to other machines than this one: anybody on the way can read the key and forge
    /// decisions.
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.settings.allow_http = allow;
        self
    }

    /// PEM file of authorities that are believed beside the system's.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.ca_file = Some(path.into());
        self
    }

    /// Longest time for one answer, retries included; 5 seconds otherwise.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Makes the client; nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Registry`] when URL, key or file cannot be used.
    pub fn build(self) -> Result<RegistryClient> {
        RegistryClient::new(&self.settings, self.timeout)
    }
}

impl RegistryClient {
    /// A client of the registry at `url`.
    pub fn builder(url: impl Into<String>) -> RegistryClientBuilder {
        RegistryClientBuilder {
            settings: RegistrySettings {
                url: Some(url.into()),
                ..RegistrySettings::default()
            },
            timeout: DEFAULT_TIMEOUT,
        }
    }

    pub(crate) fn new(settings: &RegistrySettings, timeout: Duration) -> Result<Self> {
        let base = settings
            .base_url()
            .map_err(|error| Error::Registry(format!("its URL {error}")))?;
        let connections =
            Connections::new(settings).map_err(|error| Error::Registry(error.to_string()))?;
        Ok(Self {
            line: Line::new(connections),
            base,
            timeout,
        })
    }

    /// What the registry shows of a passport to those who verify: never more than they need.
    ///
    /// # Errors
    /// [`RegistryError`]; [`RegistryError::Refused`] with status 404 for an agent that it does not know.
    pub async fn verify_view(
        &self,
        agent: &AgentId,
    ) -> std::result::Result<Map<String, Value>, RegistryError> {
        let deadline = Instant::now() + self.timeout;
        let url = ["api", "passports", agent.as_str(), "verify_view"];
        self.object(Method::GET, &url, Value::Null, deadline).await
    }

    /// Asks for a decision, and for a token of it if it allows.
    ///
    /// # Errors
    /// [`RegistryError`]; a denial is [`RegistryError::Refused`] or [`RegistryError::Decision`] with what the
    /// registry said.
    pub async fn decision_token(
        &self,
        pack: &PackId,
        agent: &AgentId,
        context: &Map<String, Value>,
    ) -> std::result::Result<DecisionToken, RegistryError> {
        let deadline = Instant::now() + self.timeout;
        let mut context = context.clone();
        context.insert("agent_id".to_owned(), agent.as_str().into());
        context.insert("policy_id".to_owned(), pack.as_str().into());
        let body = json!({ "agent_id": agent, "context": context });
        let url = ["api", "verify", "token", pack.as_str()];
        let mut answer = self.object(Method::POST, &url, body, deadline).await?;
        if answer.get("allow") == Some(&Value::Bool(false)) {
            let problem = "it is a denial, of which there is no token to show";
            return Err(RegistryError::Decision(problem.to_owned()));
        }
        match answer.remove("token") {
            Some(Value::String(token)) if !token.is_empty() => Ok(DecisionToken(token)),
            _ => Err(RegistryError::Decision("it has no `token`".to_owned())),
        }
    }

    /// The decision of a token, if the registry still stands by it and it is about this agent and pack.
    ///
    /// # Errors
    /// [`RegistryError`], as for a decision: it is for another agent or pack, expired, or no decision at all.
    pub async fn validate_token(
        &self,
        token: &DecisionToken,
        pack: &PackId,
        agent: &AgentId,
        context: &Map<String, Value>,
    ) -> std::result::Result<Decision, RegistryError> {
        let deadline = Instant::now() + self.timeout;
        let mut context = context.clone();
        context.insert("agent_id".to_owned(), agent.as_str().into());
        context.insert("policy_id".to_owned(), pack.as_str().into());
        let context_digest = digest_json(&Value::Object(context))
            .map_err(|error| RegistryError::Setup(format!("the context: {error}")))?;
        let request = self.request(
            Method::POST,
            &["api", "verify", "token", "validate"],
            &json!({ "token": token.0 }),
        );
        let reply = self.line.ask(&request, deadline, is_denial, &mut 0).await?;
        let Answer { whole, .. } = accepted(&reply)?;
        let asked = Asked {
            agent,
            pack,
            tool: None,
            context_digest,
            now: Timestamp::now(),
        };
        decision(&whole, asked)
    }

    pub(super) async fn object(
        &self,
        method: Method,
        path: &[&str],
        body: Value,
        deadline: Instant,
    ) -> std::result::Result<Map<String, Value>, RegistryError> {
        let request = self.request(method, path, &body);
        let reply = self.line.ask(&request, deadline, |_| false, &mut 0).await?;
        object_of(&reply)
    }

    pub(super) fn request(&self, method: Method, path: &[&str], body: &Value) -> Request {
        let mut headers = HeaderMap::new();
        let body = match body {
            Value::Null => Vec::new(),
            body => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                body.to_string().into_bytes()
            }
        };
        Request {
            method,
            url: self.base.at(path),
            headers,
            body,
        }
    }
}

/// The object that an answer is, if its status says that it was done.
pub(super) fn object_of(reply: &Reply) -> std::result::Result<Map<String, Value>, RegistryError> {
    let status = reply.status;
    match status {
        200 | 201 => {}
        300..=399 => return Err(RegistryError::Redirected(status)),
        401 | 403 => {
            let told = told(reply);
            return Err(RegistryError::Unauthorized { status, told });
        }
        _ => {
            let told = told(reply);
            return Err(RegistryError::Refused { status, told });
        }
    }
    match reply.json() {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(RegistryError::Answer("it is not a JSON object".to_owned())),
        Err(error) => Err(RegistryError::Answer(format!("as JSON: {error}"))),
    }
}

impl DecisionToken {
    /// A token that somebody handed over.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The token, to be handed over.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for DecisionToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DecisionToken([redacted])")
    }
}
