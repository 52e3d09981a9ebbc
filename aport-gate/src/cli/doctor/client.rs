//! An entry of an MCP client's configuration: what the client will start, and with which variables.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::filled::{Filled, filled, workspace};
use super::launch::Launch;
use super::reader::Reader;
use super::secrets::{Secrets, is_secret, password};
use super::variables::Variables;
use super::{Check, jsonc, program};
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
    let Chosen {
        name,
        entry,
        reader,
        inputs,
        problems,
    } = choose(path, wanted)?;
    let mut checks = vec![Check::good(
        "client",
        format!("entry `{name}` of `{}`", path.display()),
    )];
    checks.extend(problems);
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
    if let Some(kind) = entry.get("type").and_then(Value::as_str)
        && kind != "stdio"
    {
        let found = format!("its `type` is `{kind}`, which needs a `url`, and it has a `command`");
        let next = "write `stdio` as its `type`, or the server's `url` instead of its `command`";
        checks.push(Check::bad("client", found).next(next));
    }
    let workspace = workspace(path);
    let mut client = Client {
        reader,
        inputs,
        workspace,
        checks,
        obstacle: None,
        taken: Vec::new(),
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
    client.checks.extend(unbound(&variables));
    let secrets = Secrets::of(
        variables
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str()?))),
        &arguments,
        &client.taken,
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

/// The entry that is meant, and what is known of who reads it.
struct Chosen {
    name: String,
    entry: Map<String, Value>,
    reader: Reader,
    inputs: Vec<String>,
    /// What is wrong with the file.
    problems: Vec<Check>,
}

