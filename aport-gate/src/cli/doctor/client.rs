//! An entry of an MCP client's configuration: what the client will start, and with which variables.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::filled::{Filled, filled, workspace};
use super::launch::Launch;
use super::secrets::{Secrets, is_secret, password};
use super::variables::Variables;
use super::{Check, program};
use crate::cli::failure::Failure;
use crate::cli::file;

/// What was found, and the server that the client will start; none where it starts none.
pub(super) struct Entry {
    pub(super) checks: Vec<Check>,
    pub(super) server: Option<Server>,
}

/// A server that the client starts.
pub(super) struct Server {
    /// The variables of the gate.
    pub(super) variables: Variables,
    /// How it is started, or why nobody but the client can.
    pub(super) launch: Result<Launch, String>,
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
    if entry.get("disabled") == Some(&Value::Bool(true)) {
        let found = "the entry is disabled: the client does not start it";
        checks.push(Check::doubtful("client", found).next("remove `disabled`"));
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
            server: None,
        });
    };
    let workspace = workspace(path);
    let mut client = Client {
        workspace,
        checks,
        obstacle: None,
    };
    let program = client.program(command).await;
    let arguments = client.arguments(&entry);
    let folder = client.folder(&entry);
    let variables = client.variables(&entry);
    if entry.contains_key("envFile") {
        client.cannot_start("some of its variables are in `envFile`, which is not read here");
    }
    if let Some(program) = program.as_deref()
        && program::is_our_server(program)
        && arguments
            .iter()
            .any(|argument| is_option(argument, "--http"))
    {
        let found = "with `--http` the server speaks over HTTP, and a client that starts it waits on standard input for ever";
        let next =
            "remove `--http` from `args`, or give the client the server's URL instead of a command";
        client.checks.push(Check::bad("args", found).next(next));
        client.cannot_start("it would not serve this client");
    }
    let secrets = Secrets::of(
        variables
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str()?))),
        &arguments,
    );
    let launch = match (program, client.obstacle) {
        (Some(program), None) => Ok(Launch {
            program,
            arguments,
            variables: variables.clone(),
            folder,
            secrets,
        }),
        (_, obstacle) => {
            Err(obstacle.unwrap_or_else(|| "its `command` has to be corrected first".to_owned()))
        }
    };
    Ok(Entry {
        checks: client.checks,
        server: Some(Server {
            variables: variables.into_iter().collect(),
            launch,
        }),
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

/// An entry as the client reads it.
struct Client {
    workspace: Option<PathBuf>,
    checks: Vec<Check>,
    /// Why it cannot be started here.
    obstacle: Option<String>,
}

impl Client {
    fn cannot_start(&mut self, why: impl Into<String>) {
        self.obstacle.get_or_insert(why.into());
    }

    fn filled(&self, text: &str) -> Filled {
        filled(text, self.workspace.as_deref())
    }

    async fn program(&mut self, named: &str) -> Option<PathBuf> {
        let Filled::Is(command) = self.filled(named) else {
            let found = format!("`{named}` is filled in by the client only");
            self.checks.push(Check::doubtful("command", found.clone()));
            self.cannot_start(found);
            return None;
        };
        let (check, place) = program::command(&command).await;
        if place.is_none() && !check.is_bad() {
            self.cannot_start(check.found.clone());
        }
        self.checks.push(check);
        place
    }

    fn arguments(&mut self, entry: &Map<String, Value>) -> Vec<String> {
        let given = match entry.get("args") {
            None => return Vec::new(),
            Some(Value::Array(given)) => given.clone(),
            Some(_) => {
                let found = "`args` is no list, so no client passes it on";
                self.checks
                    .push(Check::bad("args", found).next("write a list of texts: []"));
                self.cannot_start(found);
                return Vec::new();
            }
        };
        let mut arguments = Vec::new();
        for value in given {
            let Some(text) = value.as_str() else {
                let found = "an entry of `args` is not text, so no client passes it on";
                self.checks
                    .push(Check::bad("args", found).next("write it as text, in quotes"));
                self.cannot_start(found);
                continue;
            };
            match self.filled(text) {
                Filled::Is(text) => arguments.push(text),
                Filled::Asked => self.cannot_start("the client asks for one of its `args` first"),
                Filled::Not => arguments.push(text.to_owned()),
            }
        }
        arguments
    }

    /// Where it starts: the folder that the entry names, or that the client has open; else the user's own, which
    /// is as good as any.
    fn folder(&mut self, entry: &Map<String, Value>) -> Option<PathBuf> {
        let home = || etcetera::home_dir().ok().filter(|home| home.is_dir());
        let Some(named) = entry.get("cwd").and_then(Value::as_str) else {
            return self.workspace.clone().or_else(home);
        };
        match self.filled(named) {
            Filled::Is(folder)
                if Path::new(&folder).is_dir() && Path::new(&folder).is_absolute() =>
            {
                Some(folder.into())
            }
            Filled::Is(folder) if Path::new(&folder).is_absolute() => {
                let found = format!("there is no folder `{folder}`, in which it shall start");
                self.checks
                    .push(Check::bad("cwd", found).next("correct `cwd`, or make the folder"));
                self.cannot_start("its `cwd` has to be corrected first");
                None
            }
            _ => {
                self.cannot_start(format!("only the client knows its folder `{named}`"));
                None
            }
        }
    }

    fn variables(&mut self, entry: &Map<String, Value>) -> Vec<(String, OsString)> {
        let mut variables: Vec<(String, OsString)> = Vec::new();
        let given = entry.get("env").and_then(Value::as_object);
        for (name, value) in given.into_iter().flatten() {
            let Some(text) = value.as_str() else {
                let found = format!("{name} is not text, so no client passes it on");
                self.checks
                    .push(Check::bad("client", found).next("write its value as text"));
                continue;
            };
            if !text.contains("${")
                && !text.is_empty()
                && (is_secret(name) || password(text).is_some())
            {
                let found = format!("{name} is in the file in plain text");
                self.checks.push(Check::doubtful("client", found).next(
                    "let the client ask for it (`inputs` of VS Code, the form of a bundle) or take it from its environment (Claude Code), as in `examples/clients`; where it can do neither, let nobody else read the file",
                ));
            }
            match self.filled(text) {
                Filled::Is(text) => variables.push((name.clone(), text.into())),
                Filled::Asked => {
                    let found =
                        format!("{name} is asked for by the client, so it is not looked at here");
                    self.checks.push(Check::good("client", found));
                    self.cannot_start(format!("the client asks for {name} first"));
                }
                // The same text that the server would get.
                Filled::Not => variables.push((name.clone(), text.into())),
            }
        }
        variables
    }
}

fn is_option(argument: &str, option: &str) -> bool {
    argument
        .strip_prefix(option)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}
