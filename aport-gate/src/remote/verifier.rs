//! The verifier of registry mode: one HTTP call, then the audit record; no record, no execution.

use std::sync::Arc;
use std::time::Duration;

use aport_gate_oap::{Decision, Digest};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use tracing::Span;

use super::answer::{Answer, accepted, is_denial};
use super::cache::{Cache, Key};
use super::client::RegistryClient;
use super::decision::{Asked, decision, lifetime};
use super::error::RegistryError;
use super::exchange::{Reply, Request};
use super::health::RegistryHealth;
use super::keys::KeyCache;
use super::outcome::{OUTCOME_TOKEN, OutcomeReport, Reporter};
use super::passport::PassportViews;
use super::record::{Checked, key_of, record, refusal, sent_digest, under_new_id};
use super::settings::RegistrySettings;
use super::signature::{is_bound, passport_digest};
use super::used::UsedIds;
use crate::clock::Clock;
use crate::config::Security;
use crate::error::{Error, Result};
use crate::known_packs::KnownPacks;
use crate::ledger::{Ledger, Recorded};
use crate::local::{Query, check_key};
use crate::refusal::Refusal;

/// The same in each retry of one call.
const REQUEST_ID: &str = "x-aport-request-id";
const IDEMPOTENCY_KEY: &str = "idempotency-key";

pub(crate) struct RegistryVerifier {
    client: RegistryClient,
    pub(crate) packs: KnownPacks,
    security: Security,
    keys: KeyCache,
    passports: PassportViews,
    cache: Option<Cache>,
    used: UsedIds,
    reporter: Arc<Reporter>,
    pub(crate) clock: Clock,
}

/// The body that servers for both generations of published SDKs understand.
#[derive(Serialize)]
struct Body<'a> {
    agent_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<&'a str>,
    context: &'a Map<String, Value>,
}

impl RegistryVerifier {
    pub(crate) fn new(
        settings: &RegistrySettings,
        packs: KnownPacks,
        security: Security,
        timeout: Duration,
    ) -> Result<Self> {
        let client = RegistryClient::new(settings, timeout)?;
        let unusable = |error: RegistryError| Error::Registry(error.to_string());
        let keys = KeyCache::new(settings.jwks_file.as_deref()).map_err(unusable)?;
        if keys.are_pinned() && security == Security::Simple {
            return Err(Error::Registry(
                "APORT_JWKS_FILE names keys, but signatures count only with APORT_SECURITY=secure"
                    .to_owned(),
            ));
        }
        tracing::info!(registry = %client.base, "decisions come from a registry");
        let connections = client.line.connections.clone();
        let reporter = Reporter::new(connections, client.base.clone(), timeout);
        Ok(Self {
            client,
            packs,
            security,
            keys,
            passports: PassportViews::default(),
            cache: settings.cache.map(Cache::new),
            used: UsedIds::default(),
            reporter: Arc::new(reporter),
            clock: Clock::default(),
        })
    }

    pub(crate) fn client(&self) -> &RegistryClient {
        &self.client
    }

    /// Asks the registry, checks its answer and writes it down.
    pub(crate) async fn verify(
        &self,
        ledger: &Ledger,
        query: Query,
        deadline: Instant,
    ) -> std::result::Result<Recorded, Refusal> {
        if let Some(key) = query.context.get("idempotency_key").and_then(Value::as_str) {
            check_key(key)?;
        }
        let kept = self.kept(&query);
        if self.cache.is_some() {
            let cache = if kept.is_some() { "hit" } else { "miss" };
            Span::current().record("cache", cache);
        }
        let checked = match kept {
            Some(kept) => kept,
            None => match self.ask(&query, deadline).await {
                Ok(checked) => checked,
                Err(error) => return Err(refusal(&query, error)),
            },
        };
        record(ledger, query, checked, self.security).await
    }

    pub(crate) fn health(&self) -> RegistryHealth {
        self.client.line.breaker.health()
    }

