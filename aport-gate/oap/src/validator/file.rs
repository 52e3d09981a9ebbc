//! Reading and writing files.

use super::path::Path;
use super::{Call, Failure, Validator, place, secret};
use crate::condition::explain::Finding;
use crate::reason::shown;
use serde_json::Value;

const FIELDS: [&str; 4] = ["file_path", "path", "filename", "file_name"];
pub(super) const PATH_LIMITS: [&str; 3] = ["allowed_paths", "blocked_patterns", "blocked_paths"];
pub(super) const CREATE_LIMITS: [&str; 4] = [
    "allow_create_dirs",
    "create_dirs_allowed",
    "allow_create_directories",
    "allow_directory_creation",
];

/// No secrets, none of the passport's blocked patterns, and truly within the allowed paths.
pub(super) fn read_path(call: &Call<'_>) -> Result<(), Failure> {
    let (field, raw, path) = the_path(call)?;
    if let Some(what) = secret::secret(&path) {
        return Err(blocked(field, raw, &what));
    }
    listed(call, field, raw, &path)
}

/// As for reading, and nothing of the system's own.
pub(super) fn write_path(call: &Call<'_>) -> Result<(), Failure> {
    let (field, raw, path) = the_path(call)?;
    if let Some(what) = place::system(&path).or_else(|| secret::secret(&path)) {
        return Err(blocked(field, raw, &what));
    }
    listed(call, field, raw, &path)
}

fn the_path<'a>(call: &Call<'a>) -> Result<(&'static str, &'a str, Path), Failure> {
    let (field, raw) = call
        .text(&FIELDS)?
        .ok_or_else(|| Failure::missing_field("file_path"))?;
    Ok((field, raw, Path::read(field, raw)?))
}

fn blocked(field: &str, raw: &str, pattern: &str) -> Failure {
    let text = format!(
        "`{field}` {} matches the blocked `{pattern}`",
        shown(&raw.into())
    );
    Failure::of(field, raw, text).with_limit(pattern)
}

fn listed(call: &Call<'_>, field: &str, raw: &str, path: &Path) -> Result<(), Failure> {
    let patterns = call.limit_list(&["blocked_patterns", "blocked_paths"])?;
    for pattern in patterns.unwrap_or_default() {
        if place::is_blocked(call, pattern, path)? {
            return Err(blocked(field, raw, pattern));
        }
    }
    // Published packs compare with `startsWith` and `includes`, which `/workspace-other` and
    // `/x/workspace/` pass. Where an allowlist is set, the path has to lie in it.
    let Some(allowed) = call.limit_list(&["allowed_paths"])? else {
        return Ok(());
    };
    for entry in &allowed {
        if place::covers(call, entry, path)? {
            return Ok(());
        }
    }
    let list = Value::from(allowed);
    let text = format!(
        "`{field}` {} is not in {}",
        shown(&raw.into()),
        shown(&list)
    );
    Err(Failure::of(field, raw, text)
        .with_limit(list)
        .with_code("oap.path_not_allowed"))
}

/// The ending of the file's name, with or without its dot, in any case; `tar.gz` works.
pub(super) fn extension(call: &Call<'_>) -> Result<(), Failure> {
    let allowed = call.limit_list(&["allowed_extensions"])?;
    let blocked = call.limit_list(&["blocked_extensions"])?;
    if allowed.is_none() && blocked.is_none() {
        return call.demand(&|name| name.ends_with("_extensions"));
    }
    let (field, raw, path) = match the_path(call) {
        // What is wrong with the path is not its ending, and the rule about paths says it.
        Err(Failure::Denied(_))
            if [Validator::ReadPath, Validator::WritePath]
                .iter()
                .any(|rule| call.asks(*rule)) =>
        {
            return Ok(());
        }
        read => read?,
    };
    let names: Vec<&str> = path
        .name()
        .split(':')
        .take(1)
        .chain([path.name()])
        .collect();
    let ends = |entry: &&str| {
        let bare = entry
            .trim()
            .trim_start_matches('*')
            .trim_start_matches('.')
            .to_lowercase();
        !bare.is_empty() && names.iter().all(|name| name.ends_with(&format!(".{bare}")))
    };
    let any = |entry: &&str| matches!(entry.trim(), "*" | ".*" | "*.*");
    let has = names
        .first()
        .is_some_and(|name| name.trim_start_matches('.').contains('.'));
    let shown_name = match path.name().rsplit_once('.') {
        Some((stem, ending)) if has || !stem.is_empty() => format!(".{ending}"),
        _ => "(none)".to_owned(),
    };
    if let Some(entry) = blocked.iter().flatten().find(|entry| ends(entry)) {
        let text = format!(
            "`{field}` {} has the blocked extension `{entry}`",
            shown(&raw.into())
        );
        return Err(Failure::of(field, raw, text).with_limit(*entry));
    }
    let Some(allowed) = allowed else {
        return Ok(());
    };
    let bare = |entry: &&str| !has && matches!(entry.trim(), "" | "none" | "(none)");
    if allowed
        .iter()
        .any(|entry| any(entry) || ends(entry) || bare(entry))
    {
        return Ok(());
    }
    let list = Value::from(allowed);
    let text = format!(
        "extension {shown_name} of `{field}` is not one of {}",
        shown(&list)
    );
    Err(Failure::denied(Finding {
        field: Some(field.to_owned()),
        actual: Some(shown_name.into()),
        limit: Some(list),
        text: Some(text),
        ..Finding::default()
    }))
}

/// Directories are not made where the passport forbids it. Whether the parent exists only the tool's server
/// knows; it may say so in the fact `parent_exists`.
pub(super) fn parent_directory(call: &Call<'_>) -> Result<(), Failure> {
    let facts = [
        "parent_exists",
        "parent_directory_exists",
        "parent_dir_exists",
    ];
    let mut exists = None;
    for fact in facts {
        if call.scene_has(fact) {
            exists = call.flag(fact)?;
        }
    }
    let create = call.flag("create_dirs")?.unwrap_or(false);
    let allowed = call.limit_flag(&CREATE_LIMITS)?;
    match (exists, create, allowed) {
        (Some(true), ..) | (None, false, _) | (_, true, Some(true)) => Ok(()),
        (Some(false), false, _) => {
            let text =
                "the parent directory does not exist and `create_dirs` is not set".to_owned();
            Err(Failure::of("create_dirs", false, text))
        }
        // As everywhere, a limit that is not set does not restrict.
        (_, true, None) => call.demand(&|name| CREATE_LIMITS.contains(&name)),
        (_, true, Some(false)) => {
            let name = CREATE_LIMITS.first().copied().unwrap_or_default();
            let text = format!("`create_dirs` is set, and `limits.{name}` is false");
            Err(Failure::of("create_dirs", true, text).with_limit(false))
        }
    }
}
