//! `policy show`.

use aport_gate_oap::{Absent, Rule};
use clap::Args;
use serde_json::json;

use super::source::source;
use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, one_line};

/// Show what a pack asks for and by which rules it decides.
#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    /// The pack: the id of one that servers decide by, or a file.
    #[arg(value_name = "PACK")]
    pack: String,
}

impl Show {
    pub(super) fn run(&self, output: &mut Output) -> Result<Verdict, Failure> {
        let found = source(&self.pack)?;
        let pack = &found.pack;
        if output.is_json() {
            output.value(&json!({
                "id": pack.id(), "digest": pack.digest(), "origin": found.origin,
                "operator_options": found.options, "pack": pack.as_value(),
            }));
            return Ok(Verdict::Good);
        }
        let capabilities: Vec<String> = pack
            .requires_capabilities()
            .iter()
            .map(|all| all.join(" and "))
            .collect();
        let absent = match pack.absent() {
            Absent::Deny => "denies",
            Absent::Skip => "a rule does not apply",
        };
        output.fields(&[
            ("pack", pack.id().to_string()),
            ("name", one_line(pack.name())),
            ("capabilities", one_line(&capabilities.join(", or "))),
            ("assurance", format!("{} or higher", pack.min_assurance())),
            ("required", one_line(&pack.required_fields().join(", "))),
            ("absent field", absent.to_owned()),
            ("digest", pack.digest().to_string()),
            ("origin", one_line(&found.origin)),
        ]);
        let rows: Vec<Vec<String>> = pack.rules().iter().map(row).collect();
        output.line("");
        output.table(&["RULE", "DENY CODE", "CONDITION"], &rows);
        for problem in pack.problems() {
            eprintln!(
                "warning: rule `{}` cannot be evaluated, so every decision is a deny: {}",
                one_line(&problem.rule),
                one_line(&problem.message)
            );
        }
        Ok(Verdict::Good)
    }
}

fn row(rule: &Rule) -> Vec<String> {
    let waived = if rule.is_waived() { " (waived)" } else { "" };
    vec![
        format!("{}{waived}", rule.name()),
        rule.deny_code().to_owned(),
        rule.source().to_owned(),
    ]
}
