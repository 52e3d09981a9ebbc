//! `GET /metrics`: how a server does, as Prometheus reads it. Counts alone: no agent, no argument.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderValue, ORIGIN};
use axum::response::Response;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::front::Front;
use super::problem::Problem;
use crate::call_metrics::Labels;
use crate::connections::ToAnybody;
use crate::gate::Gate;
#[cfg(feature = "registry")]
use crate::remote::RegistryHealth;

/// What is shown: the gate's own counts, and the server's.
pub(super) struct Metrics {
    all: Registry,
    breaker: Family<Labels<2>, Gauge>,
    connections: Gauge,
    under_way: Gauge,
    calls: usize,
}

/// An open connection, as the metrics count it.
pub(super) struct Open(Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// `calls` is how many may be under way at once.
    pub(super) fn new(gate: &Gate, calls: usize) -> Self {
        let mut metrics = Self {
            all: Registry::with_prefix("aport_gate"),
            breaker: Family::default(),
            connections: Gauge::default(),
            under_way: Gauge::default(),
            calls,
        };
        let (all, counted) = (&mut metrics.all, gate.inner.metrics.clone());
        all.register("calls", "Calls, by tool and result", counted.calls);
        let help = "Time to decide, by tool";
        all.register("decision_seconds", help, counted.decision);
        let breaker = metrics.breaker.clone();
        all.register("breaker", "1 in the state that it is in", breaker);
        let connections = metrics.connections.clone();
        all.register("connections", "Open connections", connections);
        let under_way = metrics.under_way.clone();
        all.register("requests_under_way", "Requests worked on now", under_way);
        metrics
    }

    /// Counts a connection for as long as this lives.
    pub(super) fn opened(&self) -> Open {
        self.connections.inc();
        Open(self.connections.clone())
    }

    fn text(&self, front: &Front) -> Result<String, std::fmt::Error> {
        let free = front.slots.available_permits();
        let under_way = self.calls.saturating_sub(free);
        self.under_way
            .set(i64::try_from(under_way).unwrap_or(i64::MAX));
        let ledger = match front.gate.ledger().is_connected() {
            true => "closed",
            false => "open",
        };
        self.set("ledger", &["closed", "open"], ledger);
        #[cfg(feature = "registry")]
        if let Some(health) = front.gate.registry_health() {
            let state = match health {
                RegistryHealth::Answering => "closed",
                RegistryHealth::Failing { .. } => "failing",
                RegistryHealth::Paused { .. } => "open",
            };
            self.set("registry", &["closed", "failing", "open"], state);
        }
        let mut text = String::new();
        encode(&mut text, &self.all)?;
        Ok(text)
    }

    fn set(&self, of: &'static str, states: &[&'static str], now: &str) {
        for state in states {
            let labels = [("of", of), ("state", *state)];
            let gauge = self.breaker.get_or_create(&labels);
            gauge.set(i64::from(*state == now));
        }
    }
}

/// On a server for this machine alone, under its names alone: no web page may read it. Others reach what a
/// proxy forwards, which need not be this.
pub(super) async fn show(
    State(front): State<Arc<Front>>,
    request: Request,
) -> Result<Response, Problem> {
    if front.names.public.is_none() {
        front.names.check(request.uri(), request.headers())?;
    } else if request.headers().contains_key(ORIGIN) {
        return Err(Problem::forbidden("metrics are nothing for web pages"));
    }
    let text = front.metrics.text(&front);
    let text = text.map_err(|_| Problem::unavailable("the metrics cannot be written"))?;
    let mut response = Response::new(text.into());
    let kind =
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response.extensions_mut().insert(ToAnybody);
    Ok(response)
}
