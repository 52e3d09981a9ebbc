//! Environment variables of commands.

use super::{Call, Failure, pattern};
use crate::reason::shown;
use serde_json::Value;

pub(super) const LIMITS: [&str; 6] = [
    "blocked_env_vars",
    "blocked_environment_variables",
    "blocked_env",
    "allowed_env_vars",
    "allowed_environment_variables",
    "allowed_env",
];

/// Variables that make another program run than the one that was approved.
const TAKES_OVER: [&str; 55] = [
    "path",
    "pathext",
    "comspec",
    "ifs",
    "env",
    "bash_env",
    "bashopts",
    "shellopts",
    "prompt_command",
    "ps4",
    "shell",
    "editor",
    "visual",
    "pager",
    "browser",
    "ld_*",
    "dyld_*",
    "gconv_path",
    "node_options",
    "node_path",
    "pythonpath",
    "pythonstartup",
    "pythonhome",
    "pythoninspect",
    "perl5opt",
    "perl5lib",
    "perllib",
    "rubyopt",
    "rubylib",
    "java_tool_options",
    "_java_options",
    "jdk_java_options",
    "git_ssh*",
    "git_exec_path",
    "git_config*",
    "git_external_diff",
    "git_askpass",
    "git_editor",
    "git_sequence_editor",
    "git_pager",
    "git_proxy_command",
    "git_template_dir",
    "ssh_askpass",
    "sudo_askpass",
    "lessopen",
    "lessclose",
    "manpager",
    "rustc_wrapper",
    "rustc_workspace_wrapper",
    "makeflags",
    "gnumakeflags",
    "npm_config_script_shell",
    "zdotdir",
    "rsync_rsh",
    "bash_func_*",
];

pub(super) fn check(call: &Call<'_>) -> Result<(), Failure> {
    let blocked = call.limit_list(&LIMITS[..3])?;
    let allowed = call.limit_list(&LIMITS[3..])?;
    let variables = match call.field("env") {
        None => return Ok(()),
        Some(Value::Object(variables)) => variables,
        Some(_) => return Err(Failure::Fault("`context.env` must be an object".to_owned())),
    };
    for (name, value) in variables {
        let field = format!("env.{name}");
        // A value may be a secret; it is not repeated.
        let refuse = |why: String| {
            let text = format!(
                "environment variable `{}` {why}",
                shown(&name.as_str().into())
            );
            Failure::of(&field, name.as_str(), text)
        };
        let Some(value) = value.as_str() else {
            let message = format!(
                "`context.env.{}` must be a string",
                shown(&name.as_str().into())
            );
            return Err(Failure::Fault(message));
        };
        let odd = |c: char| c.is_control() || c == '=' || c.is_whitespace();
        if name.is_empty() || name.chars().any(odd) || value.contains('\0') {
            return Err(refuse("has a malformed name or value".to_owned()));
        }
        if value.trim_start().starts_with("() {") {
            return Err(refuse("holds a shell function".to_owned()));
        }
        if let Some(entry) = listed(call, blocked.as_deref().unwrap_or_default(), name)? {
            return Err(refuse(format!("is blocked by `{entry}`")).with_limit(entry));
        }
        let named = listed(call, allowed.as_deref().unwrap_or_default(), name)?;
        if named.is_none() && listed(call, &TAKES_OVER, name)?.is_some() {
            return Err(refuse("can make another program run".to_owned()));
        }
        if let Some(allowed) = allowed.as_ref().filter(|_| named.is_none()) {
            let list = Value::from(allowed.clone());
            return Err(refuse(format!("is not one of {}", shown(&list))).with_limit(list));
        }
    }
    Ok(())
}

/// Whether a variable that a command sets for itself is harmless.
pub(super) fn is_safe(call: &Call<'_>, name: &str) -> Result<bool, Failure> {
    let blocked = call.limit_list(&LIMITS[..3])?.unwrap_or_default();
    Ok(listed(call, &TAKES_OVER, name)?.is_none() && listed(call, &blocked, name)?.is_none())
}

fn listed<'e>(
    call: &Call<'_>,
    entries: &[&'e str],
    name: &str,
) -> Result<Option<&'e str>, Failure> {
    let name = name.to_lowercase();
    for entry in entries {
        if pattern::wild(call, &entry.trim().to_lowercase(), &name)? {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}
