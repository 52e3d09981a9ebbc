//! `PATCH` and `POST /api/passports/{id}/status`.

use aport_gate_oap::PassportStatus;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::response::Response;
use serde_json::{Value, json};

use super::{agent_of, off_the_runtime, unknown, unwritable};
use crate::cli::passport::store::Store;
use crate::registry::auth::{self, Need};
use crate::registry::body;
use crate::registry::problem::{Problem, json_response};
use crate::registry::serve::Peer;
use crate::registry::state::Shared;

/// Counts for every call that begins after the answer. The status that it has is no mistake.
pub(in crate::registry) async fn change(
    State(registry): State<Shared>,
    Extension(peer): Extension<Peer>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    // Whom `--dev` lets issue passports it lets stop them: that gives nobody anything.
    let only_stops = registry.settings.dev && !request.headers().contains_key(AUTHORIZATION);
    let need = if only_stops {
        Need::Nothing
    } else {
        Need::Administrator
    };
    let caller = auth::allow(&registry, request.headers(), peer, need)?;
    let standing = registry.limits.count(caller.subject())?;
    let Path(path) = path.map_err(|_| Problem::invalid("the path is not valid UTF-8"))?;
    let agent = agent_of(&path)?;
    let body = body::object(&registry, request).await?;
    let wanted = body.get("status").cloned().unwrap_or(Value::Null);
    let wanted = serde_json::from_value(wanted)
        .ok()
        .filter(|status| *status != PassportStatus::Draft)
        .ok_or_else(|| Problem::invalid("`status` must be `active`, `suspended` or `revoked`"))?;
    if only_stops && wanted != PassportStatus::Suspended {
        return Err(Problem::unauthorized(
            "without an administrator's key `--dev` lets passports be suspended, and no more",
        ));
    }
    let answer = off_the_runtime(registry, move |registry| {
        let store = Store::new(registry.passports.clone());
        let locked = store.lock().map_err(unwritable)?;
        let document = store.find(&agent).map_err(unwritable)?;
        let document = document.ok_or_else(|| unknown(&agent))?;
        let before = document.passport().status();
        if before != wanted {
            if !before.can_become(wanted) {
                return Err(Problem::conflict(format!(
                    "a passport that is {before} cannot become {wanted}"
                )));
            }
            let changed = document.with([("status", wanted.as_str().into())]);
            let changed = changed.map_err(super::invalid)?;
            locked.put(&agent, &changed).map_err(unwritable)?;
            tracing::info!(%agent, %before, status = %wanted, "passport status changed");
        }
        Ok(json!({
            "agent_id": agent, "status": wanted, "before": before, "changed": before != wanted,
        }))
    })
    .await?;
    let mut response = json_response(StatusCode::OK, &answer);
    if let Some(standing) = standing {
        response.extensions_mut().insert(standing);
    }
    Ok(response)
}
