//! Which calls cannot execute twice.
//!
//! After a lost answer nobody knows whether a call ran. It is sent again only where a second execution is
//! impossible, or without effect, by the word of the server itself: its pack allows one call per idempotency
//! key, or it annotates the tool as one that changes nothing or nothing further. A server that lies about
//! its own tools could as well run a body twice for one call; a server that is merely careless with
//! annotations is why they can be left out of account.

use rmcp::model::JsonObject;
use serde_json::Value;

use super::listing::ListedTool;

/// Argument that carries an idempotency key where a listing names none.
const KEY_ARGUMENT: &str = "idempotency_key";

/// The argument in which a tool takes an idempotency key.
pub(super) fn key_argument(tool: &ListedTool) -> Option<&str> {
    let field = consumed(tool).unwrap_or(KEY_ARGUMENT);
    tool.has_argument(field).then_some(field)
}

/// The idempotency key in the arguments. Of a tool that is not listed, by the name that such an argument has.
pub(super) fn key_in(tool: Option<&ListedTool>, arguments: &JsonObject) -> Option<String> {
    let field = tool.and_then(consumed).unwrap_or(KEY_ARGUMENT);
    let key = arguments.get(field)?.as_str()?;
    (!key.is_empty()).then(|| key.to_owned())
}

/// The context field of which the pack allows each value once, where an argument is what the rules see of it.
fn consumed(tool: &ListedTool) -> Option<&str> {
    let policy = tool.policy.as_ref()?;
    let field = policy.idempotency.as_deref()?;
    let is_argument = !policy.mapped.iter().any(|mapped| mapped == field);
    is_argument.then_some(field)
}

/// Whether the gate refuses a second call with the key in these arguments.
pub(super) fn is_keyed(tool: Option<&ListedTool>, arguments: &JsonObject) -> bool {
    let field = tool.and_then(consumed);
    let key = field
        .and_then(|field| arguments.get(field))
        .and_then(Value::as_str);
    key.is_some_and(|key| !key.is_empty())
}

/// Whether a second execution of the call is impossible or without effect.
pub(super) fn cannot_execute_twice(
    tool: Option<&ListedTool>,
    arguments: &JsonObject,
    trusts_annotations: bool,
) -> bool {
    is_keyed(tool, arguments) || (trusts_annotations && tool.is_some_and(is_harmless))
}

fn is_harmless(tool: &ListedTool) -> bool {
    let Some(hints) = &tool.tool.annotations else {
        return false;
    };
    hints.read_only_hint == Some(true) || hints.idempotent_hint == Some(true)
}
