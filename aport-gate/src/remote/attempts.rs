//! Asking again where the answer was no decision, inside one deadline.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::breaker::Breaker;
use super::error::{RegistryError, shown};
use super::exchange::{Connections, Reply, Request};

/// Most requests for one answer.
const MOST_ATTEMPTS: u32 = 4;
/// First pause, doubled after each further failure, in milliseconds.
const FIRST_PAUSE_MS: u64 = 50;
/// A timeout after less than this says nothing of the registry: the time went elsewhere.
const FAIR_WAIT: Duration = Duration::from_millis(100);

/// A registry as it is asked: connections, and what is known of its health.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) connections: Connections,
    pub(super) breaker: Breaker,
}

impl Line {
    pub(super) fn new(connections: Connections) -> Self {
        Self {
            connections,
            breaker: Breaker::default(),
        }
    }

    /// Sends until there is an answer that is not "ask again". `decides` tells of one with such a status
    /// whether it is a decision all the same. `attempts` counts the requests, also of a failure.
    ///
    /// # Errors
    /// The last failure, or [`RegistryError::Paused`].
    pub(super) async fn ask(
        &self,
        request: &Request,
        deadline: Instant,
        decides: fn(&Reply) -> bool,
        attempts: &mut u32,
    ) -> Result<Reply, RegistryError> {
        let pass = self.breaker.admit(Instant::now())?;
        let began = Instant::now();
        *attempts = 1;
        let mut last = None;
        let result = loop {
            let problem = match self.connections.exchange(request.clone(), deadline).await {
                Ok(reply) if !asks_again(reply.status) || decides(&reply) => break Ok(reply),
                Ok(reply) => {
                    let pause = match (reply.status, reply.retry_after()) {
                        // Without a time it does not say that asking again will do.
                        (429, None) => None,
                        (_, after) => Some(after.unwrap_or_else(|| pause(*attempts))),
                    };
                    let (status, told) = (reply.status, told(&reply));
                    (RegistryError::Unavailable { status, told }, pause)
                }
                Err(error @ RegistryError::Unreachable(_)) => (error, Some(pause(*attempts))),
                Err(error) => (error, None),
            };
            match problem.1 {
                // Asked how long by the server, which may say more than a clock can hold.
                Some(pause)
                    if *attempts < MOST_ATTEMPTS
                        && pause < deadline.saturating_duration_since(Instant::now()) =>
                {
                    last = Some(problem.0);
                    sleep(pause).await;
                    *attempts = attempts.saturating_add(1);
                }
                // The failure before it says more than the time that ran out.
                _ => {
                    let is_late = matches!(problem.0, RegistryError::Timeout(_));
                    break Err(last.filter(|_| is_late).unwrap_or(problem.0));
                }
            }
        };
        match &result {
            Ok(_) => pass.succeeded(),
            Err(RegistryError::Unavailable { status: 429, .. }) => pass.succeeded(),
            Err(RegistryError::Timeout(_)) if began.elapsed() < FAIR_WAIT => {}
            Err(
                error @ (RegistryError::Unavailable { .. }
                | RegistryError::Unreachable(_)
                | RegistryError::Tls(_)
                | RegistryError::Timeout(_)),
            ) => pass.failed(Instant::now(), error),
            Err(_) => pass.succeeded(),
        }
        result
    }
}

fn asks_again(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=599)
}

/// What an error says in its own words (OAP's error shape, or reasons), after a colon.
pub(super) fn told(reply: &Reply) -> String {
    let Ok(value) = reply.json() else {
        return String::new();
    };
    let message = value
        .pointer("/error/message")
        .or_else(|| value.pointer("/reasons/0/message"))
        .or_else(|| value.get("message"))
        .or_else(|| value.get("error"));
    match message.and_then(serde_json::Value::as_str) {
        Some(message) if !message.is_empty() => format!(": {}", shown(message)),
        _ => String::new(),
    }
}

/// Between half and all of a pause that doubles: callers that failed together do not come back together.
fn pause(attempts: u32) -> Duration {
    let whole = FIRST_PAUSE_MS << attempts.saturating_sub(1).min(6);
    let half = whole / 2;
    Duration::from_millis(half + random(half + 1))
}

/// Evenly enough from 0 up to below `bound`. Nothing secret hangs on it.
pub(super) fn random(bound: u64) -> u64 {
    getrandom::u64().unwrap_or_default() % bound.max(1)
}
