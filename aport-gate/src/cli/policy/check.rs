//! `policy check`.

use std::path::PathBuf;

use aport_gate_oap::{Pack, Severity};
use clap::Args;
use serde_json::{Value, json};

use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::file;
use crate::cli::output::{Output, Tone, counted};

/// Report everything wrong with pack files, with line and column.
///
/// An error keeps the pack from loading, or makes every decision under it a deny. A warning is
/// something that is probably not what was meant.
#[derive(Debug, Args)]
pub(in crate::cli) struct Check {
    /// Pack files.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Fail on warnings as well.
    #[arg(long)]
    strict: bool,
}

impl Check {
    pub(super) fn run(&self, output: &mut Output) -> Result<Verdict, Failure> {
        let mut verdict = Verdict::Good;
        let mut reports: Vec<Value> = Vec::new();
        let mut checked = Vec::new();
        for path in &self.files {
            checked.push((path.display().to_string(), Pack::check(&file::read(path)?)));
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
            output.line(format_args!("{name}: {said}"));
        }
        if output.is_json() {
            output.value(&json!({ "ok": verdict == Verdict::Good, "files": reports }));
        }
        Ok(verdict)
    }
}
