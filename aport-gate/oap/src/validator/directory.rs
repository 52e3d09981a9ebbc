//! The directory that a command runs in.

use super::path::Path;
use super::{Call, Failure, place};
use crate::reason::shown;
use serde_json::Value;

pub(super) const DIRECTORIES: [&str; 8] = [
    "allowed_directories",
    "allowed_working_directories",
    "allowed_dirs",
    "allowed_cwd",
    "working_directories",
    "blocked_directories",
    "blocked_working_directories",
    "blocked_dirs",
];

pub(super) const OTHERWISE: &str = "allowed_paths";

/// The directory, in one of those that the passport lists, if it lists any.
pub(super) fn working_directory(call: &Call<'_>) -> Result<(), Failure> {
    let (allowed_names, blocked_names) = DIRECTORIES.split_at(5);
    let allowed = call.limit_list(allowed_names)?;
    let blocked = call.limit_list(blocked_names)?.unwrap_or_default();
    let Some((field, raw)) = call.text(&["cwd", "working_directory", "workdir"])? else {
        return Ok(());
    };
    let path = Path::read(field, raw)?;
    for entry in blocked {
        if place::is_blocked(call, entry, &path)? {
            let text = format!(
                "`{field}` {} is in the blocked `{entry}`",
                shown(&raw.into())
            );
            return Err(Failure::of(field, raw, text).with_limit(entry));
        }
    }
    // Under a capability that runs commands, paths without a further word are those to run them in.
    let allowed = match allowed {
        None => call.limit_list(&[OTHERWISE])?,
        listed => listed,
    };
    let Some(allowed) = allowed else {
        return call.demand(&|name| DIRECTORIES.contains(&name));
    };
    for entry in &allowed {
        if place::covers(call, entry, &path)? {
            return Ok(());
        }
    }
    let list = Value::from(allowed);
    let text = format!(
        "`{field}` {} is not in {}",
        shown(&raw.into()),
        shown(&list)
    );
    Err(Failure::of(field, raw, text).with_limit(list))
}
