//! From a gated function to rmcp's tool route.

use std::sync::Arc;

use rmcp::handler::server::router::tool::ToolRoute;
use rmcp::handler::server::tool::{ToolCallContext, schema_for_type};
use rmcp::model::{JsonObject, MetaObject, Tool, ToolAnnotations};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::call::{self, Body, Function, Incoming, LookUp, MapContext};
use crate::gated_routes::{self, GatedTool};
use crate::http_caller::Transport;
use crate::identity::ARGUMENT_AGENT_ID;
use crate::server::HasGate;

/// `_meta` key of a tool in the listing.
pub(crate) const META_POLICY: &str = "io.aport/policy";

/// What the attribute says about a tool.
#[derive(Debug)]
pub struct ToolSpec {
    /// Name, pack and what else the gate needs.
    pub gated: GatedTool,
    /// The aliases of its arguments, each with the name that is written, where an argument is of a type
    /// that may write another value than it reads.
    pub compared: Option<&'static [(&'static str, &'static str)]>,
    /// Title for people.
    pub title: Option<&'static str>,
    /// Description for the model.
    pub description: Option<&'static str>,
    /// MCP tool annotations.
    pub annotations: Annotations,
    /// Schema of the structured result.
    pub output_schema: Option<Arc<JsonObject>>,
}

/// MCP tool annotations: hints for a client, never a promise.
#[derive(Debug, Default)]
pub struct Annotations {
    /// Title for people.
    pub title: Option<&'static str>,
    /// The tool changes nothing.
    pub read_only_hint: Option<bool>,
    /// The tool may destroy.
    pub destructive_hint: Option<bool>,
    /// The same call again has no further effect.
    pub idempotent_hint: Option<bool>,
    /// The tool reaches beyond this server.
    pub open_world_hint: Option<bool>,
}

/// Builds the route; called by generated code only. There is no way to pass a
/// body that runs without the gate: it gets its `&Permit` from nowhere else.
pub fn gated_route<S, A>(
    spec: ToolSpec,
    context: MapContext<A>,
    facts: Option<LookUp<S, A>>,
    body: Body<S, A>,
) -> ToolRoute<S>
where
    S: HasGate + Send + Sync + 'static,
    A: DeserializeOwned + Serialize + JsonSchema + Send + Sync + 'static,
{
    let (tool, compared) = (spec.gated, spec.compared);
    let listed = listed(&spec, schema_for_type::<A>().as_ref().clone());
    let function = Function {
        context,
        facts,
        body,
    };
    let route = ToolRoute::new_dyn(listed, move |call: ToolCallContext<'_, S>| {
        let service = call.service;
        let incoming = Incoming {
            tool,
            arguments: call.arguments.unwrap_or_default(),
            transport: Transport::of(&call.request_context.extensions),
            #[cfg(feature = "otel")]
            parent: crate::trace_context::of_request(
                &call.request_context.meta.0.0,
                &call.request_context.extensions,
            ),
            meta: call.request_context.meta.0.0,
            cancelled: call.request_context.ct,
            schema: None,
            compared,
        };
        call::run(service.gate(), incoming, function.read(service))
    });
    gated_routes::enter(&route, tool);
    route
}

fn listed(spec: &ToolSpec, mut schema: JsonObject) -> Tool {
    // Name and docs of the generated struct say nothing to a model.
    schema.remove("title");
    schema.remove("description");
    add_agent_id(&mut schema);
    let mut tool = Tool::new_with_raw(spec.gated.name, spec.description.map(Into::into), schema);
    if let Some(title) = spec.title {
        tool = tool.with_title(title);
    }
    if let Some(output) = &spec.output_schema {
        tool = tool.with_raw_output_schema(Arc::clone(output));
    }
    let hints = &spec.annotations;
    let annotations = ToolAnnotations::from_raw(
        hints.title.map(str::to_owned),
        hints.read_only_hint,
        hints.destructive_hint,
        hints.idempotent_hint,
        hints.open_world_hint,
    );
    if annotations != ToolAnnotations::default() {
        tool = tool.with_annotations(annotations);
    }
    tool.with_meta(with_policy(MetaObject::new(), spec.gated.policy()))
}

/// Puts what the listing says about the policy into a tool's `_meta`.
pub(crate) fn with_policy(mut meta: MetaObject, policy: JsonObject) -> MetaObject {
    meta.0.insert(META_POLICY.to_owned(), Value::Object(policy));
    meta
}

// Required until a gate that binds the agent says otherwise (`Gate::describe`).
pub(crate) fn add_agent_id(schema: &mut JsonObject) {
    let properties = schema
        .entry("properties")
        .or_insert_with(|| Value::Object(JsonObject::new()));
    if let Value::Object(properties) = properties {
        // A method's own argument of this name stays as its author described it.
        properties.entry(ARGUMENT_AGENT_ID).or_insert_with(|| {
            json!({
                "type": "string",
                "pattern": "^(ap_[A-Za-z0-9_]{1,128}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$",
                "description": "Id of the agent's passport. A claim, checked against what the server knows.",
            })
        });
    }
    if let Value::Array(required) = schema
        .entry("required")
        .or_insert_with(|| Value::Array(Vec::new()))
        && !required.iter().any(|name| name == ARGUMENT_AGENT_ID)
    {
        required.push(ARGUMENT_AGENT_ID.into());
    }
}
