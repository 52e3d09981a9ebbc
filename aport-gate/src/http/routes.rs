//! Which path is answered by whom.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::routing::{any, get};

use super::front::{self, Front};
use super::problem::{self, Problem};
use super::{cors, framing, health, host, metrics, oauth};

/// Where MCP is spoken.
pub(super) const MCP_PATH: &str = "/mcp";

pub(super) fn router(front: Arc<Front>) -> Router {
    Router::new()
        .route(MCP_PATH, any(front::mcp))
        .route("/.well-known/oauth-protected-resource", get(oauth::show))
        .route(
            "/.well-known/oauth-protected-resource/{*path}",
            get(oauth::show),
        )
        .route_layer(from_fn_with_state(Arc::clone(&front), host::guard))
        .route_layer(from_fn_with_state(Arc::clone(&front), cors::guard))
        // Probes ask under whatever name they know, and learn nothing.
        .route("/health", get(health::alive))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show))
        .fallback(no_such_path)
        .layer(from_fn(framing::guard))
        .layer(map_response(problem::protect))
        .with_state(front)
}

async fn no_such_path() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "there is no such path; MCP is at `/mcp`",
    )
}
