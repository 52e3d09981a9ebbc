//! Asking before calling: what a policy says of a call, without side effects.
//!
//! The pack is evaluated here, over the agent's passport and the call's arguments. Nothing is asked to
//! decide: no cap is taken from, no idempotency key is used up, no record is written. Only what is certain
//! from here counts. A denial that could come from something only the server knows (what it looks up, what
//! earlier calls used, how its operator changed the pack) is left to the server, and so is every allow.

use std::collections::HashMap;
use std::sync::Arc;
#[cfg(feature = "registry")]
use std::sync::{Mutex, MutexGuard, PoisonError};
#[cfg(feature = "registry")]
use std::time::{Duration, Instant};

use aport_gate_oap::{AgentId, Pack, PackError, Passport, Reason, Request, Usage, embedded_packs};
use jiff::Timestamp;
use rmcp::model::JsonObject;
use serde_json::{Map, Value};

use super::AGENT_ARGUMENT;
use super::denial::{DecidedBy, Denial, DenialReason, Exceeded};
use super::listing::{ListedTool, ToolPolicy};
use crate::gate::Gate;
#[cfg(feature = "registry")]
use crate::remote::{RegistryClient, RegistryError};

/// How long a registry's view of a passport is used, unless the caller says otherwise.
#[cfg(feature = "registry")]
const FRESH: Duration = Duration::from_secs(30);
/// Most passports that are kept.
#[cfg(feature = "registry")]
const MOST: usize = 1000;

/// What would become of a call, as far as a client can tell.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Preview {
    /// The policy denies it, whatever the server adds.
    Denied(Box<Denial>),
    /// Nothing speaks against it here. The server decides.
    Open,
    /// It was not looked at, or not wholly.
    Unknown {
        /// Why.
        why: String,
    },
}

/// Looks at a call before it is made, so that one that is certain to be denied is not made.
///
/// It grants nothing: the gate in front of the tool decides about every call that is made.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use aport_gate::{PassportClient, PreCheck};
/// use aport_gate::oap::Passport;
///
/// let passport = Passport::parse(&std::fs::read("ap_desk.json")?)?;
/// let client = PassportClient::builder("ap_desk")
///     .pre_check(PreCheck::by_passport(passport))
/// #   .connect(tokio::io::duplex(1).0).await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct PreCheck {
    passports: Passports,
    packs: HashMap<String, Arc<Pack>>,
    #[cfg(feature = "registry")]
    kept: Mutex<Kept>,
    #[cfg(feature = "registry")]
    lifetime: Duration,
}

/// Passports as a registry showed them, and when; none where it knows no such agent.
#[cfg(feature = "registry")]
type Kept = HashMap<AgentId, (Option<Arc<Passport>>, Instant)>;

enum Passports {
    Given(Arc<Passport>),
    Gate(Gate),
    #[cfg(feature = "registry")]
    Registry(Box<RegistryClient>),
}

impl PreCheck {
    /// Over one passport that the caller has, such as a file's. It is not read again.
    #[must_use]
    pub fn by_passport(passport: Passport) -> Self {
        Self::over(Passports::Given(Arc::new(passport)))
    }

    /// Over the passports, and with the packs, of a gate of this process: a local one reads its folder, one in
    /// registry mode asks its registry.
    #[must_use]
    pub fn by_gate(gate: Gate) -> Self {
        Self::over(Passports::Gate(gate))
    }

    /// Over the view that a registry shows of the agent's passport, at most 30 seconds old unless
    /// [`passport_lifetime`](Self::passport_lifetime) says otherwise.
    #[cfg(feature = "registry")]
    #[must_use]
    pub fn by_registry(registry: RegistryClient) -> Self {
        Self::over(Passports::Registry(Box::new(registry)))
    }

    /// How long a registry's view of a passport is used before the registry is asked again; 30 seconds
    /// otherwise, and zero asks before every call. A passport that was issued or resumed meanwhile is not
    /// called with before that is over; one that was suspended is: the server denies it.
    #[cfg(feature = "registry")]
    #[must_use]
    pub fn passport_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Adds a pack beside the embedded ones. It counts where a server lists it with the same digest.
    ///
    /// # Errors
    /// [`PackError`] when it does not load.
    pub fn pack(mut self, json: &[u8]) -> Result<Self, PackError> {
        let pack = Pack::parse(json)?;
        self.packs.insert(pack.id().to_string(), Arc::new(pack));
        Ok(self)
    }