    /// Waits until the outcomes of calls so far are reported, at most this long. Tells whether they are.
    pub(crate) async fn reported(&self, at_most: Duration) -> bool {
        self.reporter.under_way.close();
        let reported = tokio::time::timeout(at_most, self.reporter.under_way.wait()).await;
        self.reporter.under_way.reopen();
        reported.is_ok()
    }

    async fn ask(
        &self,
        query: &Query,
        deadline: Instant,
    ) -> std::result::Result<Checked, RegistryError> {
        let asked_at = Instant::now();
        let request_id = uuid::Uuid::new_v4().to_string();
        let request = self.request(query, &request_id)?;
        let mut attempts = 0;
        let asking = self
            .client
            .line
            .ask(&request, deadline, is_denial, &mut attempts);
        let answered = asking.await;
        Span::current().record("attempts", attempts);
        let reply = answered?;
        // Made before anything is checked: whatever is wrong below, what was taken is given back.
        let mut report = self.report(query, &reply);
        let checked = self.check(query, &reply, &request_id, deadline).await;
        if let (Err(RegistryError::Reused(_)), Some(report)) = (&checked, &mut report) {
            report.leave_to_another();
        }
        let (decision, document) = checked?;
        let report = report.filter(|_| decision.allow);
        if report.is_none()
            && let (Some(cache), Some(key)) = (&self.cache, self.cache_key(query, &decision))
        {
            let lifetime = lifetime(&decision, self.clock.now());
            cache.keep(key, &decision, lifetime, asked_at);
        }
        Ok(Checked {
            origin: self.origin(query, &decision, document, attempts),
            key: key_of(query),
            decision,
            report,
        })
    }

    fn request(
        &self,
        query: &Query,
        request_id: &str,
    ) -> std::result::Result<Request, RegistryError> {
        let key = query.context.get("idempotency_key").and_then(Value::as_str);
        let body = Body {
            agent_id: query.agent.as_str(),
            idempotency_key: key,
            context: &query.context,
        };
        let body = serde_json::to_vec(&body).map_err(|error| {
            RegistryError::Setup(format!("the request has no JSON form: {error}"))
        })?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let header = |text: &str| {
            HeaderValue::from_str(text)
                .map_err(|_| RegistryError::Setup("a header cannot be written".to_owned()))
        };
        headers.insert(REQUEST_ID, header(request_id)?);
        // A key that no header can hold stands in the body all the same.
        let sent =
            key.filter(|key| key.bytes().all(|byte| byte.is_ascii_graphic()) && !key.is_empty());
        headers.insert(IDEMPOTENCY_KEY, header(sent.unwrap_or(request_id))?);
        #[cfg(feature = "otel")]
        crate::trace_context::write(&mut headers);
        let path = ["api", "verify", "policy", query.pack.as_str()];
        Ok(Request {
            method: Method::POST,
            url: self.client.base.at(&path),
            headers,
            body,
        })
    }

    fn report(&self, query: &Query, reply: &Reply) -> Option<OutcomeReport> {
        let token = reply.headers.get(OUTCOME_TOKEN)?;
        let answer = accepted(reply).ok()?;
        let allow = answer.whole.get("allow") == Some(&Value::Bool(true));
        let id = answer.whole.get("decision_id").and_then(Value::as_str)?;
        allow.then(|| OutcomeReport::new(&self.reporter, id, &query.agent, token.clone()))
    }

