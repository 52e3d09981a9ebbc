//! What the registry counts, as Prometheus reads it.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use super::problem::Problem;
use super::state::Shared;
use crate::call_metrics::SECONDS;

type Labels<const N: usize> = [(&'static str, String); N];
type Histograms<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;

pub(super) struct Metrics {
    all: prometheus_client::registry::Registry,
    decisions: Family<Labels<2>, Counter>,
    requests: Histograms<1>,
    answers: Family<Labels<2>, Counter>,
    ledger: Histograms<1>,
    outcomes: Family<Labels<1>, Counter>,
    breaker: Family<[(&'static str, &'static str); 2], Gauge>,
    pub(super) connections: Gauge,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let seconds: fn() -> Histogram = || Histogram::new(SECONDS);
        let mut metrics = Self {
            all: prometheus_client::registry::Registry::with_prefix("aport_registry"),
            decisions: Family::default(),
            requests: Family::new_with_constructor(seconds),
            answers: Family::default(),
            ledger: Family::new_with_constructor(seconds),
            outcomes: Family::default(),
            breaker: Family::default(),
            connections: Gauge::default(),
        };
        let all = &mut metrics.all;
        let decisions = metrics.decisions.clone();
        all.register("decisions", "Decisions, by pack and result", decisions);
        let requests = metrics.requests.clone();
        all.register("request_seconds", "Time to answer, by route", requests);
        let answers = metrics.answers.clone();
        all.register("answers", "Answers, by route and status", answers);
        let ledger = metrics.ledger.clone();
        all.register("ledger_seconds", "Time the ledger took, by work", ledger);
        let outcomes = metrics.outcomes.clone();
        all.register("outcomes", "Reported outcomes, by settlement", outcomes);
        let breaker = metrics.breaker.clone();
        all.register("breaker", "1 in the state that it is in", breaker);
        let connections = metrics.connections.clone();
        all.register("connections", "Open connections", connections);
        metrics
    }

    /// `pack` is the id of an installed pack, never a caller's own text.
    pub(super) fn decided(&self, pack: &str, result: &str) {
        let labels = [("pack", pack.to_owned()), ("result", result.to_owned())];
        self.decisions.get_or_create(&labels).inc();
    }

    pub(super) fn settled(&self, settlement: &str) {
        let labels = [("settlement", settlement.to_owned())];
        self.outcomes.get_or_create(&labels).inc();
    }

    pub(super) fn ledger(&self, work: &str, took: Duration) {
        let labels = [("work", work.to_owned())];
        self.ledger
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    /// Without a way to its ledger a registry decides nothing until there is one again.
    fn set_breaker(&self, is_connected: bool) {
        for (state, is_in) in [("closed", is_connected), ("open", !is_connected)] {
            let labels = [("of", "ledger"), ("state", state)];
            self.breaker.get_or_create(&labels).set(i64::from(is_in));
        }
    }

    fn answered(&self, route: &str, status: StatusCode, took: Duration) {
        let route = || ("route", route.to_owned());
        self.requests
            .get_or_create(&[route()])
            .observe(took.as_secs_f64());
        let labels = [route(), ("status", status.as_str().to_owned())];
        self.answers.get_or_create(&labels).inc();
    }
}

/// Times every answer.
pub(super) async fn observe(
    State(registry): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    // The route's pattern: paths as they came would be labels without end.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    let response = next.run(request).await;
    let took = began.elapsed();
    registry.metrics.answered(&route, response.status(), took);
    response
}

/// `GET /metrics`.
pub(super) async fn show(State(registry): State<Shared>) -> Result<Response, Problem> {
    registry.metrics.set_breaker(registry.ledger.is_connected());
    let mut text = String::new();
    encode(&mut text, &registry.metrics.all)
        .map_err(|_| Problem::unavailable("the metrics cannot be written"))?;
    let mut response = Response::new(text.into());
    let kind =
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}
