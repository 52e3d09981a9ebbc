//! Whether the registry lives, and whether it can decide.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use tokio::sync::Mutex;

use super::problem::{for_anybody, json_response};
use super::state::{Registry, Shared};

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> Response {
    for_anybody(json_response(StatusCode::OK, &json!({ "status": "ok" })))
}

/// What the ledger said when it was asked last.
///
/// Anybody may ask for readiness: it must not cost the ledger more than that once a second.
#[derive(Default)]
pub(super) struct Readiness(Mutex<Option<(Instant, Said)>>);

type Said = Result<&'static str, &'static str>;

const FOR: Duration = Duration::from_secs(1);

/// `GET /readyz`: packs load and the ledger can be written.
pub(super) async fn ready(State(registry): State<Shared>) -> Response {
    let mut last = registry.readiness.0.lock().await;
    let ledger = match *last {
        Some((asked, said)) if asked.elapsed() < FOR => said,
        _ => {
            let said = ask(&registry).await;
            *last = Some((Instant::now(), said));
            said
        }
    };
    drop(last);
    let problem = registry.verifier.pack_problem();
    if let Some(problem) = &problem {
        tracing::error!(%problem, "not ready: the packs on disk are not in force");
    }
    let packs = match problem {
        None => Ok("ok"),
        Some(_) => Err("those on disk are not in force; the log says why"),
    };
    let (status, word) = if ledger.is_ok() && packs.is_ok() {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not_ready")
    };
    let said = |said: Said| said.unwrap_or_else(|why| why);
    let body = json!({ "status": word, "ledger": said(ledger), "packs": said(packs) });
    for_anybody(json_response(status, &body))
}

async fn ask(registry: &Registry) -> Said {
    let within = registry.settings.decision_timeout;
    match tokio::time::timeout(within, registry.ledger.probe()).await {
        Ok(Ok(())) => Ok("ok"),
        Ok(Err(error)) => {
            tracing::error!(%error, "not ready: the ledger cannot be written");
            Err("cannot be written; the log says why")
        }
        Err(_) => Err("does not answer in time"),
    }
}