fn choose(path: &Path, wanted: Option<&str>) -> Result<Chosen, Failure> {
    let unusable = |problem: &str| {
        Failure::file("use the client's configuration", path, problem)
            .hint("see the configurations in `examples/clients`")
    };
    let bytes = file::read(path)?;
    let strict = serde_json::from_slice::<Value>(&bytes);
    let is_strict = strict.is_ok();
    let value = strict
        .or_else(|_| serde_json::from_str(&jsonc::plain(&String::from_utf8_lossy(&bytes))))
        .map_err(|error| unusable(&error.to_string()))?;
    let (key, servers) = ["mcpServers", "servers"]
        .into_iter()
        .find_map(|key| Some((key, value.get(key)?.as_object()?)))
        .ok_or_else(|| unusable("it has neither `mcpServers` nor `servers`"))?;
    let reader = Reader::of(path, key);
    let mut problems = Vec::new();
    if let Some(right) = reader.key()
        && right != key
    {
        let found = format!(
            "{} reads `{right}`, and this file has `{key}`",
            reader.name()
        );
        problems.push(Check::bad("client", found).next(format!("rename `{key}` to `{right}`")));
    }
    if !is_strict && reader != Reader::VsCode {
        let found =
            "it has comments or trailing commas, which VS Code reads and other clients do not";
        let check = if reader == Reader::Unknown {
            Check::doubtful("client", found)
        } else {
            Check::bad("client", found)
        };
        problems.push(check.next("remove them"));
    }
    let inputs = value.get("inputs").and_then(Value::as_array);
    let inputs = inputs.into_iter().flatten();
    let inputs = inputs.filter_map(|input| input.get("id")?.as_str().map(str::to_owned));
    let ours = |entry: &Value| {
        let text = entry.to_string();
        text.contains("APORT_") || text.contains("aport")
    };
    let mut found: Vec<(&String, &Value)> = match wanted {
        Some(wanted) => servers.iter().filter(|(name, _)| *name == wanted).collect(),
        None if servers.len() == 1 => servers.iter().collect(),
        None => servers.iter().filter(|(_, entry)| ours(entry)).collect(),
    };
    match (found.pop(), found.is_empty()) {
        (Some((name, Value::Object(entry))), true) => Ok(Chosen {
            name: name.clone(),
            entry: entry.clone(),
            reader,
            inputs: inputs.collect(),
            problems,
        }),
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
    reader: Reader,
    /// What it asks for: the ids of `inputs`.
    inputs: Vec<String>,
    workspace: Option<PathBuf>,
    checks: Vec<Check>,
    /// Why it cannot be started here.
    obstacle: Option<String>,
    /// What it took from its environment.
    taken: Vec<String>,
}

impl Client {
    fn cannot_start(&mut self, why: impl Into<String>) {
        self.obstacle.get_or_insert(why.into());
    }

    /// What the client makes of a text that stands at this place.
    fn filled(&mut self, place: &str, text: &str) -> Filled {
        self.asks_for(place, text);
        if self.reader == Reader::Unknown && text.contains("${") && !text.contains("${input:") {
            let found = format!(
                "whether `${{…}}` in {place} is filled in depends on the client, which the file's name does not tell"
            );
            self.checks.push(Check::doubtful("client", found).next("Claude Code fills in `${NAME}`, VS Code `${env:NAME}` and `${userHome}`, Claude Desktop and Cline nothing: for those write the value itself"));
        }
        let workspace = self.workspace.as_deref();
        let found = filled(text, self.reader, workspace, &mut self.taken);
        if let Filled::Never(form) = &found {
            let found = format!(
                "{place} has `{form}`, which {} does not fill in",
                self.reader.name()
            );
            self.checks
                .push(Check::bad("client", found).next(self.reader.instead()));
        }
        found
    }

    /// An input that is nowhere asked for.
    fn asks_for(&mut self, place: &str, text: &str) {
        for named in text.split("${input:").skip(1) {
            let id = named.split('}').next().unwrap_or_default();
            if self.reader == Reader::VsCode && !self.inputs.iter().any(|input| input == id) {
                let found =
                    format!("{place} is asked for as `{id}`, and `inputs` has no such `id`");
                self.checks.push(Check::bad("client", found).next(format!(
                    "add an input with the `id` `{id}`, or correct the name"
                )));
            }
        }
    }

    async fn program(&mut self, named: &str) -> Option<PathBuf> {
        let Filled::Is(command) = self.filled("`command`", named) else {
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
            match self.filled("`args`", text) {
                Filled::Is(text) => arguments.push(text),
                Filled::Asked => self.cannot_start("the client asks for one of its `args` first"),
                Filled::Not | Filled::Never(_) => arguments.push(text.to_owned()),
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
        match self.filled("`cwd`", named) {
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
        if given.is_none() && entry.get("env").is_some_and(|env| !env.is_null()) {
            let found = "`env` is no object, so no client passes it on";
            let next = "write names and values: { \"NAME\": \"value\" }";
            self.checks.push(Check::bad("client", found).next(next));
        }
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
            match self.filled(name, text) {
                Filled::Is(text) => variables.push((name.clone(), text.into())),
                Filled::Asked => {
                    let found =
                        format!("{name} is asked for by the client, so it is not looked at here");
                    self.checks.push(Check::good("client", found));
                    self.cannot_start(format!("the client asks for {name} first"));
                }
                // The same text that the server would get.
                Filled::Not | Filled::Never(_) => variables.push((name.clone(), text.into())),
            }
        }
        variables
    }
}

/// Over standard input and output nothing but a variable can prove who calls.
fn unbound(variables: &[(String, OsString)]) -> Option<Check> {
    let value = |wanted: &str| {
        let found = variables.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value)
    };
    let is_secure = value("APORT_SECURITY").is_some_and(|security| security == "secure");
    (is_secure && value("APORT_AGENT_ID").is_none()).then(|| {
        let found = "APORT_SECURITY is `secure` and no APORT_AGENT_ID says who calls: every gated call would be refused";
        Check::doubtful("variable", found).next("add the agent's APORT_AGENT_ID to `env`")
    })
}

fn is_option(argument: &str, option: &str) -> bool {
    argument
        .strip_prefix(option)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}
