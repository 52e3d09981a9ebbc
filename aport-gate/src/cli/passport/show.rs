//! `passport show`.

use aport_gate_oap::AgentId;
use serde_json::{Value, json};

use super::status::tone;
use super::store::Store;
use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, one_line};

pub(super) fn run(store: &Store, agent: &AgentId, output: &mut Output) -> Result<Verdict, Failure> {
    let document = store.get(agent)?;
    let passport = document.passport();
    let file = store.path(agent).display().to_string();
    let kept_back = store.kept_back(agent);
    if output.is_json() {
        output.value(&json!({
            "agent_id": agent, "file": file, "digest": passport.digest(), "kept_back": kept_back,
            "passport": document.map(),
        }));
        return Ok(Verdict::Good);
    }
    let status = output.tone(tone(passport.status()), passport.status());
    let expires = passport
        .expires_at()
        .map_or_else(|| "never".to_owned(), |time| time.to_string());
    output.fields(&[
        ("agent", agent.to_string()),
        ("status", status),
        (
            "in force",
            kept_back.map_or_else(|| "yes".to_owned(), |why| format!("no: {}", one_line(&why))),
        ),
        ("expires", expires),
        ("digest", passport.digest().to_string()),
        ("file", file),
    ]);
    output.line("");
    output.text(&format!("{:#}", Value::Object(document.map().clone())));
    Ok(Verdict::Good)
}
