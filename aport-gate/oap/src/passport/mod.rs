//! Passports: who an agent is and what it may do.

#[cfg(feature = "evaluate")]
pub(crate) mod alias;
mod parent;
#[cfg(feature = "evaluate")]
pub(crate) mod spelling;
#[cfg(feature = "evaluate")]
mod standing;
mod status;

pub use status::PassportStatus;

#[cfg(feature = "evaluate")]
use crate::Pack;
#[cfg(feature = "evaluate")]
use crate::condition::bound::{BoundLimits, KeptLimits};
use crate::{
    AgentId, AssuranceLevel, CanonicalError, Digest, InvalidAgentId, JsonError, digest_json,
    parse_json,
};
use jiff::Timestamp;
use parent::Inherited;
use serde_json::{Map, Value};

/// The one version of the specification that is understood.
pub const SPEC_VERSION: &str = "oap/1.0";

/// A passport that was read and checked. Unknown keys are kept and are part of the digest.
#[derive(Clone, Debug)]
pub struct Passport {
    value: Value,
    digest: Digest,
    agent_id: AgentId,
    owner_id: String,
    status: PassportStatus,
    assurance_level: AssuranceLevel,
    capabilities: Vec<String>,
    regions: Vec<String>,
    expires_at: Option<Timestamp>,
    not_before: Option<Timestamp>,
    parent_id: Option<AgentId>,
    inherited: Inherited,
    #[cfg(feature = "evaluate")]
    asks_approval: bool,
    #[cfg(feature = "evaluate")]
    has_allowlist: bool,
    #[cfg(feature = "evaluate")]
    has_params: bool,
    #[cfg(feature = "evaluate")]
    may_vary: bool,
    #[cfg(feature = "evaluate")]
    kept_limits: KeptLimits,
}