    fn over(passports: Passports) -> Self {
        let embedded = embedded_packs().iter();
        let packs = embedded.filter_map(|(id, json)| {
            let pack = Pack::parse(json).ok()?;
            Some(((*id).to_owned(), Arc::new(pack)))
        });
        Self {
            packs: packs.collect(),
            passports,
            #[cfg(feature = "registry")]
            kept: Mutex::default(),
            #[cfg(feature = "registry")]
            lifetime: FRESH,
        }
    }

    /// What would become of the call. `arguments` are as they would be sent.
    pub(super) async fn look(
        &self,
        agent: &str,
        tool: Option<&ListedTool>,
        arguments: &JsonObject,
    ) -> Preview {
        match self.evaluate(agent, tool, arguments).await {
            Ok(preview) => preview,
            Err(why) => {
                tracing::debug!(why, "not checked before the call; the server decides");
                Preview::Unknown { why }
            }
        }
    }

    async fn evaluate(
        &self,
        agent: &str,
        tool: Option<&ListedTool>,
        arguments: &JsonObject,
    ) -> Result<Preview, String> {
        let tool = tool.ok_or("the server does not list the tool")?;
        let policy = tool.policy.as_ref();
        let policy = policy.ok_or("the server names no pack for the tool")?;
        let pack = self.pack_of(policy)?;
        let agent = AgentId::parse(agent).map_err(|error| error.to_string())?;
        let passport = self.passport(&agent).await?;
        let unseen = unseen(tool, policy, arguments);
        let context = context(tool, &agent, &pack, arguments);
        let request = Request {
            agent_id: &agent,
            passport: passport.as_deref(),
            context: &context,
            tool: Some(&tool.name),
            now: Timestamp::now(),
        };
        // Nothing used yet: what is denied even so is denied after any use.
        let evaluation = pack.evaluate(&request, &Usage::default());
        if evaluation.allow {
            return Ok(match unseen {
                Some(why) => Preview::Unknown { why },
                None => Preview::Open,
            });
        }
        let reasons = evaluation.reasons.into_iter();
        let certain = reasons.filter(|reason| is_certain(reason, unseen.is_none()));
        let reasons: Vec<_> = certain.map(denial_reason).collect();
        if reasons.is_empty() {
            return Err(unseen.unwrap_or_else(|| {
                "it depends on something that only the server knows".to_owned()
            }));
        }
        Ok(Preview::Denied(Box::new(Denial {
            tool: tool.name.clone(),
            decided_by: DecidedBy::PreCheck,
            decision_id: None,
            policy_id: Some(pack.id().to_string()),
            agent_id: Some(agent.to_string()),
            text: "Denied by this client's own check; the server was not asked.".to_owned(),
            reasons,
            idempotency_key: None,
        })))
    }

    /// The pack of the listing, if this client has the very same.
    fn pack_of(&self, policy: &ToolPolicy) -> Result<Arc<Pack>, String> {
        let id = &policy.pack;
        let known = match &self.passports {
            Passports::Gate(gate) => {
                let packs = gate.packs();
                let mut loaded = packs.iter().map(|loaded| Arc::clone(loaded.pack()));
                loaded.find(|pack| pack.id().as_str() == id)
            }
            _ => None,
        };
        let known = known.or_else(|| self.packs.get(id).cloned());
        let pack = known.ok_or_else(|| format!("this client does not have pack `{id}`"))?;
        match policy.digest.as_deref() {
            Some(digest) if digest == pack.digest().to_string() => Ok(pack),
            Some(_) => Err(format!(
                "the server decides by another `{id}` than this client has"
            )),
            None => Err(format!(
                "the server does not say by which `{id}` it decides"
            )),
        }
    }

    async fn passport(&self, agent: &AgentId) -> Result<Option<Arc<Passport>>, String> {
        match &self.passports {
            Passports::Given(passport) if passport.agent_id() == agent => {
                Ok(Some(Arc::clone(passport)))
            }
            Passports::Given(passport) => {
                let other = passport.agent_id();
                Err(format!(
                    "the passport given to this client is that of `{other}`"
                ))
            }
            // Its folder is read on every call, as it is for a server's.
            Passports::Gate(gate) if !gate.inner.verifier.is_remote() => {
                let passport = gate.inner.verifier.local_passport(agent);
                passport.map_err(|refusal| refusal.recorded_message())
            }
            #[cfg(feature = "registry")]
            Passports::Gate(gate) => match gate.inner.verifier.registry() {
                Some(registry) => self.shown_by(registry, agent).await,
                None => Err("the gate has no registry".to_owned()),
            },
            #[cfg(not(feature = "registry"))]
            Passports::Gate(_) => Err("the gate's passports are somewhere else".to_owned()),
            #[cfg(feature = "registry")]
            Passports::Registry(registry) => self.shown_by(registry, agent).await,
        }
    }

