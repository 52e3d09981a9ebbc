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
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;

use super::attempts::random;
use super::base_url::BaseUrl;
use super::exchange::{Connections, Request};
use crate::ledger::{BodyOutcome, OutcomeListener, Settlement};

/// The registry's leave to report: who has it has got the decision.
pub(super) const OUTCOME_TOKEN: &str = "x-aport-outcome-token";

/// Reports are tried for about this long altogether: 250 ms, doubled seven times.
const MOST_ATTEMPTS: u32 = 8;
const FIRST_PAUSE_MS: u64 = 250;
/// How long an answer waits for a report that gives something back, so that the next call finds it free.
const LONGEST_WAIT: Duration = Duration::from_millis(1000);

/// Sends reports in the background.
#[derive(Debug)]
pub(super) struct Reporter {
    pub(super) connections: Connections,
    pub(super) base: BaseUrl,
    pub(super) timeout: Duration,
    pub(super) under_way: TaskTracker,
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
            tracing::warn!(
                decision_id = self.decision_id,
                "the outcome could not be reported to the registry"
            );
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
            reporter.report(request, &decision_id).await;
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
    async fn report(&self, request: Request, decision_id: &str) {
        let mut problem = String::new();
        for attempt in 0..MOST_ATTEMPTS {
            if attempt > 0 {
                let pause = FIRST_PAUSE_MS << (attempt - 1);
                sleep(Duration::from_millis(pause / 2 + random(pause / 2 + 1))).await;
            }
            let deadline = Instant::now() + self.timeout;
            match self.connections.exchange(request.clone(), deadline).await {
                Ok(reply) if reply.status == 200 => return,
                Ok(reply) => {
                    problem = format!("status {}", reply.status);
                    if !matches!(reply.status, 408 | 429 | 500..=599) {
                        break;
                    }
                }
                Err(error) => problem = error.to_string(),
            }
        }
        // Not lost: the registry holds what was taken until its window ends.
        tracing::error!(
            decision_id,
            problem,
            "the outcome could not be reported to the registry"
        );
    }
}
