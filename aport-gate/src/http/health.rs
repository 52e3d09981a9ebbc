//! Whether the server lives, and whether its gate can decide.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use tokio::sync::Mutex;

use super::front::Front;
use super::problem::json_response;
use crate::gate::Gate;

/// What the ledger said when it was asked last.
///
/// Anybody may ask for readiness: it must not cost the ledger more than that once a second.
#[derive(Default)]
pub(super) struct Readiness(Mutex<Option<(Instant, Said)>>);

type Said = Result<&'static str, &'static str>;

const FOR: Duration = Duration::from_secs(1);

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> Response {
    json_response(StatusCode::OK, &json!({ "status": "ok" }))
}

/// `GET /readyz`: packs load, the ledger can be written, and the tokens of agents can be read.
pub(super) async fn ready(State(front): State<Arc<Front>>) -> Response {
    let mut last = front.readiness.0.lock().await;
    let ledger = match *last {
        Some((asked, said)) if asked.elapsed() < FOR => said,
        _ => {
            let said = ask(&front.gate).await;
            *last = Some((Instant::now(), said));
            said
        }
    };
    drop(last);
    let packs: Said = match front.gate.pack_problem() {
        None => Ok("ok"),
        Some(problem) => {
            tracing::error!(%problem, "not ready: the packs on disk are not in force");
            Err("those on disk are not in force; the log says why")
        }
    };
    let tokens: Said = match front.authentication.tokens.all() {
        Ok(_) => Ok("ok"),
        Err(error) => {
            tracing::error!(%error, "not ready: the tokens of agents cannot be read; nobody is let in by one");
            Err("those of agents cannot be read; the log says why, and what to do")
        }
    };
    let (status, word) = if ledger.is_ok() && packs.is_ok() && tokens.is_ok() {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not_ready")
    };
    let said = |said: Said| said.unwrap_or_else(|why| why);
    let body = json!({
        "status": word, "ledger": said(ledger), "packs": said(packs), "tokens": said(tokens),
    });
    json_response(status, &body)
}

async fn ask(gate: &Gate) -> Said {
    match tokio::time::timeout(gate.inner.timeout, gate.ledger().probe()).await {
        Ok(Ok(())) => Ok("ok"),
        Ok(Err(error)) => {
            tracing::error!(%error, "not ready: the ledger cannot be written");
            Err("cannot be written; the log says why")
        }
        Err(_) => Err("does not answer in time"),
    }
}
