//! What makes an answer a decision about this very call.

use std::time::Duration;

use aport_gate_oap::{AgentId, AssuranceLevel, Decision, Digest, Outcome, PackId, Reason};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::error::{RegistryError, shown};

/// How far two clocks may be apart.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(60);
/// How long a decision holds that tells when it was made but not until when it holds.
const UNSAID_LIFETIME: u64 = 3600;
/// Longest lifetime that is believed, in seconds.
const LONGEST_LIFETIME: u64 = 10 * 365 * 24 * 3600;
const MOST_REASONS: usize = 50;

/// What was asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) agent: &'a AgentId,
    pub(super) pack: &'a PackId,
    pub(super) tool: Option<&'a str>,
    pub(super) context_digest: Digest,
    pub(super) now: Timestamp,
}

/// The decision of a document.
///
/// # Errors
/// The first thing that is wrong with it: shape, whom and what it is about, time.
pub(super) fn decision(
    document: &Map<String, Value>,
    asked: Asked<'_>,
) -> Result<Decision, RegistryError> {
    let fields = Fields(document);
    let (allow, outcome) = fields.result()?;
    let decision_id = fields.id()?;
    fields.is_about(asked)?;
    let times = fields.times(asked.now)?;
    let reasons = fields.reasons(allow)?;
    let exact = serde_json::from_value::<Decision>(Value::Object(document.clone())).ok();
    if let Some(exact) = exact
        && exact.reasons == reasons
        && serde_json::to_value(&exact).is_ok_and(|same| same.as_object() == Some(document))
    {
        // Nothing is lost in reading it, so its signature stays true.
        return Ok(exact);
    }
    Ok(Decision {
        decision_id,
        policy_id: asked.pack.clone(),
        agent_id: asked.agent.clone(),
        passport_id: fields
            .text("passport_id")
            .and_then(|id| AgentId::parse(id).ok()),
        owner_id: fields.text("owner_id").map(shown),
        assurance_level: fields
            .text("assurance_level")
            .and_then(|level| AssuranceLevel::parse(level).ok()),
        allow,
        outcome,
        reasons,
        created_at: times.created,
        issued_at: times.created,
        expires_in: times.lifetime,
        expires_at: times.expires,
        passport_digest: fields.digest("passport_digest"),
        policy_hash: fields.digest("policy_hash"),
        context_digest: asked.context_digest,
        tool: asked.tool.map(str::to_owned),
        operator_options: None,
        // The signature is over the document as it came, which the audit record keeps.
        kid: None,
        signature: None,
    })
}

/// How long an allow decision may be kept, in the registry's own words: the first end that it names counts.
pub(super) fn lifetime(decision: &Decision, now: Timestamp) -> Duration {
    let length = SignedDuration::from_secs(i64::try_from(decision.expires_in).unwrap_or(i64::MAX));
    let by_length = decision.created_at.checked_add(length);
    let end = decision.expires_at.min(by_length.unwrap_or(Timestamp::MAX));
    Duration::try_from(end.duration_since(now)).unwrap_or_default()
}

struct Fields<'a>(&'a Map<String, Value>);

struct Times {
    created: Timestamp,
    expires: Timestamp,
    lifetime: u64,
}

