//! The bytes of an answer, read so that no two readers can understand them differently.

use serde_json::{Map, Value};

use super::attempts::told;
use super::error::RegistryError;
use super::exchange::Reply;

/// Fields of a decision that a server may repeat beside a nested one.
const REPEATED: [&str; 18] = [
    "decision_id",
    "policy_id",
    "agent_id",
    "passport_id",
    "owner_id",
    "assurance_level",
    "allow",
    "outcome",
    "created_at",
    "issued_at",
    "expires_in",
    "expires_at",
    "passport_digest",
    "policy_hash",
    "context_digest",
    "tool",
    "kid",
    "signature",
];

/// What a server says, not yet believed.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// The decision as a document: what a signature is over.
    pub(super) document: Map<String, Value>,
    /// The document to the letter, where it holds a secret of this server: only its signature may be looked at.
    pub(super) as_sent: Option<Map<String, Value>>,
    /// The same, with what only stands beside it: a word there must not be passed over.
    pub(super) whole: Map<String, Value>,
}

impl Answer {
    /// Both shapes: the decision itself, or `{"decision": {…}}`.
    ///
    /// # Errors
    /// [`RegistryError::Answer`] when it is no JSON object, [`RegistryError::Decision`] when it says two things.
    pub(super) fn read(reply: &Reply) -> Result<Self, RegistryError> {
        if !reply.is_utf8() {
            return Err(RegistryError::Answer("it is not UTF-8".to_owned()));
        }
        let sent = reply
            .as_sent()
            .map_err(|error| RegistryError::Answer(format!("as JSON: {error}")))?;
        let Some(clean) = reply.without_secrets(&sent) else {
            return Self::of(sent);
        };
        let mut answer = Self::of(clean)?;
        // It is over what was replaced.
        for field in ["kid", "signature"] {
            answer.document.remove(field);
            answer.whole.remove(field);
        }
        answer.as_sent = Some(Self::of(sent)?.document);
        Ok(answer)
    }

    fn of(value: Value) -> Result<Self, RegistryError> {
        let Value::Object(mut outer) = value else {
            return Err(RegistryError::Answer("it is not a JSON object".to_owned()));
        };
        let document = match outer.remove("decision") {
            None => outer.clone(),
            Some(Value::Object(document)) => document,
            Some(_) => {
                return Err(RegistryError::Decision(
                    "`decision` is not an object".to_owned(),
                ));
            }
        };
        let mut whole = document.clone();
        agree(&mut whole, &outer, "what stands beside it")?;
        // Where a registry of ours has the whole decision for a client of the older shape.
        let meta = outer.get("_meta").and_then(|meta| meta.get("decision"));
        if let Some(Value::Object(told)) = meta {
            agree(&mut whole, told, "`_meta.decision`")?;
        }
        if whole.get("allow") == Some(&Value::Bool(true)) {
            denies_nothing(&outer)?;
            denies_nothing(&document)?;
        }
        Ok(Self {
            document,
            as_sent: None,
            whole,
        })
    }
}

/// Adds what is repeated elsewhere in an answer, where all of it says the same.
fn agree(
    whole: &mut Map<String, Value>,
    told: &Map<String, Value>,
    place: &str,
) -> Result<(), RegistryError> {
    for field in REPEATED {
        let Some(told) = told.get(field) else {
            continue;
        };
        match whole.get(field) {
            Some(said) if said != told => {
                return Err(RegistryError::Decision(format!(
                    "`{field}` in the decision and in {place} differ"
                )));
            }
            Some(_) => {}
            None => {
                whole.insert(field.to_owned(), told.clone());
            }
        }
    }
    Ok(())
}

/// An allow in an answer that says it failed is none: one of the two was put there by mistake, or by somebody.
fn denies_nothing(answer: &Map<String, Value>) -> Result<(), RegistryError> {
    let contradicted = |field: &str| {
        let problem = format!("it allows, but `{field}` says that it failed");
        Err(RegistryError::Decision(problem))
    };
    for field in ["success", "valid"] {
        match answer.get(field) {
            None | Some(Value::Null | Value::Bool(true)) => {}
            Some(_) => return contradicted(field),
        }
    }
    match answer.get("error") {
        None | Some(Value::Null | Value::Bool(false)) => Ok(()),
        Some(Value::String(text)) if text.is_empty() => Ok(()),
        Some(_) => contradicted("error"),
    }
}

/// Whether an answer whose status is that of a failure is a denial with all that belongs to one.
pub(super) fn is_denial(reply: &Reply) -> bool {
    (400..500).contains(&reply.status)
        && Answer::read(reply).is_ok_and(|answer| {
            let text = |field| answer.whole.get(field).and_then(Value::as_str);
            let reasons = answer.whole.get("reasons").and_then(Value::as_array);
            answer.whole.get("allow") == Some(&Value::Bool(false))
                && text("decision_id").is_some()
                && reasons.is_some_and(|reasons| !reasons.is_empty())
        })
}

/// The answer, if its status is one under which there can be a decision.
///
/// # Errors
/// What the status means. Under one of failure an allow is no allow.
pub(super) fn accepted(reply: &Reply) -> Result<Answer, RegistryError> {
    let status = reply.status;
    match status {
        200 => Answer::read(reply),
        _ if is_denial(reply) => Answer::read(reply),
        300..=399 => Err(RegistryError::Redirected(status)),
        401 | 403 => Err(RegistryError::Unauthorized {
            status,
            told: told(reply),
        }),
        408 | 429 | 500..=599 => Err(RegistryError::Unavailable {
            status,
            told: told(reply),
        }),
        _ => Err(RegistryError::Refused {
            status,
            told: told(reply),
        }),
    }
}
