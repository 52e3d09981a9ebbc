//! Files that are checked, and everything that is wrong with them.

use std::path::PathBuf;

use aport_gate_oap::{Finding, Severity};
use clap::Args;
use serde_json::{Value, json};

use super::Verdict;
use super::failure::Failure;
use super::file;
use super::output::{Output, Tone, counted, one_line};

/// Files to check.
#[derive(Debug, Args)]
pub(super) struct Files {
    /// Files to check.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Fail on warnings as well.
    #[arg(long)]
    strict: bool,
}

impl Files {
    pub(super) fn check(
        &self,
        check: impl Fn(&[u8]) -> Vec<Finding>,
        output: &mut Output,
    ) -> Result<Verdict, Failure> {
        let mut verdict = Verdict::Good;
        let mut reports: Vec<Value> = Vec::new();
        let mut checked = Vec::new();
        for path in &self.files {
            checked.push((path.display().to_string(), check(&file::as_it_is(path)?)));
        }
        for (name, findings) in checked {
            let count = |severity| {
                findings
                    .iter()
                    .filter(|one| one.severity == severity)
                    .count()
            };
            let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
            let good = errors == 0 && (warnings == 0 || !self.strict);
            if !good {
                verdict = Verdict::Bad;
            }
            if output.is_json() {
                reports.push(json!({
                    "file": name, "ok": good, "errors": errors, "warnings": warnings, "findings": findings,
                }));
                continue;
            }
            for finding in &findings {
                output.text(&format!("{name}:{finding}"));
            }
            let said = match (errors, warnings) {
                (0, 0) => output.tone(Tone::Good, "ok"),
                (0, warnings) => output.tone(Tone::Doubtful, counted(warnings, "warning")),
                (errors, 0) => output.tone(Tone::Bad, counted(errors, "error")),
                (errors, warnings) => {
                    let (errors, warnings) =
                        (counted(errors, "error"), counted(warnings, "warning"));
                    output.tone(Tone::Bad, format!("{errors}, {warnings}"))
                }
            };
            output.line(format_args!("{}: {said}", one_line(&name)));
        }
        if output.is_json() {
            output.value(&json!({ "ok": verdict == Verdict::Good, "files": reports }));
        }
        Ok(verdict)
    }
}
