//! The states of a passport, and the ways between them.

use aport_gate_oap::{AgentId, PassportStatus};
use serde_json::json;

use super::store::Store;
use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Tone};

/// What an operator does to a passport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Suspend,
    Resume,
    Revoke,
}

impl Change {
    fn to(self) -> PassportStatus {
        match self {
            Self::Suspend => PassportStatus::Suspended,
            Self::Resume => PassportStatus::Active,
            Self::Revoke => PassportStatus::Revoked,
        }
    }

    /// Why this change cannot be made from this state.
    fn refused_from(self, from: PassportStatus) -> Option<&'static str> {
        match (from, self) {
            (PassportStatus::Revoked, Self::Suspend | Self::Resume) => {
                Some("it is revoked, which is final; issue a passport of another id")
            }
            (PassportStatus::Draft, Self::Suspend) => {
                Some("it is a draft, which allows nothing; revoke it, or leave it")
            }
            _ => None,
        }
    }
}

/// The word that documents have for a state.
pub(super) fn word(status: PassportStatus) -> &'static str {
    match status {
        PassportStatus::Draft => "draft",
        PassportStatus::Active => "active",
        PassportStatus::Suspended => "suspended",
        PassportStatus::Revoked => "revoked",
    }
}

pub(super) fn tone(status: PassportStatus) -> Tone {
    match status {
        PassportStatus::Active => Tone::Good,
        PassportStatus::Draft => Tone::Doubtful,
        PassportStatus::Suspended | PassportStatus::Revoked => Tone::Bad,
    }
}

/// Changes the state. Asking for the state it has is no mistake: who suspends in an emergency wants
/// it suspended.
pub(super) fn change(
    store: &Store,
    agent: &AgentId,
    change: Change,
    output: &mut Output,
) -> Result<Verdict, Failure> {
    let locked = store.lock()?;
    let document = store.get(agent)?;
    let (from, to) = (document.passport().status(), change.to());
    if let Some(problem) = change.refused_from(from) {
        return Err(Failure::new(format!(
            "the passport of `{agent}` cannot become {}: {problem}",
            word(to)
        )));
    }
    let changed = from != to;
    if changed {
        let document = document
            .with([("status", word(to).into())])
            .map_err(Failure::new)?;
        locked.put(agent, &document)?;
    }
    if output.is_json() {
        output.value(&json!({
            "agent_id": agent, "status": word(to), "before": word(from), "changed": changed,
        }));
    } else {
        let state = output.tone(tone(to), word(to));
        output.line(if changed {
            format!("{agent} is {state} (was {})", word(from))
        } else {
            format!("{agent} is {state} already")
        });
    }
    Ok(Verdict::Good)
}
