//! `doctor`: whether a server could start and decide here, and what to do if not.

mod client;
mod environment;
mod filled;
mod heard;
mod home;
#[cfg(feature = "http")]
mod http;
mod jsonc;
mod late;
mod launch;
mod ledger;
mod passports;
mod processes;
mod program;
mod reader;
#[cfg(feature = "registry")]
mod registry;
mod secrets;
mod start;
mod tokens;
mod variables;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::Verdict;
use super::environment::Environment;
use super::failure::Failure;
use super::output::{Output, Tone, one_line};
use launch::Launch;
use variables::Variables;

/// Check a set-up and say what to do: programs, environment, home, passports, packs, tokens, ledger, clock,
/// and in registry mode whether the registry can be reached and knows this server and its agent.
///
/// It looks at the environment of this shell. What a client starts may get another one: with
/// `--client` it looks at what stands in that client's configuration, and starts the server as the
/// client would: that program, with these arguments and variables. It asks for its tools, calls
/// none, and ends it. What a start makes, such as the ledger, is made. With `--no-start` the file is
/// read, and nothing of it is started but `aport-gate-server --version`.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Configuration of an MCP client, such as `claude_desktop_config.json` or `.vscode/mcp.json`.
    #[arg(long, value_name = "FILE")]
    client: Option<PathBuf>,
    /// Its entry, where it has several that could be meant.
    #[arg(long, value_name = "NAME", requires = "client")]
    entry: Option<String>,
    /// Do not start the server of that entry.
    #[arg(long, requires = "client")]
    no_start: bool,
    /// How long the server of that entry has until it has told its tools.
    #[arg(long, value_name = "SECONDS", default_value = "20", requires = "client", value_parser = clap::value_parser!(u32).range(1..=600))]
    start_timeout: u32,
    #[cfg(feature = "http")]
    #[command(flatten)]
    http: http::Asked,
}

/// How one check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Good,
    /// Works, but is probably not what was meant.
    Doubtful,
    /// A server does not start, or refuses calls.
    Bad,
}

/// One thing that was looked at.
struct Check {
    health: Health,
    /// What was looked at.
    subject: String,
    /// What was found.
    found: String,
    /// What to do.
    next: Option<String>,
}

impl Check {
    fn new(health: Health, subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            health,
            subject: subject.into(),
            found: found.into(),
            next: None,
        }
    }

    fn good(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(Health::Good, subject, found)
    }

    fn doubtful(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(Health::Doubtful, subject, found)
    }

    fn bad(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(Health::Bad, subject, found)
    }

    fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    fn is_bad(&self) -> bool {
        self.health == Health::Bad
    }

    fn is_good(&self) -> bool {
        self.health == Health::Good
    }

    fn print(&self, output: &mut Output) {
        let word = match self.health {
            Health::Good => output.tone(Tone::Good, "ok  "),
            Health::Doubtful => output.tone(Tone::Doubtful, "warn"),
            Health::Bad => output.tone(Tone::Bad, "FAIL"),
        };
        output.line(format_args!(
            "{word}  {:12}  {}",
            one_line(&self.subject),
            one_line(&self.found)
        ));
        if let Some(next) = &self.next {
            output.line(format_args!("      {:12}  next: {}", "", one_line(next)));
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "subject": self.subject, "found": self.found, "next": self.next,
            "health": match self.health {
                Health::Good => "ok",
                Health::Doubtful => "warning",
                Health::Bad => "failed",
            },
        })
    }
}

impl Doctor {
    pub(super) async fn run(&self, output: &mut Output) -> Result<Verdict, Failure> {
        let checks = output.during("looking at the set-up", self.look()).await?;
        let failed = checks.iter().any(|check| check.health == Health::Bad);
        if output.is_json() {
            let checks: Vec<Value> = checks.iter().map(Check::to_json).collect();
            output.value(&json!({ "ok": !failed, "checks": checks }));
        } else {
            for check in &checks {
                check.print(output);
            }
        }
        Ok(if failed { Verdict::Bad } else { Verdict::Good })
    }

    async fn look(&self) -> Result<Vec<Check>, Failure> {
        let mut checks = vec![program::own()];
        let (variables, launch) = match &self.client {
            None => {
                checks.extend(program::server().await);
                (Some(Variables::of_process()), None)
            }
            Some(path) => {
                let entry = client::entry(path, self.entry.as_deref()).await?;
                checks.extend(entry.checks);
                let server = entry.server;
                server.map_or((None, None), |server| {
                    (Some(server.variables), Some(server.launch))
                })
            }
        };
        if let Some(variables) = &variables {
            checks.extend(environment::checks(variables));
            checks.extend(surroundings(variables).await);
        }
        // Last: a start makes what is not there yet, such as the ledger.
        if let Some(launch) = launch {
            let started = self.start(launch, &checks).await;
            checks.extend(started);
        }
        #[cfg(feature = "http")]
        checks.extend(self.http.checks().await);
        Ok(checks)
    }

    /// The server of a client's configuration, unless that could only show what is known already.
    async fn start(&self, launch: Result<Launch, String>, known: &[Check]) -> Vec<Check> {
        let stops = |check: &&Check| {
            check.is_bad()
                && matches!(
                    &*check.subject,
                    "command" | "args" | "cwd" | "client" | "environment"
                )
        };
        let why_not = match (launch, known.iter().find(stops)) {
            _ if self.no_start => "as `--no-start` asks".to_owned(),
            (_, Some(check)) => format!(
                "what is wrong with its {} has to be corrected first",
                check.subject
            ),
            (Err(obstacle), None) => obstacle,
            (Ok(launch), None) => {
                let within = Duration::from_secs(self.start_timeout.into());
                return start::checks(&launch, within).await;
            }
        };
        let found = format!("not started: {why_not}; whether it serves is not known");
        vec![Check::good("start", found)]
    }
}

/// What a server with these variables would work with.
async fn surroundings(variables: &Variables) -> Vec<Check> {
    let environment = match Environment::of(|name| variables.get(name).cloned()) {
        Ok(environment) => environment,
        Err(failure) => {
            return vec![
                Check::bad("environment", failure.to_string())
                    .next("correct the variable; nothing else can be looked at before"),
            ];
        }
    };
    let mut checks = home::checks(&environment);
    checks.extend(tokens::checks(&environment));
    #[cfg(feature = "registry")]
    checks.extend(registry::checks(&environment).await);
    checks.extend(ledger::checks(&environment).await);
    checks
}
