//! `doctor`: whether a server could start and decide here, and what to do if not.

mod client;
mod environment;
mod home;
#[cfg(feature = "http")]
mod http;
mod ledger;
mod passports;
mod program;
#[cfg(feature = "registry")]
mod registry;
mod tokens;
mod variables;

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::Verdict;
use super::environment::Environment;
use super::failure::Failure;
use super::output::{Output, Tone, one_line};
use variables::Variables;

/// Check a set-up and say what to do: programs, environment, home, passports, packs, tokens, ledger, clock,
/// and in registry mode whether the registry can be reached and knows this server and its agent.
///
/// It looks at the environment of this shell. What a client starts may get another one: with
/// `--client` it looks at what stands in that client's configuration.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Configuration of an MCP client, such as `claude_desktop_config.json` or `.vscode/mcp.json`.
    #[arg(long, value_name = "FILE")]
    client: Option<PathBuf>,
    /// Its entry, where it has several that could be meant.
    #[arg(long, value_name = "NAME", requires = "client")]
    entry: Option<String>,
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
        let variables = match &self.client {
            None => {
                checks.extend(program::server().await);
                Some(Variables::of_process())
            }
            Some(path) => {
                let entry = client::entry(path, self.entry.as_deref()).await?;
                checks.extend(entry.checks);
                entry.variables
            }
        };
        if let Some(variables) = &variables {
            checks.extend(environment::checks(variables));
            checks.extend(surroundings(variables).await);
        }
        #[cfg(feature = "http")]
        checks.extend(self.http.checks().await);
        Ok(checks)
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
