//! The bundle's manifest (MCPB 0.3).

use std::env::consts::EXE_SUFFIX;

use serde_json::{Map, Value, json};

use crate::bundled::FIELDS;

/// Where the server lies in the bundle.
pub(super) fn entry_point() -> String {
    format!("server/aport-gate-server{EXE_SUFFIX}")
}

/// What a client reads of the bundle before it starts anything.
pub(super) fn manifest() -> Value {
    let handed_over: Map<String, Value> = FIELDS
        .iter()
        .map(|field| (field.handed_over_as(), field.placeholder().into()))
        .collect();
    let tools: Vec<Value> = crate::tools()
        .list_all()
        .into_iter()
        .map(|tool| json!({ "name": tool.name, "description": tool.description }))
        .collect();
    json!({
        "manifest_version": "0.3",
        "name": "aport-gate",
        "display_name": "aport-gate",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Refunds and merges behind a policy gate: nothing runs without an allow decision",
        "author": { "name": env!("CARGO_PKG_AUTHORS") },
        "repository": { "type": "git", "url": env!("CARGO_PKG_REPOSITORY") },
        "license": env!("CARGO_PKG_LICENSE"),
        "server": {
            "type": "binary",
            "entry_point": entry_point(),
            "mcp_config": {
                "command": format!("${{__dirname}}/{}", entry_point()),
                "args": ["--bundled"],
                "env": handed_over,
            },
        },
        "tools": tools,
        "compatibility": { "platforms": [platform()] },
        "user_config": form(),
    })
}

/// A bundle holds one program, so it is for one kind of machine.
fn platform() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    }
}

/// What the client asks its user.
fn form() -> Value {
    json!({
        "mode": {
            "type": "string", "title": "Mode",
            "description": "`local`: passports and caps are on this machine. `registry`: a registry decides. Blank: \
                            the registry, if one is given below.",
            "required": false,
        },
        "base_url": {
            "type": "string", "title": "Registry",
            "description": "Base URL of the registry, in registry mode, such as https://api.aport.io",
            "required": false,
        },
        "api_key": {
            "type": "string", "title": "API key",
            "description": "Key for the registry, if it asks for one",
            "sensitive": true, "required": false,
        },
        "agent_id": {
            "type": "string", "title": "Agent",
            "description": "Agent that every call is made as, such as ap_support_bot. Blank: each call has to name one.",
            "required": false,
        },
        "home": {
            "type": "directory", "title": "Folder",
            "description": "Folder of passports, packs and the audit trail. Blank: the one in your user folder.",
            "required": false,
        },
    })
}
