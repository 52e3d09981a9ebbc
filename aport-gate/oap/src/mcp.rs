//! The passport's MCP allowlist: servers and tools that a call may use.

use crate::reason::{shown, stage};
use crate::{Pack, Passport, Reason, Request};
use serde_json::Value;

/// What an allowlist may list, and the names under which it does. Where more than one of them is there, a call has to
/// be on each.
pub(crate) const LISTS: [(&str, [&str; 2]); 2] = [
    ("tool", ["tools", "allowed_tools"]),
    ("server", ["servers", "allowed_servers"]),
];

/// Most names of a kind that one call may use, and most of them that a denial names. How many there are is the
/// caller's choice.
const MOST_NAMES: usize = 1000;
const MOST_REASONS: usize = 20;

/// What is used and not on the allowlist, if the pack asks for it and the passport has one: `mcp`, or
/// `metadata.mcp`, with the lists `servers` and `tools`. A kind without a list is not restricted; a malformed
/// list lists nothing.
pub(crate) fn unlisted(pack: &Pack, request: &Request<'_>, passport: &Passport) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if !pack.asks_allowlist() || !passport.has_allowlist() {
        return reasons;
    }
    // A pack about MCP calls as such has the server and its tool as fields of their own.
    let calls = pack.declares_field("server") && pack.declares_field("tool");
    for allowlist in allowlists(passport.as_value()) {
        for (kind, names) in LISTS {
            let lists: Vec<Option<&Value>> = match allowlist.as_object() {
                Some(map) => names
                    .iter()
                    .filter_map(|name| map.get(*name))
                    .map(Some)
                    .collect(),
                None => vec![None],
            };
            if lists.is_empty() {
                continue;
            }
            let mut used: Vec<String> = Vec::new();
            if kind == "tool" {
                used.extend(request.tool.map(str::to_owned));
            }
            let own = calls.then(|| kind.to_owned());
            for field in [format!("mcp_{kind}"), format!("mcp_{kind}s")]
                .into_iter()
                .chain(own)
            {
                match request.context.get(&field) {
                    Some(Value::Array(items)) => used.extend(items.iter().map(shown)),
                    Some(Value::Null) | None => {}
                    Some(other) => used.push(shown(other)),
                }
            }
            if used.len() > MOST_NAMES {
                let message = format!(
                    "{} MCP {kind}s are named; at most {MOST_NAMES} are looked for on an allowlist",
                    used.len()
                );
                reasons.push(stage("oap.mcp_not_allowed", message));
                continue;
            }
            let covered = |list: &Option<&Value>, name: &str| {
                let items = list.and_then(Value::as_array);
                items.is_some_and(|items| items.iter().any(|entry| covers(entry, name)))
            };
            used.retain(|name| !lists.iter().all(|list| covered(list, name)));
            for name in used.iter().take(MOST_REASONS) {
                let message = format!("MCP {kind} `{name}` is not on the passport's allowlist");
                reasons.push(stage("oap.mcp_not_allowed", message));
            }
            if let Some(more @ 1..) = used.len().checked_sub(MOST_REASONS) {
                let message =
                    format!("{more} more MCP {kind}s are not on the passport's allowlist");
                reasons.push(stage("oap.mcp_not_allowed", message));
            }
        }
    }
    reasons
}

impl Pack {
    /// Whether decisions under this pack depend on the tool that is called: the pack asks for the passport's MCP
    /// allowlist, and the passport has one that lists tools.
    #[must_use]
    pub fn asks_tool(&self, passport: &Passport) -> bool {
        let [(_, names), _] = LISTS;
        let lists =
            |list: &Value| !list.is_object() || names.iter().any(|name| list.get(*name).is_some());
        self.asks_allowlist() && allowlists(passport.as_value()).any(lists)
    }
}

/// The allowlists of a passport's document.
pub(crate) fn allowlists(passport: &Value) -> impl Iterator<Item = &Value> {
    let metadata = passport
        .get("metadata")
        .and_then(|metadata| metadata.get("mcp"));
    let found = [passport.get("mcp"), metadata].into_iter().flatten();
    found.filter(|list| !list.is_null())
}

/// The very name, or all names that begin as an entry with a final `*` does. Whether a URL ends in a slash
/// makes no other server.
fn covers(entry: &Value, name: &str) -> bool {
    let Some(entry) = entry.as_str() else {
        return false;
    };
    match entry.strip_suffix('*') {
        Some(start) if !start.contains("://") || start.matches('/').count() > 2 => {
            name.starts_with(start)
        }
        // `https://mcp.example*` would take in `https://mcp.example.evil`.
        Some(_) => false,
        None => {
            entry == name
                || (entry.contains("://")
                    && entry.trim_end_matches('/') == name.trim_end_matches('/'))
        }
    }
}