impl<'a> Fields<'a> {
    fn text(&self, field: &str) -> Option<&'a str> {
        self.0.get(field).and_then(Value::as_str)
    }

    /// A field that may be absent or `null`, but nothing else than text.
    fn optional_text(&self, field: &str) -> Result<Option<&'a str>, RegistryError> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(bad(format!("`{field}` is not text"))),
        }
    }

    fn digest(&self, field: &str) -> Option<Digest> {
        Digest::parse(self.text(field)?).ok()
    }

    /// Only the boolean `true`, with an outcome that permits it, is an allow.
    fn result(&self) -> Result<(bool, Outcome), RegistryError> {
        let allow = match self.0.get("allow") {
            Some(Value::Bool(allow)) => *allow,
            Some(_) => return Err(bad("`allow` is not a boolean")),
            None => return Err(bad("it has no `allow`")),
        };
        let outcome = match self.0.get("outcome") {
            None => None,
            Some(Value::String(outcome)) => Some(outcome.as_str()),
            Some(_) => return Err(bad("`outcome` is not text")),
        };
        match (allow, outcome) {
            (true, None | Some("allow")) => Ok((true, Outcome::Allow)),
            (true, Some("allow_with_warning")) => Ok((true, Outcome::AllowWithWarning)),
            (false, None | Some("deny")) => Ok((false, Outcome::Deny)),
            (false, Some("require_review")) => Ok((false, Outcome::RequireReview)),
            (allow, Some(outcome)) => Err(bad(format!(
                "`allow` is {allow}, but `outcome` is `{}`",
                shown(outcome)
            ))),
        }
    }

    fn id(&self) -> Result<String, RegistryError> {
        match self.text("decision_id") {
            Some(id)
                if (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()) =>
            {
                Ok(id.to_owned())
            }
            Some(_) => Err(bad(
                "`decision_id` is not an id of at most 128 visible characters",
            )),
            None => Err(bad("it has no `decision_id`")),
        }
    }

    fn is_about(&self, asked: Asked<'_>) -> Result<(), RegistryError> {
        if let Some(found) = self.optional_text("policy_id")?
            && found != asked.pack.as_str()
        {
            return Err(RegistryError::WrongPolicy {
                found: shown(found),
                asked: asked.pack.to_string(),
            });
        }
        // The published schema has `passport_id` where its examples have `agent_id`.
        let agent = match self.optional_text("agent_id")? {
            Some(agent) => Some(agent),
            None => self.optional_text("passport_id")?,
        };
        if let Some(found) = agent
            && AgentId::parse(found).as_ref() != Ok(asked.agent)
        {
            return Err(RegistryError::WrongAgent {
                found: shown(found),
                asked: asked.agent.to_string(),
            });
        }
        if let Some(found) = self.optional_text("context_digest")?
            && Digest::parse(found) != Ok(asked.context_digest)
        {
            return Err(RegistryError::WrongRequest(
                "its `context_digest` is another".to_owned(),
            ));
        }
        match (self.optional_text("tool")?, asked.tool) {
            (Some(found), Some(asked)) if found != asked => Err(RegistryError::WrongRequest(
                format!("it is about tool `{}`, not `{asked}`", shown(found)),
            )),
            _ => Ok(()),
        }
    }

    fn times(&self, now: Timestamp) -> Result<Times, RegistryError> {
        let (created, issued) = (self.time("created_at")?, self.time("issued_at")?);
        for made in [created, issued].into_iter().flatten() {
            if made.duration_since(now) > TOLERANCE {
                return Err(RegistryError::NotYetValid(made.to_string()));
            }
        }
        let said = match self.0.get("expires_in") {
            None | Some(Value::Null) => None,
            Some(value) => Some(
                value
                    .as_u64()
                    .ok_or_else(|| bad("`expires_in` is not a whole number of seconds"))?,
            ),
        };
        let made = created.or(issued);
        let lifetime = said.unwrap_or(UNSAID_LIFETIME).min(LONGEST_LIFETIME);
        let end = |made: Timestamp| {
            let lifetime = SignedDuration::from_secs(i64::try_from(lifetime).unwrap_or(i64::MAX));
            made.checked_add(lifetime).unwrap_or(Timestamp::MAX)
        };
        let at = self.time("expires_at")?;
        // All that is said about the end counts, so the first of them does.
        let by_length = (at.is_none() || said.is_some()).then(|| end(made.unwrap_or(now)));
        let expires = [at, by_length].into_iter().flatten().min().unwrap_or(now);
        if now.duration_since(expires) > TOLERANCE {
            return Err(RegistryError::Expired(expires.to_string()));
        }
        let created = made.unwrap_or(now);
        Ok(Times {
            created,
            expires,
            lifetime: u64::try_from(expires.duration_since(created).as_secs()).unwrap_or(0),
        })
    }

    fn time(&self, field: &str) -> Result<Option<Timestamp>, RegistryError> {
        let Some(text) = self.optional_text(field)? else {
            return Ok(None);
        };
        match text.parse() {
            Ok(time) => Ok(Some(time)),
            Err(_) => Err(bad(format!("`{field}` is not a time of RFC 3339"))),
        }
    }

    fn reasons(&self, allow: bool) -> Result<Vec<Reason>, RegistryError> {
        let given = match self.0.get("reasons") {
            None | Some(Value::Null) => &[][..],
            Some(Value::Array(given)) => given,
            Some(_) => return Err(bad("`reasons` is not a list")),
        };
        let mut reasons = Vec::new();
        for reason in given.iter().take(MOST_REASONS) {
            let text = |field| reason.get(field).and_then(Value::as_str);
            let code = text("code").ok_or_else(|| bad("a reason has no `code`"))?;
            reasons.push(Reason {
                code: shown(code),
                message: text("message").map(line).unwrap_or_default(),
                details: reason
                    .get("details")
                    .and_then(|details| serde_json::from_value(details.clone()).ok()),
            });
        }
        if reasons.is_empty() && !allow {
            reasons.push(Reason {
                code: "oap.denied".to_owned(),
                message: "the registry gave no reason".to_owned(),
                details: None,
            });
        }
        Ok(reasons)
    }
}

/// A message goes into an answer of our own: it is one line there, and not endless.
fn line(text: &str) -> String {
    const LONGEST: usize = 500;
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(LONGEST).map(clean).collect()
}

fn bad(problem: impl Into<String>) -> RegistryError {
    RegistryError::Decision(problem.into())
}
