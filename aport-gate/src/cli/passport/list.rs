//! `passport list`.

use aport_gate_oap::{Passport, PassportStatus};
use serde_json::{Value, json};

use super::store::Store;
use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

pub(super) fn run(store: &Store, output: &mut Output) -> Result<Verdict, Failure> {
    let all = store.all()?;
    if output.is_json() {
        let list: Vec<Value> = all
            .iter()
            .map(|(path, document)| match document {
                Ok(document) => {
                    let passport = document.passport();
                    json!({
                        "agent_id": passport.agent_id(), "status": passport.status(),
                        "assurance_level": passport.assurance_level(), "owner_id": passport.owner_id(),
                        "kept_back": store.kept_back(passport.agent_id()),
                        "expires_at": passport.expires_at().map(|time| time.to_string()),
                        "capabilities": passport.capabilities(), "digest": passport.digest(),
                        "file": path.display().to_string(),
                    })
                }
                Err(problem) => json!({ "file": path.display().to_string(), "problem": problem }),
            })
            .collect();
        output.value(&json!({ "passports": list }));
        return Ok(Verdict::Good);
    }
    let rows: Vec<Vec<String>> = all
        .iter()
        .filter_map(|(_, document)| document.as_ref().ok())
        .map(|document| {
            let passport = document.passport();
            vec![
                passport.agent_id().to_string(),
                state(store, passport),
                passport.assurance_level().to_string(),
                passport.owner_id().to_owned(),
                passport
                    .expires_at()
                    .map_or_else(|| "never".to_owned(), |time| time.to_string()),
                passport.capabilities().join(", "),
            ]
        })
        .collect();
    if all.is_empty() {
        eprintln!("no passports yet; next: aport-gate passport issue --help");
        return Ok(Verdict::Good);
    }
    if !rows.is_empty() {
        output.table(
            &[
                "AGENT",
                "STATUS",
                "LEVEL",
                "OWNER",
                "EXPIRES",
                "CAPABILITIES",
            ],
            &rows,
        );
    }
    for (path, document) in &all {
        if let Err(problem) = document {
            eprintln!("warning: `{}` cannot be used: {problem}", path.display());
        }
    }
    Ok(Verdict::Good)
}

/// An active passport may allow nothing all the same.
fn state(store: &Store, passport: &Passport) -> String {
    let status = passport.status();
    let is_kept_back = || store.kept_back(passport.agent_id()).is_some();
    if status == PassportStatus::Active && is_kept_back() {
        format!("{status}, kept back")
    } else {
        status.to_string()
    }
}
