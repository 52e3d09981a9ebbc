//! Issuing passports, showing them, and changing their status.

mod compose;
mod status;
mod view;

use aport_gate_oap::{AgentId, Finding, Passport, Severity};
use axum::extract::{Extension, Request, State};
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, LOCATION};
use axum::response::Response;
use serde_json::Value;

pub(super) use self::status::change;
pub(super) use self::view::show;
use super::auth::{self, Need};
use super::body;
use super::problem::{Problem, json_response};
use super::serve::Peer;
use super::state::{Registry, Shared};
use crate::cli::failure::Failure;
use crate::cli::passport::document::Document;
use crate::cli::passport::store::Store;

/// `POST /api/passports`. Never replaces a passport.
pub(super) async fn issue(
    State(registry): State<Shared>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Response, Problem> {
    let need = if registry.settings.dev {
        Need::Nothing
    } else {
        Need::Administrator
    };
    let caller = auth::allow(&registry, request.headers(), peer, need)?;
    let standing = registry.limits.count(caller.subject())?;
    let body = body::object(&registry, request).await?;
    let map = compose::compose(body, registry.settings.dev)?;
    let text = Value::Object(map.clone()).to_string();
    let errors: Vec<Finding> = Passport::check(text.as_bytes())
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .collect();
    if let Some(first) = errors.first() {
        let message = format!("{} (at `{}`)", first.message, first.path);
        return Err(invalid(message));
    }
    let document = Document::new(map).map_err(invalid)?;
    let issued = off_the_runtime(registry, move |registry| {
        let agent = document.passport().agent_id().clone();
        let store = Store::new(registry.passports.clone());
        let locked = store.lock().map_err(unwritable)?;
        locked
            .refuse_twin(&agent)
            .map_err(|failure| Problem::conflict(failure.to_string()))?;
        if store.path(&agent).symlink_metadata().is_ok() {
            return Err(Problem::conflict(format!(
                "`{agent}` has a passport already"
            )));
        }
        locked.put(&agent, &document).map_err(unwritable)?;
        tracing::info!(%agent, digest = %document.passport().digest(), "passport issued");
        Ok(document)
    })
    .await?;
    let body = Value::Object(issued.map().clone());
    let mut response = json_response(StatusCode::CREATED, &body);
    let place = format!(
        "/api/passports/{}/verify_view",
        issued.passport().agent_id()
    );
    if let Ok(place) = HeaderValue::try_from(place) {
        response.headers_mut().insert(LOCATION, place);
    }
    if let Some(standing) = standing {
        response.extensions_mut().insert(standing);
    }
    Ok(response)
}

fn invalid(message: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_passport", message)
}

fn agent_of(path: &str) -> Result<AgentId, Problem> {
    AgentId::parse(path).map_err(|error| Problem::invalid(error.to_string()))
}

fn unknown(agent: &AgentId) -> Problem {
    let message = format!("there is no passport of `{agent}`");
    Problem::new(StatusCode::NOT_FOUND, "passport_not_found", message)
}

/// The place of files on the machine is for the log.
fn unwritable(failure: Failure) -> Problem {
    tracing::error!(error = %failure, "passports cannot be changed");
    Problem::unavailable("passports cannot be changed now; the log says why")
}

/// File locks and disk flushes wait.
async fn off_the_runtime<T: Send + 'static>(
    registry: Shared,
    work: impl FnOnce(&Registry) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(move || work(&registry))
        .await
        .map_err(|_| Problem::unavailable("the work on passports ended early"))?
}
