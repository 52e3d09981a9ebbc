//! What the demonstration observed, for people and for machines.

use std::io;

use aport_gate::terminal::is_coloured;
use serde::Serialize;
use serde_json::Value;

use crate::printed;

/// One step: what should happen, what did.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// Short name that does not change between releases.
    pub name: &'static str,
    /// What should happen.
    pub expected: &'static str,
    /// What happened.
    pub observed: String,
    /// Whether the two agree.
    pub ok: bool,
    /// The parts that a program wants.
    pub detail: Value,
}

/// All steps.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Whether every step went as expected.
    pub ok: bool,
    /// The steps in order.
    pub steps: Vec<Step>,
    /// Directory of the run, where it was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
}

/// Writes steps as they come, or the whole report at the end.
#[derive(Debug)]
pub(crate) struct Reporter {
    json: bool,
    colour: bool,
    steps: Vec<Step>,
}

impl Reporter {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            colour: !json && is_coloured(&io::stdout()),
            steps: Vec::new(),
        }
    }

    pub(crate) fn heading(&self, text: &str) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        printed::line(&self.paint("1", text))
    }

    pub(crate) fn step(&mut self, step: Step) -> io::Result<()> {
        if !self.json {
            let (mark, colour) = if step.ok {
                ("ok  ", "32")
            } else {
                ("FAIL", "31")
            };
            let number = self.steps.len() + 1;
            let mark = self.paint(colour, mark);
            let mut text = format!("\n{mark} {number}. {}", step.expected);
            for line in step.observed.lines() {
                text.push_str(&format!("\n       {line}"));
            }
            printed::line(&text)?;
        }
        self.steps.push(step);
        Ok(())
    }

    /// Whether every step went as expected.
    pub(crate) fn finish(self, home: Option<String>) -> io::Result<bool> {
        let ok = !self.steps.is_empty() && self.steps.iter().all(|step| step.ok);
        if self.json {
            let steps = self.steps;
            let report = Report { ok, steps, home };
            printed::line(&serde_json::to_string_pretty(&report)?)?;
            return Ok(ok);
        }
        let verdict = if ok {
            self.paint("1;32", "Every step went as expected.")
        } else {
            self.paint("1;31", "Some steps did not go as expected.")
        };
        printed::line(&format!("\n{verdict}"))?;
        if let Some(home) = home {
            printed::line(&format!("State kept in {home}"))?;
        }
        Ok(ok)
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}
