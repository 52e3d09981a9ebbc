//! `server.json`: how an MCP registry tells clients of the bundle.

use serde_json::{Value, json};
use url::Url;

/// The version of the schema that this was written by.
const SCHEMA: &str = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json";

/// The entry for a bundle with this hash, at this place.
pub(super) fn document(place: &Url, sha256: &str) -> Value {
    json!({
        "$schema": SCHEMA,
        "name": "io.github.aport-gate/aport-gate-server",
        "title": "aport-gate",
        "description": "Refunds and merges behind a policy gate: nothing runs without an allow decision",
        "version": env!("CARGO_PKG_VERSION"),
        "repository": { "url": env!("CARGO_PKG_REPOSITORY"), "source": "github" },
        "packages": [{
            "registryType": "mcpb",
            "identifier": place,
            "fileSha256": sha256,
            "transport": { "type": "stdio" },
        }],
    })
}
