//! Tells the registry what became of a call, where it keeps the caps.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aport_gate_oap::AgentId;
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::task::TaskTracker;

use super::attempts::random;
use super::base_url::BaseUrl;
use super::exchange::{Connections, Request};
use crate::ledger::{BodyOutcome, OutcomeListener, Settlement};

/// The registry's leave to report: who has it has got the decision.
pub(super) const OUTCOME_TOKEN: &str = "x-aport-outcome-token";

/// A report is tried for this long altogether, the wait for its turn among it.
const LONGEST_AGE: Duration = Duration::from_secs(30);
/// Before the second try; doubled after each further one.
const FIRST_PAUSE_MS: u64 = 250;
/// Most reports that ask at once: a registry that takes none must not take the connections and files that calls
/// need.
const MOST_AT_ONCE: usize = 32;
/// Most reports that are kept to be made, a few kilobytes each.
const MOST_KEPT: usize = 4096;
/// How long an answer waits for a report that gives something back, so that the next call finds it free.
const LONGEST_WAIT: Duration = Duration::from_millis(1000);

/// Sends reports in the background.
#[derive(Debug)]
pub(super) struct Reporter {
    connections: Connections,
    base: BaseUrl,
    timeout: Duration,
    pub(super) under_way: TaskTracker,
    turns: Semaphore,
}

/// One report to be made. Dropped, it says what its call came to.
pub(super) struct OutcomeReport {
    reporter: Arc<Reporter>,
    decision_id: String,
    agent: AgentId,
    token: HeaderValue,
    started: bool,
    told: bool,
}

impl OutcomeReport {
    pub(super) fn new(
        reporter: &Arc<Reporter>,
        decision_id: &str,
        agent: &AgentId,
        mut token: HeaderValue,
    ) -> Self {
        token.set_sensitive(true);
        Self {
            reporter: Arc::clone(reporter),
            decision_id: decision_id.to_owned(),
            agent: agent.clone(),
            token,
            started: false,
            told: false,
        }
    }

    /// Whether it is about this decision.
    pub(super) fn is_of(&self, decision_id: &str) -> bool {
        self.decision_id == decision_id
    }

    /// Says nothing: the decision is another call's, which reports for itself.
    pub(super) fn leave_to_another(&mut self) {
        self.told = true;
    }

    fn tell(&mut self, outcome: BodyOutcome, settlement: Settlement) -> BoxFuture<'static, ()> {
        if std::mem::replace(&mut self.told, true) {
            return ready(()).boxed();
        }
        // A drop may come after the end of the runtime. Then nobody is told, and the registry holds.
        if Handle::try_current().is_err() {
            unreported(&self.decision_id, "this server ends");
            return ready(()).boxed();
        }
        if self.reporter.under_way.len() >= MOST_KEPT {
            unreported(&self.decision_id, "too many reports wait already");
            return ready(()).boxed();
        }
        let segments = ["api", "verify", "outcome", self.decision_id.as_str()];
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(OUTCOME_TOKEN, self.token.clone());
        let body = json!({
            "agent_id": self.agent,
            "outcome": outcome.name(),
            "settlement": settlement.name(),
        });
        let request = Request {
            method: Method::POST,
            url: self.reporter.base.at(&segments),
            headers,
            body: body.to_string().into_bytes(),
        };
        let reporter = Arc::clone(&self.reporter);
        let decision_id = self.decision_id.clone();
        let sending = self.reporter.under_way.spawn(async move {
            let end = Instant::now() + LONGEST_AGE;
            reporter.report(request, &decision_id, end).await;
        });
        // What is given back is wanted by the next call; anything else is in nobody's way.
        if settlement != Settlement::Release {
            return ready(()).boxed();
        }
        async move {
            let _ = timeout(LONGEST_WAIT, sending).await;
        }
        .boxed()
    }
}

impl OutcomeListener for OutcomeReport {
    fn started(&mut self) {
        self.started = true;
    }

    fn settled(&mut self, outcome: BodyOutcome, settlement: Settlement) -> BoxFuture<'static, ()> {
        self.tell(outcome, settlement)
    }
}

