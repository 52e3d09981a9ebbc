//! `GET /api/passports/{id}/verify_view`: what a policy looks at, for everybody.

use aport_gate_oap::Passport;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, ETAG, HeaderValue, IF_NONE_MATCH};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::{agent_of, unknown};
use crate::registry::auth::{self, Need};
use crate::registry::problem::{Problem, for_anybody, json_response};
use crate::registry::serve::Peer;
use crate::registry::state::Shared;

/// What of a passport is shown: no contact, no links, nothing of its own making.
const SHOWN: [&str; 13] = [
    "kind",
    "spec_version",
    "owner_id",
    "owner_type",
    "limits",
    "regions",
    "parent_agent_id",
    "template_id",
    "not_before",
    "expires_at",
    "created_at",
    "updated_at",
    "version",
];

pub(in crate::registry) async fn show(
    State(registry): State<Shared>,
    Extension(peer): Extension<Peer>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let caller = auth::allow(&registry, request.headers(), peer, Need::Nothing)?;
    let standing = registry.limits.count(caller.subject())?;
    let Path(path) = path.map_err(|_| Problem::invalid("the path is not valid UTF-8"))?;
    let agent = agent_of(&path)?;
    let passport = registry.verifier.passport(&agent)?;
    let passport = passport.ok_or_else(|| unknown(&agent))?;
    let tag = tag(&passport);
    let known = request.headers().get(IF_NONE_MATCH);
    let known = known.and_then(|known| known.to_str().ok());
    let is_known = known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag));
    let mut response = if is_known {
        let mut unchanged = Response::default();
        *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
        unchanged
    } else {
        json_response(StatusCode::OK, &Value::Object(view(&passport)))
    };
    let headers = response.headers_mut();
    // A suspension must have counted everywhere after 30 s.
    let cache = HeaderValue::from_static("public, max-age=10");
    headers.insert(CACHE_CONTROL, cache);
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    if let Some(standing) = standing {
        response.extensions_mut().insert(standing);
    }
    Ok(for_anybody(response))
}

fn tag(passport: &Passport) -> String {
    let stopped = passport
        .parent_status()
        .map_or("", |status| status.as_str());
    format!("\"{}{stopped}\"", passport.digest())
}

fn view(passport: &Passport) -> Map<String, Value> {
    let document = passport.as_value();
    let shown = |field: &&str| Some(((*field).to_owned(), document.get(*field)?.clone()));
    let mut view: Map<String, Value> = SHOWN.iter().filter_map(shown).collect();
    // Entry by entry: one that is listed twice has to be met twice.
    let entries = document.get("capabilities").and_then(Value::as_array);
    let capability = |(id, entry): (&String, &Value)| match entry.get("params") {
        Some(params) if params.is_object() => json!({ "id": id, "params": params }),
        _ => json!({ "id": id }),
    };
    let ids = passport.capabilities().iter();
    let capabilities: Vec<Value> = ids
        .zip(entries.into_iter().flatten())
        .map(capability)
        .collect();
    for (field, value) in [
        ("agent_id", json!(passport.agent_id())),
        ("passport_id", json!(passport.agent_id())),
        ("status", json!(passport.status())),
        ("assurance_level", json!(passport.assurance_level())),
        ("capabilities", Value::Array(capabilities)),
        ("passport_digest", json!(passport.digest())),
    ] {
        view.insert(field.to_owned(), value);
    }
    if let Some(status) = passport.parent_status() {
        view.insert("parent_status".to_owned(), json!(status));
    }
    view
}
