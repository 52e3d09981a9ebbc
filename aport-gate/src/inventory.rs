//! What guards which tool, for review.

use std::fmt;

use aport_gate_oap::{Pack, PackId, embedded_packs};
use rmcp::handler::server::router::tool::{ToolRoute, ToolRouter};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::gate::Gate;
use crate::gated_routes::{self, GatedTool};
use crate::identity::ARGUMENT_AGENT_ID;
use crate::output::OnError;
use crate::tool_pack::ToolPack;

/// Every tool of a router, and the policy in front of it.
///
/// Its JSON form is stable: tools by name, parameters by name. Keep it as a file beside your code
/// and compare it in CI, and no tool loses its gate, changes its pack or takes another argument
/// without a person having seen the difference.
///
/// [`Display`](fmt::Display) writes that JSON, indented, with a newline at its end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Inventory {
    /// The tools, by name.
    pub tools: Vec<InventoryTool>,
}

/// One tool of an [`Inventory`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InventoryTool {
    /// Name on the wire.
    pub name: String,
    /// Whether a gate stands in front of it.
    pub access: Access,
    /// Id of the pack that decides; absent for a tool without a gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<PackId>,
    /// Digest of that pack, as `sha256:` and hexadecimal digits, where the pack is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Fields that the pack requires of every call, where the pack is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_context: Vec<String>,
    /// Whether the compiler checked the tool against its pack; false with `unchecked`, absent for
    /// a tool without a gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<bool>,
    /// Whether the server looks up facts for the pack, which win over parameters of the same name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub facts: bool,
    /// Whether an error of the tool gives back what the call took from a cap.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub releases_on_error: bool,
    /// What the tool takes from a caller and what the gate adds, by name.
    pub parameters: Vec<Parameter>,
    /// Definitions that the parameters' schemas refer to as `#/$defs/…`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub definitions: Map<String, Value>,
}

/// Whether a gate stands in front of a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Access {
    /// Made by [`policy_gated`](crate::policy_gated): the body runs after an allow decision only.
    Gated,
    /// No gate: whoever reaches the server can run it.
    Ungated,
}

/// One field of a tool's arguments or of the context that its pack sees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Parameter {
    /// JSON name.
    pub name: String,
    /// Where its value comes from.
    pub role: Role,
    /// Whether a caller must give it.
    pub required: bool,
    /// Whether its value is kept out of ledger, log and reasons.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redacted: bool,
    /// JSON Schema of the value, where one is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
}

/// Where the value of a [`Parameter`] comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// The caller gives it.
    Argument,
    /// The server adds it for the pack, with `context(…)`; it may be computed from arguments.
    Context,
}

/// The inventory of a router, without a gate: digests are those of the packs that are embedded in
/// this crate or come with `pack_file`. Needs no environment, no folder and no ledger, so that a
/// test can ask for it.
///
/// A tool counts as gated when its handler is one that [`policy_gated`](crate::policy_gated) made,
/// not when its listing says so. rmcp makes the handlers of methods itself: their router goes through
/// [`Gate::describe`] or [`with_gates`] before.
#[must_use]
pub fn inventory<S: 'static>(router: &ToolRouter<S>) -> Inventory {
    collect(router, |pack| {
        let embedded = embedded_packs().iter().find(|(known, _)| *known == pack.id);
        let json = pack.json.or(embedded.map(|(_, json)| *json))?;
        Pack::parse(json).ok().as_ref().map(Contract::of)
    })
}

/// Puts its gate in front of every gated method of a `#[tool_router]`, in the place of the handler that
/// rmcp made and that nobody can tell from another one.
///
/// [`Gate::describe`] does it by itself. This is for an [`inventory`] without a gate.
///
/// ```
/// # use aport_gate::rmcp::handler::server::wrapper::Parameters;
/// # use aport_gate::rmcp::{self, tool, tool_router};
/// # use aport_gate::{Access, Gate, HasGate, inventory, policy_gated, with_gates};
/// struct Shop { gate: Gate }
/// # impl HasGate for Shop { fn gate(&self) -> &Gate { &self.gate } }
///
/// #[tool_router]
/// impl Shop {
///     /// Close the shop.
///     #[policy_gated(pack = "acme.close.v1", unchecked)]
///     #[tool]
///     async fn close(&self) {}
/// }
///
/// assert_eq!(inventory(&Shop::tool_router()).tools[0].access, Access::Ungated);
/// assert_eq!(inventory(&with_gates(Shop::tool_router())).tools[0].access, Access::Gated);
/// ```
#[must_use]
pub fn with_gates<S: 'static>(mut router: ToolRouter<S>) -> ToolRouter<S> {
    for route in router.map.values_mut() {
        if gated_routes::find(route).is_none() {
            gated_routes::install(route);
        }
    }
    router
}

