//! `policy list`.

use serde_json::{Value, json};

use super::source::{origin, set};
use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, counted};

pub(super) fn run(output: &mut Output) -> Result<Verdict, Failure> {
    let packs = set()?;
    if output.is_json() {
        let list: Vec<Value> = packs
            .iter()
            .map(|loaded| {
                let pack = loaded.pack();
                let problems: Vec<Value> = pack
                    .problems()
                    .into_iter()
                    .map(|problem| json!({ "rule": problem.rule, "message": problem.message }))
                    .collect();
                json!({
                    "id": pack.id(), "name": pack.name(), "digest": pack.digest(),
                    "origin": origin(loaded.origin()), "rules": pack.rules().len(),
                    "problems": problems, "operator_options": loaded.operator_options(),
                })
            })
            .collect();
        output.value(&json!({ "packs": list }));
        return Ok(Verdict::Good);
    }
    let rows: Vec<Vec<String>> = packs
        .iter()
        .map(|loaded| {
            let pack = loaded.pack();
            let mut remarks = Vec::new();
            let problems = pack.problems().len();
            if problems > 0 {
                remarks.push(format!(
                    "denies all: {}",
                    counted(problems, "unevaluable rule")
                ));
            }
            if let Some(options) = loaded.operator_options() {
                if !options.waived_rules.is_empty() {
                    remarks.push(format!("waived: {}", options.waived_rules.join(", ")));
                }
                if options.absent.is_some() {
                    remarks.push("reading of absent fields changed".to_owned());
                }
            }
            vec![
                pack.id().to_string(),
                pack.rules().len().to_string(),
                origin(loaded.origin()),
                pack.name().to_owned(),
                remarks.join("; "),
            ]
        })
        .collect();
    output.table(&["PACK", "RULES", "ORIGIN", "NAME", "REMARKS"], &rows);
    Ok(Verdict::Good)
}
