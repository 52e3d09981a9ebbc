//! `doctor`: whether a server could start and decide here, and what to do if not.

mod environment;
mod home;
mod ledger;

use serde_json::{Value, json};

use super::Verdict;
use super::environment::Environment;
use super::failure::Failure;
use super::output::{Output, Tone, one_line};

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

pub(super) async fn run(output: &mut Output) -> Result<Verdict, Failure> {
    let mut checks = vec![Check::good(
        "version",
        format!(
            "aport-gate {} on {} {}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH
        ),
    )];
    checks.extend(environment::checks());
    match Environment::read() {
        Err(failure) => checks.push(
            Check::bad("environment", failure.to_string())
                .next("correct the variable; nothing else can be looked at before"),
        ),
        Ok(environment) => {
            checks.extend(home::checks(&environment));
            checks.extend(ledger::checks(&environment).await);
        }
    }
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