    /// Everything that an answer has to pass.
    async fn check(
        &self,
        query: &Query,
        reply: &Reply,
        request_id: &str,
        deadline: Instant,
    ) -> std::result::Result<(Decision, Map<String, Value>), RegistryError> {
        let Answer {
            document,
            as_sent,
            whole,
        } = accepted(reply)?;
        if as_sent.is_some() {
            tracing::warn!("the registry's answer holds this server's API key or outcome token");
        }
        if let Some(echoed) = reply.headers.get(REQUEST_ID)
            && echoed.as_bytes() != request_id.as_bytes()
        {
            return Err(RegistryError::WrongRequest(
                "it names the id of another request".to_owned(),
            ));
        }
        let asked = Asked {
            agent: &query.agent,
            pack: &query.pack,
            tool: Some(query.tool),
            context_digest: sent_digest(query)?,
            now: self.clock.now(),
        };
        let of_whole = decision(&whole, asked)?;
        let decision = match self.security {
            Security::Simple => of_whole,
            Security::Secure => {
                let signed = as_sent.as_ref().unwrap_or(&document);
                self.check_signed(&document, signed, asked, deadline)
                    .await?
            }
        };
        let first = self.used.is_first_use(&decision.decision_id);
        if !first && self.security == Security::Secure {
            return Err(RegistryError::Reused(decision.decision_id));
        }
        let decision = match first {
            true => decision,
            false => under_new_id(decision),
        };
        Ok((decision, document))
    }

    /// Only what is signed counts: `sent` to the letter, of which `document` is what may be kept.
    async fn check_signed(
        &self,
        document: &Map<String, Value>,
        sent: &Map<String, Value>,
        asked: Asked<'_>,
        deadline: Instant,
    ) -> std::result::Result<Decision, RegistryError> {
        let signed = decision(document, asked)?;
        for field in ["kid", "signature"] {
            if !sent.contains_key(field) {
                return Err(RegistryError::Unsigned(format!("it has no `{field}`")));
            }
        }
        is_bound(document)?;
        // Who names keys does not trust the way there: on it, a decision could be held back and shown for
        // another call.
        if self.keys.are_pinned() && !document.contains_key("context_digest") {
            return Err(RegistryError::Unbound("context_digest"));
        }
        let passport = passport_digest(document)?;
        let document = Value::Object(sent.clone());
        let (connections, base) = (&self.client.line.connections, &self.client.base);
        self.keys
            .verify(connections, base, &document, deadline)
            .await?;
        // A denial stands whatever the passport is, and says why better than its view does.
        if signed.allow {
            self.passports
                .check(connections, base, asked.agent, passport, deadline)
                .await?;
        }
        Ok(signed)
    }

    /// What the audit record tells beside the decision.
    fn origin(
        &self,
        query: &Query,
        decision: &Decision,
        document: Map<String, Value>,
        attempts: u32,
    ) -> Map<String, Value> {
        let mut origin = Map::new();
        origin.insert("url".to_owned(), json!(self.client.base.to_string()));
        origin.insert("attempts".to_owned(), json!(attempts));
        let document = Value::Object(document);
        let same = serde_json::to_value(decision).is_ok_and(|decision| decision == document);
        // Whatever the registry says of redacted values is in it, too.
        if !same && query.redacted.is_none() {
            origin.insert("document".to_owned(), document);
        }
        origin
    }

    /// What to keep a decision under, where it may be kept: its pack is known here, nothing in it counts or
    /// happens once, and the registry does not say that it decided by another.
    fn cache_key(&self, query: &Query, decision: &Decision) -> Option<Key> {
        let pack = self.packs.pack(&query.tool_pack).ok()?.0;
        let differs = decision
            .policy_hash
            .is_some_and(|used| used != pack.digest());
        let counts = pack.uses_ledger() || pack.idempotency_field().is_some();
        let once = query.context.contains_key("idempotency_key");
        (!differs && !counts && !once).then(|| key(query, pack.digest()))
    }

    fn kept(&self, query: &Query) -> Option<Checked> {
        let cache = self.cache.as_ref()?;
        let pack = self.packs.pack(&query.tool_pack).ok()?.0;
        let kept = cache.get(&key(query, pack.digest()), Instant::now())?;
        let mut origin = Map::new();
        origin.insert("url".to_owned(), json!(self.client.base.to_string()));
        origin.insert("cached".to_owned(), json!(kept.decision_id));
        Some(Checked {
            decision: under_new_id(kept),
            origin,
            report: None,
            key: None,
        })
    }
}

fn key(query: &Query, pack: Digest) -> Key {
    Key {
        agent: query.agent.clone(),
        pack,
        context: query.digest,
        tool: query.tool,
    }
}
