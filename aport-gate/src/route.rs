//! From a gated function to rmcp's tool route.

use std::sync::Arc;

use futures::future::BoxFuture;
use rmcp::handler::server::router::tool::ToolRoute;
use rmcp::handler::server::tool::{ToolCallContext, schema_for_type};
use rmcp::model::{JsonObject, MetaObject, Tool, ToolAnnotations};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::call::{self, Incoming};
use crate::context::{ContextError, ContextFields};
use crate::gated_routes::{self, GatedTool};
use crate::identity::ARGUMENT_AGENT_ID;
use crate::output::Returned;
use crate::permit::Permit;
use crate::server::HasGate;
use crate::tool_pack::ToolPack;

/// `_meta` key of a tool in the listing.
pub(crate) const META_POLICY: &str = "io.aport/policy";

/// What the attribute says about a tool.
#[derive(Debug)]
pub struct ToolSpec {
    /// Tool name on the wire.
    pub name: &'static str,
    /// Title for people.
    pub title: Option<&'static str>,
    /// Description for the model.
    pub description: Option<&'static str>,
    /// The policy pack that decides.
    pub pack: ToolPack,
    /// Context fields that the server adds to the arguments.
    pub mapped: &'static [&'static str],
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

type MapContext<A> = fn(&A, &mut ContextFields) -> Result<(), ContextError>;
type Body<S, A> = for<'a> fn(&'a S, &'a Permit, A) -> BoxFuture<'a, Returned>;

/// Builds the route; called by generated code only. There is no way to pass a
/// body that runs without the gate: it gets its `&Permit` from nowhere else.
pub fn gated_route<S, A>(spec: ToolSpec, context: MapContext<A>, body: Body<S, A>) -> ToolRoute<S>
where
    S: HasGate + Send + Sync + 'static,
    A: DeserializeOwned + Serialize + JsonSchema + Send + Sync + 'static,
{
    let (name, pack) = (spec.name, spec.pack);
    let gated = GatedTool {
        pack,
        mapped: spec.mapped,
    };
    let tool = listed::<A>(&spec, gated);
    let route = ToolRoute::new_dyn(tool, move |call: ToolCallContext<'_, S>| {
        let service = call.service;
        let incoming = Incoming {
            tool: name,
            pack,
            arguments: call.arguments.unwrap_or_default(),
            meta: call.request_context.meta.0.0,
            cancelled: call.request_context.ct,
        };
        Box::pin(async move {
            let result = call::run(service, incoming, context, body).await;
            Ok(result.into())
        })
    });
    gated_routes::enter(&route, gated);
    route
}

fn listed<A: JsonSchema + 'static>(spec: &ToolSpec, gated: GatedTool) -> Tool {
    let mut schema = schema_for_type::<A>().as_ref().clone();
    // Name and docs of the generated struct say nothing to a model.
    schema.remove("title");
    schema.remove("description");
    add_agent_id(&mut schema);
    let mut tool = Tool::new_with_raw(spec.name, spec.description.map(Into::into), schema);
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
    let mut meta = MetaObject::new();
    let policy = Value::Object(gated.policy());
    meta.0.insert(META_POLICY.to_owned(), policy);
    tool.with_meta(meta)
}

// Required until a gate that binds the agent says otherwise (`Gate::describe`).
fn add_agent_id(schema: &mut JsonObject) {
    let properties = schema
        .entry("properties")
        .or_insert_with(|| Value::Object(JsonObject::new()));
    if let Value::Object(properties) = properties {
        properties.insert(
            ARGUMENT_AGENT_ID.to_owned(),
            json!({
                "type": "string",
                "pattern": "^(ap_[A-Za-z0-9_]{1,128}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$",
                "description": "Id of the agent's passport. A claim, checked against what the server knows.",
            }),
        );
    }
    if let Value::Array(required) = schema
        .entry("required")
        .or_insert_with(|| Value::Array(Vec::new()))
    {
        required.push(ARGUMENT_AGENT_ID.into());
    }
}