impl Gate {
    /// The inventory of a router, with the packs that this gate decides by.
    #[must_use]
    pub fn inventory<S: 'static>(&self, router: &ToolRouter<S>) -> Inventory {
        collect(router, |pack| {
            let pack = self.inner.verifier.packs().pack(pack).ok()?.0;
            Some(Contract::of(&pack))
        })
    }
}

struct Contract {
    digest: String,
    required: Vec<String>,
}

impl Contract {
    fn of(pack: &Pack) -> Self {
        let required = pack.required_fields();
        Self {
            digest: pack.digest().to_string(),
            required: required.into_iter().map(str::to_owned).collect(),
        }
    }
}

fn collect<S: 'static>(
    router: &ToolRouter<S>,
    contract: impl Fn(&ToolPack) -> Option<Contract>,
) -> Inventory {
    let mut tools: Vec<_> = router
        .map
        .iter()
        .map(|(name, route)| read(name, route, &contract))
        .collect();
    tools.sort_by(|a, b| a.name.cmp(&b.name));
    Inventory { tools }
}

fn read<S: 'static>(
    name: &str,
    route: &ToolRoute<S>,
    contract: &impl Fn(&ToolPack) -> Option<Contract>,
) -> InventoryTool {
    let gated = gated_routes::find(route);
    let pack = gated.and_then(|tool| PackId::parse(tool.pack.id).ok());
    let contract = gated.and_then(|tool| contract(&tool.pack));
    let schema = &route.attr.input_schema;
    let definitions = schema.get("$defs").and_then(Value::as_object);
    let (digest, required_context) = contract.map_or((None, Vec::new()), |contract| {
        (Some(contract.digest), contract.required)
    });
    InventoryTool {
        name: name.to_owned(),
        access: if gated.is_some() {
            Access::Gated
        } else {
            Access::Ungated
        },
        pack,
        digest,
        required_context,
        checked: gated.map(|tool| tool.pack.digest.is_some()),
        facts: gated.is_some_and(|tool| tool.has_facts),
        releases_on_error: gated.is_some_and(|tool| tool.on_error == OnError::Release),
        parameters: parameters(schema, gated),
        definitions: definitions.map(sorted_map).unwrap_or_default(),
    }
}

fn parameters(schema: &Map<String, Value>, gated: Option<GatedTool>) -> Vec<Parameter> {
    let mapped = gated.map_or(&[][..], |tool| tool.mapped);
    let redacted = |name: &str| gated.is_some_and(|tool| tool.redacted.contains(&name));
    let required = schema.get("required").and_then(Value::as_array);
    let properties = schema.get("properties").and_then(Value::as_object);
    let arguments = properties
        .into_iter()
        .flatten()
        // The gate's own, which the tool never sees.
        .filter(|(name, _)| !(gated.is_some() && *name == ARGUMENT_AGENT_ID))
        .map(|(name, schema)| Parameter {
            name: name.clone(),
            role: Role::Argument,
            required: required.is_some_and(|list| list.iter().any(|item| item == name)),
            redacted: redacted(name),
            schema: Some(sorted(schema)),
        });
    let added = mapped.iter().map(|name| Parameter {
        name: (*name).to_owned(),
        role: Role::Context,
        required: false,
        redacted: redacted(name),
        schema: None,
    });
    let mut parameters: Vec<_> = arguments.chain(added).collect();
    parameters.sort_by(|a, b| a.name.cmp(&b.name));
    parameters
}

// serde_json keeps the order of insertion where any crate of the build asks it to.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(sorted_map(map)),
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

fn sorted_map(map: &Map<String, Value>) -> Map<String, Value> {
    let mut members: Vec<_> = map.iter().collect();
    members.sort_by_key(|(name, _)| *name);
    members
        .into_iter()
        .map(|(name, value)| (name.clone(), sorted(value)))
        .collect()
}

impl fmt::Display for Inventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_string_pretty(self).map_err(|_| fmt::Error)?;
        writeln!(f, "{json}")
    }
}
