//! What a chat model says and hears, whoever's it is.

use serde_json::{Map, Value};

/// A tool as it is offered to a model.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    /// Name that the model may call it by.
    pub(super) name: String,
    pub(super) description: String,
    /// JSON schema of its arguments.
    pub(super) schema: Value,
}

/// One turn of a model.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// What it says to the user.
    pub(super) text: String,
    /// Calls it wants made. Each needs a result before its next turn.
    pub(super) calls: Vec<Wanted>,
    pub(super) end: End,
}

/// Why a turn ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum End {
    /// It has said what it had to say.
    #[default]
    Done,
    /// It waits for results.
    Calls,
    /// It wants to go on by itself.
    Paused,
    /// It was cut off: no call in it is whole for certain.
    CutOff,
    /// It will not answer, with its words if it has any.
    Refused(String),
}

/// A call that a model wants made.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Names the call; the result has to carry it.
    pub(super) id: String,
    pub(super) name: String,
    /// The arguments, or what is wrong with them.
    pub(super) arguments: Result<Map<String, Value>, String>,
}

/// An id for a call that came without one, as some gateways send them: the result has to name its call.
pub(super) fn made_up_id(messages: usize, position: usize) -> String {
    format!("call_{messages}_{position}")
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    pub(super) id: String,
    /// An object that a model can read and act on.
    pub(super) content: Value,
    pub(super) is_error: bool,
}

/// Says to a model what it is here for.
pub(super) const SYSTEM: &str = "You do a user's task with tools that stand behind a policy gate. \
Each result is a JSON object with a `status`. `ok`: it was done. `denied`: it was not done; `reasons` say which value \
was wrong and what would pass, and `what_to_do` says whether other arguments can pass. Adjust only within what the user \
wants, never split or disguise a request to get round a limit, and tell the user what was denied and why. `failed` or \
`not_called`: read the message. `repeat_of`: it is the result of that earlier call, and was not done again. `unknown`: nobody knows whether it was done; do not call that tool again, tell the user.";
