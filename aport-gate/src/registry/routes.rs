//! Which path is answered by whom.

use axum::Router;
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, patch, post};

use super::auth::{self, Need};
use super::problem::{self, Problem};
use super::serve::Peer;
use super::state::Shared;
use super::{health, metrics, openapi, origin, outcome, passports, published_keys, tokens, verify};

pub(super) fn router(registry: Shared) -> Router {
    Router::new()
        .route("/api/verify/policy/{pack_id}", post(verify::policy))
        .route("/api/verify/outcome/{decision_id}", post(outcome::report))
        .route("/api/verify/token/validate", post(tokens::validate))
        .route("/api/verify/token/{pack_id}", post(tokens::issue))
        .route("/api/passports", post(passports::issue))
        .route(
            "/api/passports/{agent_id}/verify_view",
            get(passports::show),
        )
        .route(
            "/api/passports/{agent_id}/status",
            patch(passports::change).post(passports::change),
        )
        .route("/jwks.json", get(published_keys::show))
        .route("/.well-known/oap/jwks.json", get(published_keys::show))
        .route("/openapi.json", get(openapi::show))
        .route("/health", get(health::alive))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(show_metrics))
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(from_fn_with_state(registry.clone(), origin::guard))
        .layer(from_fn(problem::describe))
        .layer(from_fn_with_state(registry.clone(), metrics::observe))
        .with_state(registry)
}

/// Pack and key names are nobody else's business.
async fn show_metrics(
    State(registry): State<Shared>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    auth::allow(&registry, &headers, peer, Need::Caller)?;
    metrics::show(State(registry)).await
}