/// Why a document is not accepted as a passport.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassportError {
    /// Not acceptable JSON.
    #[error("passport is not acceptable JSON: {0}")]
    Json(#[from] JsonError),
    /// Another version of the specification.
    #[error("passport has spec version `{found}`; only `oap/1.0` is understood")]
    SpecVersion {
        /// The version found.
        found: String,
    },
    /// A field that has to be there is not.
    #[error("passport has no `{field}`")]
    MissingField {
        /// Name of the field.
        field: &'static str,
    },
    /// A field has another type.
    #[error("passport field `{field}` must be {expected}")]
    WrongType {
        /// Path of the field.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
    /// The agent id is malformed.
    #[error("passport id: {0}")]
    AgentId(#[from] InvalidAgentId),
    /// `passport_id` and `agent_id` are both there and name two agents.
    #[error("`passport_id` is `{passport_id}` but `agent_id` is `{agent_id}`; keep one of them")]
    TwoIds {
        /// One.
        passport_id: AgentId,
        /// The other.
        agent_id: AgentId,
    },
    /// Not one of the four states.
    #[error("unknown passport status `{0}`: expected `draft`, `active`, `suspended` or `revoked`")]
    Status(String),
    /// Not an assurance level.
    #[error(transparent)]
    AssuranceLevel(#[from] crate::UnknownAssuranceLevel),
    /// Not RFC 3339.
    #[error("passport field `{field}` is `{text}`, which is no RFC 3339 time: {message}")]
    Timestamp {
        /// Name of the field.
        field: &'static str,
        /// What it holds.
        text: String,
        /// Why it does not parse.
        message: String,
    },
    /// No canonical form, so no digest.
    #[error("passport cannot be digested: {0}")]
    Canonical(#[from] CanonicalError),
}

impl Passport {
    /// Reads a passport document.
    ///
    /// ```
    /// # use aport_gate_oap::Passport;
    /// let passport = Passport::parse(br#"{
    ///     "passport_id": "ap_support_bot", "spec_version": "oap/1.0", "owner_id": "org_1",
    ///     "status": "active", "assurance_level": "L2",
    ///     "capabilities": [{"id": "finance.payment.refund"}], "regions": ["US"]
    /// }"#)?;
    /// assert!(passport.has_capability("finance.payment.refund"));
    /// # Ok::<(), aport_gate_oap::PassportError>(())
    /// ```
    ///
    /// # Errors
    /// [`PassportError`], which names the field.
    pub fn parse(bytes: &[u8]) -> Result<Self, PassportError> {
        let value = parse_json(bytes)?;
        let map = value
            .as_object()
            .ok_or_else(|| wrong_type("(document)", "an object"))?;
        let spec_version = text(map, "spec_version")?;
        if spec_version != SPEC_VERSION {
            return Err(PassportError::SpecVersion {
                found: spec_version.to_owned(),
            });
        }
        if map.get("limits").is_some_and(|limits| !limits.is_object()) {
            return Err(wrong_type("limits", "an object"));
        }
        #[cfg(feature = "evaluate")]
        let has_allowlist = crate::mcp::allowlists(&value).next().is_some();
        let capabilities = capabilities(map)?;
        Ok(Self {
            digest: digest_json(&value)?,
            agent_id: agent_id(map)?,
            owner_id: text(map, "owner_id")?.to_owned(),
            status: status(text(map, "status")?)?,
            assurance_level: AssuranceLevel::parse(text(map, "assurance_level")?)?,
            #[cfg(feature = "evaluate")]
            may_vary: may_vary(map, &capabilities),
            capabilities,
            regions: regions(map)?,
            expires_at: time(map, "expires_at")?,
            not_before: time(map, "not_before")?,
            parent_id: parent_id(map)?,
            inherited: Inherited::default(),
            #[cfg(feature = "evaluate")]
            asks_approval: crate::approval::is_asked_by(map),
            #[cfg(feature = "evaluate")]
            has_allowlist,
            #[cfg(feature = "evaluate")]
            has_params: has_params(map),
            #[cfg(feature = "evaluate")]
            kept_limits: KeptLimits::default(),
            value,
        })
    }

    /// The agent that this passport is of.
    #[must_use]
    pub fn agent_id(&self) -> &AgentId {
        &self.agent_id
    }

    /// Organisation or person that answers for the agent.
    #[must_use]
    pub fn owner_id(&self) -> &str {
        &self.owner_id
    }

    /// State in its life cycle.
    #[must_use]
    pub fn status(&self) -> PassportStatus {
        self.status
    }

    /// How well the owner is known.
    #[must_use]
    pub fn assurance_level(&self) -> AssuranceLevel {
        self.assurance_level
    }

    /// Ids of the capabilities it grants.
    #[must_use]
    pub fn capabilities(&self) -> &[String] {
        &self.capabilities
    }

    /// Whether it grants this capability, by exact id.
    #[must_use]
    pub fn has_capability(&self, id: &str) -> bool {
        self.capabilities.iter().any(|capability| capability == id)
    }

    /// Regions in which the agent may act; empty when the passport names none.
    #[must_use]
    pub fn regions(&self) -> &[String] {
        &self.regions
    }

    /// When it stops being valid, if ever.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Whether any of its limits may ask a person to approve.
    #[cfg(feature = "evaluate")]
    pub(crate) fn asks_approval(&self) -> bool {
        self.asks_approval
    }

    /// Whether there is an MCP allowlist.
    #[cfg(feature = "evaluate")]
    pub(crate) fn has_allowlist(&self) -> bool {
        self.has_allowlist
    }

    /// Whether any capability has parameters.
    #[cfg(feature = "evaluate")]
    pub(crate) fn has_params(&self) -> bool {
        self.has_params
    }

    /// Whether a pack may find its limits spelled in several ways.
    #[cfg(feature = "evaluate")]
    pub(crate) fn may_vary(&self) -> bool {
        self.may_vary
    }

    /// The same passport as one spelling of its limits has it. The digest stays that of the document.
    #[cfg(feature = "evaluate")]
    pub(crate) fn with_limits(&self, limits: Map<String, Value>) -> Self {
        let limits = Value::Object(limits);
        let mut read = Self {
            may_vary: false,
            kept_limits: KeptLimits::default(),
            ..self.clone()
        };
        if let Some(map) = read.value.as_object_mut() {
            map.insert("limits".to_owned(), limits);
            read.asks_approval = crate::approval::is_asked_by(map);
        }
        read
    }

    #[cfg(feature = "evaluate")]
    pub(crate) fn limits(&self) -> Option<&Map<String, Value>> {
        self.value.get("limits")?.as_object()
    }

    /// The limits that the rules of a pack ask for, resolved when it first judges this passport.
    #[cfg(feature = "evaluate")]
    pub(crate) fn limits_under(&self, pack: &Pack) -> Option<&BoundLimits> {
        self.kept_limits.under(pack, self)
    }

    /// When it begins to be valid, if it says so.
    #[must_use]
    pub fn not_before(&self) -> Option<Timestamp> {
        self.not_before
    }

    /// Parameters of a capability that it grants, such as `max_amount`. Where the capability is listed more than
    /// once, those of the first entry that has any; a call has to meet those of every entry.
    #[must_use]
    pub fn capability_params(&self, id: &str) -> Option<&Map<String, Value>> {
        self.all_params(id).next()
    }

    /// The parameters of every entry of a capability. A second entry that counted for nothing would be a limit that
    /// only seems to be set.
    pub(crate) fn all_params(&self, id: &str) -> impl Iterator<Item = &Map<String, Value>> {
        self.capability_entries(id)
            .filter_map(|entry| entry.get("params")?.as_object())
    }

    pub(crate) fn capability_entries(&self, id: &str) -> impl Iterator<Item = &Map<String, Value>> {
        let list = self.value.get("capabilities").and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter(move |item| item.get("id").and_then(Value::as_str) == Some(id))
            .filter_map(Value::as_object)
    }

    /// The document as it was read.
    #[must_use]
    pub fn as_value(&self) -> &Value {
        &self.value
    }

    /// Digest of the document.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

fn agent_id(map: &Map<String, Value>) -> Result<AgentId, PassportError> {
    let read = |field| -> Result<Option<AgentId>, PassportError> {
        match map.get(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(AgentId::parse(text)?)),
            Some(_) => Err(wrong_type(field, "a string")),
        }
    };
    match (read("passport_id")?, read("agent_id")?) {
        (Some(passport_id), Some(agent_id)) if passport_id != agent_id => {
            Err(PassportError::TwoIds {
                passport_id,
                agent_id,
            })
        }
        (Some(id), _) | (None, Some(id)) => Ok(id),
        (None, None) => Err(PassportError::MissingField {
            field: "passport_id",
        }),
    }
}

fn status(text: &str) -> Result<PassportStatus, PassportError> {
    PassportStatus::parse(text)
        .ok_or_else(|| PassportError::Status(text.chars().take(40).collect()))
}

/// Both names are there in the wild; two that differ would let the reader pick the one that is in force.
fn parent_id(map: &Map<String, Value>) -> Result<Option<AgentId>, PassportError> {
    let mut found: Option<AgentId> = None;
    for field in ["parent_agent_id", "template_id"] {
        let id = match map.get(field) {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => AgentId::parse(text)?,
            Some(_) => return Err(wrong_type(field, "a string")),
        };
        match &found {
            Some(known) if *known != id => {
                return Err(wrong_type(field, "the same id as `parent_agent_id`"));
            }
            _ => found = Some(id),
        }
    }
    Ok(found)
}

fn capabilities(map: &Map<String, Value>) -> Result<Vec<String>, PassportError> {
    let expected = "a list of strings or of objects with a string `id`";
    let list = map.get("capabilities").ok_or(PassportError::MissingField {
        field: "capabilities",
    })?;
    list.as_array()
        .ok_or_else(|| wrong_type("capabilities", expected))?
        .iter()
        .map(|capability| {
            let id = capability
                .as_str()
                .or_else(|| capability.get("id")?.as_str());
            id.map(str::to_owned)
                .ok_or_else(|| wrong_type("capabilities", expected))
        })
        .collect()
}

/// Whether limits may be spelled in several ways: by keys, or by parameters of a capability.
#[cfg(feature = "evaluate")]
fn may_vary(map: &Map<String, Value>, capabilities: &[String]) -> bool {
    let limits = map.get("limits").and_then(Value::as_object);
    let list = map.get("capabilities").and_then(Value::as_array);
    let own = crate::spelled::OWN_PARAMETERS;
    limits.is_some_and(|limits| {
        spelling::may_vary(limits, capabilities) || alias::are_both_in(limits)
    }) || list.into_iter().flatten().any(|item| {
        let params = item.get("params").and_then(Value::as_object);
        params.is_some_and(|params| params.keys().any(|name| !own.contains(&name.as_str())))
    })
}

#[cfg(feature = "evaluate")]
fn has_params(map: &Map<String, Value>) -> bool {
    let list = map.get("capabilities").and_then(Value::as_array);
    let mut items = list.into_iter().flatten();
    items.any(|item| item.get("params").is_some_and(Value::is_object))
}

fn regions(map: &Map<String, Value>) -> Result<Vec<String>, PassportError> {
    let Some(list) = map.get("regions") else {
        return Ok(Vec::new());
    };
    let strings = list.as_array().and_then(|list| {
        list.iter()
            .map(|region| region.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
    });
    strings.ok_or_else(|| wrong_type("regions", "a list of strings"))
}

fn time(map: &Map<String, Value>, field: &'static str) -> Result<Option<Timestamp>, PassportError> {
    match map.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => {
            text.parse()
                .map(Some)
                .map_err(|error: jiff::Error| PassportError::Timestamp {
                    field,
                    text: text.clone(),
                    message: error.to_string(),
                })
        }
        Some(_) => Err(wrong_type(field, "a string in RFC 3339 form")),
    }
}

fn text<'m>(map: &'m Map<String, Value>, field: &'static str) -> Result<&'m str, PassportError> {
    map.get(field)
        .ok_or(PassportError::MissingField { field })?
        .as_str()
        .ok_or_else(|| wrong_type(field, "a string"))
}

fn wrong_type(field: &str, expected: &'static str) -> PassportError {
    PassportError::WrongType {
        field: field.to_owned(),
        expected,
    }
}
