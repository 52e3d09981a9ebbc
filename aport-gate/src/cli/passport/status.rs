//! The states of a passport, and the ways between them.

use aport_gate_oap::{AgentId, PassportStatus};
use serde_json::json;

use super::store::Store;
use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Tone, one_line};

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

    /// Why this change cannot be made from this state, if it cannot.
    fn refused_from(self, from: PassportStatus) -> Option<&'static str> {
        if from == self.to() || from.can_become(self.to()) {
            return None;
        }
        Some(match from {
            PassportStatus::Revoked => {
                "it is revoked, which is final; issue a passport of another id"
            }
            PassportStatus::Draft => "it is a draft, which allows nothing; revoke it, or leave it",
            PassportStatus::Active | PassportStatus::Suspended => "no passport goes this way",
        })
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
            to
        )));
    }
    let changed = from != to;
    if changed {
        let document = document
            .with([("status", to.as_str().into())])
            .map_err(Failure::new)?;
        locked.put(agent, &document)?;
    }
    if to == PassportStatus::Active
        && let Some(why) = store.kept_back(agent)
    {
        eprintln!(
            "warning: `{agent}` is not in force all the same: {}",
            one_line(&why)
        );
    }
    if output.is_json() {
        output.value(&json!({
            "agent_id": agent, "status": to, "before": from, "changed": changed,
        }));
    } else {
        let state = output.tone(tone(to), to);
        output.line(if changed {
            format!("{agent} is {state} (was {})", from)
        } else {
            format!("{agent} is {state} already")
        });
    }
    Ok(Verdict::Good)
}
