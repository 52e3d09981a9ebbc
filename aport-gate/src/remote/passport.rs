//! Whether a decision was made on the passport that the registry shows now, and that one is in force.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aport_gate_oap::{AgentId, Digest};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::time::Instant;

use super::base_url::BaseUrl;
use super::error::{RegistryError, shown};
use super::exchange::{Connections, Request};

/// A passport that was replaced counts no longer than a suspension may take.
const FRESH: Duration = Duration::from_secs(30);
const MOST: usize = 10_000;

/// Digests of passports, as the registry's views tell them; None where it tells none.
#[derive(Debug, Default)]
pub(super) struct PassportViews(Mutex<HashMap<AgentId, (Option<Digest>, Instant)>>);

impl PassportViews {
    /// `used` is the digest in a decision about the agent. A registry without views, or whose views tell no
    /// digest, is believed; a view that tells of another agent, or of a passport that is not active, is not.
    ///
    /// # Errors
    /// [`RegistryError::WrongPassport`], or the view cannot be had.
    pub(super) async fn check(
        &self,
        connections: &Connections,
        base: &BaseUrl,
        agent: &AgentId,
        used: Digest,
        deadline: Instant,
    ) -> Result<(), RegistryError> {
        let kept = self.kept().get(agent).copied();
        if let Some((shown, at)) = kept
            && at.elapsed() < FRESH
            && shown.is_none_or(|shown| shown == used)
        {
            return Ok(());
        }
        // Unknown, old, or the passport was just changed: what counts is the view of now.
        let shown = fetch(connections, base, agent, deadline).await?;
        let mut views = self.kept();
        if views.len() >= MOST {
            views.retain(|_, (_, at)| at.elapsed() < FRESH);
        }
        if views.len() < MOST {
            views.insert(agent.clone(), (shown, Instant::now()));
        }
        match shown {
            Some(current) if current != used => Err(RegistryError::WrongPassport {
                found: used.to_string(),
                current: current.to_string(),
            }),
            _ => Ok(()),
        }
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<AgentId, (Option<Digest>, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn fetch(
    connections: &Connections,
    base: &BaseUrl,
    agent: &AgentId,
    deadline: Instant,
) -> Result<Option<Digest>, RegistryError> {
    let request = Request {
        method: Method::GET,
        url: base.at(&["api", "passports", agent.as_str(), "verify_view"]),
        headers: HeaderMap::new(),
        body: Vec::new(),
    };
    let wrong = |problem: String| RegistryError::Passport(problem);
    let reply = connections
        .exchange(request, deadline)
        .await
        .map_err(|error| wrong(error.to_string()))?;
    match reply.status {
        200 => {}
        404 | 405 | 501 => return Ok(None),
        status => return Err(wrong(format!("it was answered with status {status}"))),
    }
    let view = reply
        .json()
        .map_err(|error| wrong(format!("as JSON: {error}")))?;
    if !view.is_object() {
        return Err(wrong("it is not a JSON object".to_owned()));
    }
    in_force(&view, agent).map_err(wrong)?;
    match view.get("passport_digest") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => match Digest::parse(text) {
            Ok(digest) => Ok(Some(digest)),
            Err(error) => Err(wrong(format!("its `passport_digest`: {error}"))),
        },
        Some(_) => Err(wrong("its `passport_digest` is not text".to_owned())),
    }
}

/// A signature tells what was in force when it was made; a view tells it now.
fn in_force(view: &Value, agent: &AgentId) -> Result<(), String> {
    for (field, wanted) in [
        ("agent_id", agent.as_str()),
        ("status", "active"),
        ("parent_status", "active"),
    ] {
        match view.get(field) {
            None | Some(Value::Null) => {}
            Some(Value::String(found)) if found == wanted => {}
            Some(Value::String(found)) => {
                let found = shown(found);
                return Err(format!("its `{field}` is `{found}`, not `{wanted}`"));
            }
            Some(_) => return Err(format!("its `{field}` is not text")),
        }
    }
    Ok(())
}