    #[cfg(feature = "registry")]
    async fn shown_by(
        &self,
        registry: &RegistryClient,
        agent: &AgentId,
    ) -> Result<Option<Arc<Passport>>, String> {
        let kept = self.kept().get(agent).cloned();
        if let Some((passport, at)) = kept
            && at.elapsed() < self.lifetime
        {
            return Ok(passport);
        }
        let asked_at = Instant::now();
        let passport = match registry.verify_view(agent).await {
            Ok(view) => {
                let json = Value::Object(view).to_string();
                let passport = Passport::parse(json.as_bytes())
                    .map_err(|error| format!("the registry's view of the passport: {error}"))?;
                if passport.agent_id() != agent {
                    return Err("the registry shows the passport of another agent".to_owned());
                }
                Some(Arc::new(passport))
            }
            Err(RegistryError::Refused { status: 404, .. }) => None,
            Err(error) => return Err(error.to_string()),
        };
        let mut kept = self.kept();
        if kept.len() >= MOST {
            kept.retain(|_, (_, at)| at.elapsed() < self.lifetime);
        }
        if kept.len() < MOST {
            kept.insert(agent.clone(), (passport.clone(), asked_at));
        }
        Ok(passport)
    }

    #[cfg(feature = "registry")]
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Passports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Given(_) => "Given",
            Self::Gate(_) => "Gate",
            #[cfg(feature = "registry")]
            Self::Registry(_) => "Registry",
        })
    }
}

/// What of the context a client cannot see.
fn unseen(tool: &ListedTool, policy: &ToolPolicy, arguments: &JsonObject) -> Option<String> {
    if policy.facts {
        return Some("the server looks facts up".to_owned());
    }
    if !policy.mapped.is_empty() {
        return Some(format!("the server adds `{}`", policy.mapped.join("`, `")));
    }
    if policy.options {
        return Some("the operator changed how the pack is read".to_owned());
    }
    // Another name for an argument, for all that a listing tells.
    let unknown = arguments.keys().find(|name| !tool.has_argument(name))?;
    Some(format!(
        "the listing does not describe argument `{unknown}`"
    ))
}

/// The context as a gate builds it: arguments, the defaults of those that are missing, and who asks what.
fn context(
    tool: &ListedTool,
    agent: &AgentId,
    pack: &Pack,
    arguments: &JsonObject,
) -> Map<String, Value> {
    let mut context = Map::new();
    let properties = tool
        .tool
        .input_schema
        .get("properties")
        .and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        if let Some(default) = property.get("default") {
            context.insert(name.clone(), default.clone());
        }
    }
    context.extend(arguments.clone());
    context.retain(|_, value| !value.is_null());
    context.insert(AGENT_ARGUMENT.to_owned(), agent.as_str().into());
    context.insert("policy_id".to_owned(), pack.id().as_str().into());
    context
}

/// Whether a server with the same pack and passport says this as well. `sees_all`: nothing of the context is
/// hidden from this client.
fn is_certain(reason: &Reason, sees_all: bool) -> bool {
    match reason.code.as_str() {
        code if code.starts_with("oap.passport_") => true,
        "oap.unknown_capability" => true,
        // The pack's fault, or a person's turn: the server words it.
        "oap.policy_error" | "oap.approval_required" => false,
        "oap.invalid_context" | "oap.assurance_insufficient" | "oap.region_blocked" => sees_all,
        // A rule that compared something with what the passport says. One that missed something may have
        // missed what a registry's view leaves out.
        _ => {
            let details = reason.details.as_ref();
            sees_all && details.is_some_and(|details| details.limit.is_some())
        }
    }
}

fn denial_reason(reason: Reason) -> DenialReason {
    DenialReason {
        code: reason.code,
        message: reason.message,
        details: reason.details.map(|details| Exceeded {
            rule: Some(details.rule),
            field: details.field,
            actual: details.actual.unwrap_or_default(),
            limit: details.limit.unwrap_or_default(),
            used: details.used.unwrap_or_default(),
            cap: details.cap.unwrap_or_default(),
            retry_after: None,
        }),
    }
}