impl Drop for OutcomeReport {
    fn drop(&mut self) {
        let settlement = match self.started {
            true => Settlement::Hold,
            false => Settlement::Release,
        };
        drop(self.tell(BodyOutcome::Abandoned, settlement));
    }
}

impl fmt::Debug for OutcomeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutcomeReport")
            .field("decision_id", &self.decision_id)
            .field("told", &self.told)
            .finish_non_exhaustive()
    }
}

impl Reporter {
    pub(super) fn new(connections: Connections, base: BaseUrl, timeout: Duration) -> Self {
        Self {
            connections,
            base,
            timeout,
            under_way: TaskTracker::new(),
            turns: Semaphore::new(MOST_AT_ONCE),
        }
    }

    async fn report(&self, request: Request, decision_id: &str, end: Instant) {
        let mut problem = "no turn came".to_owned();
        let mut whole = FIRST_PAUSE_MS;
        loop {
            // Held for one try: while one that failed pauses, another has its turn.
            let Ok(turn) = timeout_at(end, self.turns.acquire()).await else {
                break;
            };
            let deadline = end.min(Instant::now() + self.timeout);
            let answered = self.connections.exchange(request.clone(), deadline).await;
            drop(turn);
            match answered {
                Ok(reply) if reply.status == 200 => return,
                Ok(reply) => {
                    problem = format!("status {}", reply.status);
                    if !matches!(reply.status, 408 | 429 | 500..=599) {
                        break;
                    }
                }
                Err(error) => problem = error.to_string(),
            }
            let pause = Duration::from_millis(whole / 2 + random(whole / 2 + 1));
            whole = whole.saturating_mul(2);
            if end.saturating_duration_since(Instant::now()) <= pause {
                break;
            }
            sleep(pause).await;
        }
        unreported(decision_id, &problem);
    }
}

/// Nothing is spent twice for it: the registry holds what was taken until its window ends.
fn unreported(decision_id: &str, problem: &str) {
    tracing::error!(
        decision_id,
        problem,
        "the outcome could not be reported to the registry, which holds what the call took"
    );
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::remote::RegistrySettings;

    /// Of a registry that takes connections and says nothing.
    fn reporter(listener: &TcpListener) -> Arc<Reporter> {
        let settings = RegistrySettings {
            url: Some(format!("http://{}", listener.local_addr().unwrap())),
            ..RegistrySettings::default()
        };
        let connections = Connections::new(&settings).unwrap();
        let base = settings.base_url().unwrap();
        Arc::new(Reporter::new(connections, base, Duration::from_secs(600)))
    }

    fn request(reporter: &Reporter) -> Request {
        Request {
            method: Method::POST,
            url: reporter.base.at(&["outcome"]),
            headers: HeaderMap::new(),
            body: Vec::new(),
        }
    }

    #[tokio::test]
    async fn a_report_ends_at_its_age_whatever_it_waits_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let reporter = reporter(&listener);
        let ends = async |reporter: &Reporter| {
            let end = Instant::now() + Duration::from_millis(200);
            let report = reporter.report(request(reporter), "id", end);
            timeout(Duration::from_secs(60), report).await.is_ok()
        };
        assert!(ends(&reporter).await, "no answer");
        let turns = reporter.turns.acquire_many(MOST_AT_ONCE as u32).await;
        assert!(ends(&reporter).await, "no turn");
        drop(turns);
        drop(listener);
        assert!(ends(&reporter).await, "no connection");
        assert_eq!(reporter.turns.available_permits(), MOST_AT_ONCE);
    }

    #[tokio::test]
    async fn no_more_reports_are_kept_than_the_bound() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let reporter = reporter(&listener);
        let agent = AgentId::parse("ap_tester").unwrap();
        for call in 0..MOST_KEPT + 10 {
            let token = HeaderValue::from_static("token");
            let id = call.to_string();
            drop(OutcomeReport::new(&reporter, &id, &agent, token));
        }
        assert_eq!(reporter.under_way.len(), MOST_KEPT);
    }
}
