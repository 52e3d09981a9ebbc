//! An entry of an MCP client's configuration: what the client will start, and with which variables.

use std::ffi::OsString;
use std::path::Path;

use serde_json::{Map, Value};

use super::variables::Variables;
use super::{Check, program};
use crate::cli::failure::Failure;
use crate::cli::file;

/// What was found, and the variables that the server will get; none where no server is started.
pub(super) struct Entry {
    pub(super) checks: Vec<Check>,
    pub(super) variables: Option<Variables>,
}

/// Reads the configuration of Claude Desktop, Claude Code and Cline (`mcpServers`), or of VS Code
/// (`servers`).
///
/// # Errors
/// It cannot be read, or does not say which entry is meant.
pub(super) async fn entry(path: &Path, wanted: Option<&str>) -> Result<Entry, Failure> {
    let (name, entry) = choose(path, wanted)?;
    let mut checks = vec![Check::good(
        "client",
        format!("entry `{name}` of `{}`", path.display()),
    )];
    for key in ["autoApprove", "alwaysAllow"] {
        let tools = entry.get(key).and_then(Value::as_array);
        if tools.is_some_and(|tools| !tools.is_empty()) {
            let found = format!("`{key}` lets tools run without asking a person");
            checks.push(Check::doubtful("client", found).next(format!("make `{key}` empty: []")));
        }
    }
    let Some(command) = entry.get("command").and_then(Value::as_str) else {
        checks.push(match entry.get("url").and_then(Value::as_str) {
            Some(url) if cfg!(feature = "http") => Check::good(
                "client",
                format!("it names a URL: `aport-gate doctor --http {url}` asks the server there"),
            ),
            Some(_) => Check::good(
                "client",
                "it names a URL: run `aport-gate doctor` where that server runs",
            ),
            None => Check::bad("client", "the entry has neither `command` nor `url`")
                .next("add the server's `command`"),
        });
        return Ok(Entry {
            checks,
            variables: None,
        });
    };
    match filled(command) {
        Filled::Is(command) => checks.push(program::command(&command).await),
        Filled::Asked | Filled::Not => checks.push(Check::doubtful(
            "command",
            format!("`{command}` is filled in by the client only"),
        )),
    }
    let variables = variables(&entry, &mut checks);
    Ok(Entry {
        checks,
        variables: Some(variables),
    })
}

fn choose(path: &Path, wanted: Option<&str>) -> Result<(String, Map<String, Value>), Failure> {
    let unusable = |problem: &str| {
        Failure::file("use the client's configuration", path, problem)
            .hint("see the configurations in `examples/clients`")
    };
    let value: Value = serde_json::from_slice(&file::read(path)?).map_err(|error| {
        unusable(&format!(
            "{error}; comments and trailing commas are not read"
        ))
    })?;
    let servers = ["mcpServers", "servers"]
        .into_iter()
        .find_map(|key| value.get(key)?.as_object())
        .ok_or_else(|| unusable("it has neither `mcpServers` nor `servers`"))?;
    let ours = |entry: &Value| {
        let text = entry.to_string();
        text.contains("APORT_") || text.contains("aport")
    };
    let mut found: Vec<(&String, &Value)> = match wanted {
        Some(wanted) => servers.iter().filter(|(name, _)| *name == wanted).collect(),
        None => servers.iter().filter(|(_, entry)| ours(entry)).collect(),
    };
    match (found.pop(), found.is_empty()) {
        (Some((name, Value::Object(entry))), true) => Ok((name.clone(), entry.clone())),
        (Some((name, _)), true) => Err(unusable(&format!("entry `{name}` is not an object"))),
        _ => {
            let names: Vec<&str> = servers.keys().map(String::as_str).collect();
            Err(Failure::file(
                "tell which entry is meant in",
                path,
                format!("it has {}", names.join(", ")),
            )
            .hint("name one with `--entry`"))
        }
    }
}

fn variables(entry: &Map<String, Value>, checks: &mut Vec<Check>) -> Variables {
    let mut variables: Vec<(String, OsString)> = Vec::new();
    let given = entry.get("env").and_then(Value::as_object);
    for (name, value) in given.into_iter().flatten() {
        let Some(text) = value.as_str() else {
            let found = format!("{name} is not text, so no client passes it on");
            checks.push(Check::bad("client", found).next("write its value as text"));
            continue;
        };
        if name == "APORT_API_KEY" && !text.contains("${") {
            checks.push(
                Check::doubtful("client", "APORT_API_KEY is in the file in plain text").next(
                    "let the client ask for it or take it from its environment: see `examples/clients`",
                ),
            );
        }
        match filled(text) {
            Filled::Is(text) => variables.push((name.clone(), text.into())),
            Filled::Asked => checks.push(Check::good(
                "client",
                format!("{name} is asked for by the client, so it is not looked at here"),
            )),
            // The same text that the server would get.
            Filled::Not => variables.push((name.clone(), text.into())),
        }
    }
    variables.into_iter().collect()
}

/// A value after what clients fill in.
enum Filled {
    Is(String),
    /// The client asks a person for it.
    Asked,
    /// Some `${…}` that has no value here.
    Not,
}

/// Fills in what VS Code (`${userHome}`, `${env:NAME}`, `${input:…}`) and Claude Code (`${NAME}`,
/// `${NAME:-default}`) do.
fn filled(text: &str) -> Filled {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else {
            return Filled::Not;
        };
        if name.starts_with("input:") {
            return Filled::Asked;
        }
        let name = name.strip_prefix("env:").unwrap_or(name);
        let (name, default) = name
            .split_once(":-")
            .map_or((name, None), |(name, default)| (name, Some(default)));
        let value = match name {
            "userHome" => etcetera::home_dir()
                .ok()
                .map(|home| home.to_string_lossy().into_owned()),
            "/" | "pathSeparator" => Some(std::path::MAIN_SEPARATOR.to_string()),
            name => std::env::var(name).ok(),
        };
        let Some(value) = value.or_else(|| default.map(str::to_owned)) else {
            return Filled::Not;
        };
        whole.push_str(before);
        whole.push_str(&value);
        rest = after;
    }
    whole.push_str(rest);
    Filled::Is(whole)
}
