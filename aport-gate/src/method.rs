//! Gated methods of a `#[tool_router]`.
//!
//! rmcp makes the route: it calls the method with what its extractors take out of the call. Ours,
//! [`GatedCall`], takes the arguments; the method gives them to the gate, with a body that no other
//! code can name.

use std::sync::Arc;

use futures::future::BoxFuture;
use rmcp::ErrorData;
use rmcp::handler::server::common::{FromContextPart, schema_for_empty_input, schema_for_input};
use rmcp::handler::server::router::tool::ToolRoute;
use rmcp::handler::server::tool::{CallToolHandler, ToolCallContext};
use rmcp::model::{CallToolResponse, JsonObject, MetaObject, Tool};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::call::{self, Incoming, MapContext, MethodCall, MethodFacts, Read};
use crate::gated_routes::{self, GatedTool};
use crate::http_caller::Transport;
use crate::output::Returned;
use crate::permit::Permit;
use crate::route::{add_agent_id, with_policy};
use crate::server::HasGate;

/// A call as rmcp hands it over. Nothing but rmcp can make one.
pub struct GatedCall {
    arguments: JsonObject,
    meta: JsonObject,
    transport: Transport,
    cancelled: CancellationToken,
    #[cfg(feature = "otel")]
    parent: Option<opentelemetry::trace::SpanContext>,
}

impl std::fmt::Debug for GatedCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What records parameters, as `#[instrument]` does, must not record arguments that are redacted.
        f.debug_struct("GatedCall").finish_non_exhaustive()
    }
}

impl<S> FromContextPart<ToolCallContext<'_, S>> for GatedCall {
    fn from_context_part(context: &mut ToolCallContext<'_, S>) -> Result<Self, ErrorData> {
        Ok(Self {
            arguments: context.arguments.take().unwrap_or_default(),
            meta: context.request_context.meta.0.0.clone(),
            transport: Transport::of(&context.request_context.extensions),
            cancelled: context.request_context.ct.clone(),
            #[cfg(feature = "otel")]
            parent: crate::trace_context::of_request(
                &context.request_context.meta.0.0,
                &context.request_context.extensions,
            ),
        })
    }
}

/// The arguments of a method that takes none.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "no arguments")]
pub struct NoArguments {}

/// Runs a method's body behind the gate; called by generated code only.
pub fn gated_method<'s, S, A, B>(
    service: &'s S,
    call: GatedCall,
    tool: GatedTool,
    schema: &Arc<JsonObject>,
    context: MapContext<A>,
    facts: Option<MethodFacts<'s, A>>,
    body: B,
) -> MethodAnswer<'s>
where
    S: HasGate + Sync,
    A: DeserializeOwned + Serialize + Send + 's,
    B: FnOnce(Arc<Permit>, A) -> BoxFuture<'s, Returned> + Send + 's,
{
    let incoming = Incoming {
        tool,
        arguments: call.arguments,
        meta: call.meta,
        transport: call.transport,
        cancelled: call.cancelled,
        #[cfg(feature = "otel")]
        parent: call.parent,
        schema: Some(Arc::clone(schema)),
        compared: Some(&[]),
    };
    let read: Read<'s> = Box::new(move |given| {
        let arguments = Some(serde_path_to_error::deserialize(given)?);
        Ok(Box::new(MethodCall {
            arguments,
            context,
            facts,
            body,
        }))
    });
    call::run(service.gate(), incoming, read)
}

/// What a gated method returns.
pub type MethodAnswer<'s> = BoxFuture<'s, Result<CallToolResponse, ErrorData>>;

/// The input schema of `Parameters<T>`.
#[must_use]
pub fn schema_of_arguments<T: JsonSchema + 'static>() -> Arc<JsonObject> {
    schema_for_input::<T>().unwrap_or_else(|error| {
        let arguments = std::any::type_name::<T>();
        tracing::error!(%error, arguments, "the arguments of a tool have no schema of an object");
        schema_for_empty_input()
    })
}

/// The input schema of a method's tool, with the agent's id.
#[must_use]
pub fn method_input(schema: Arc<JsonObject>) -> Arc<JsonObject> {
    let mut schema = Arc::unwrap_or_clone(schema);
    add_agent_id(&mut schema);
    Arc::new(schema)
}

/// The `_meta` of a method's tool. Writes down that the method is gated.
#[must_use]
pub fn method_meta<S, C, A>(meta: Option<MetaObject>, tool: GatedTool, method: C) -> MetaObject
where
    S: Send + Sync + 'static,
    C: CallToolHandler<S, A> + Send + Sync + Clone + 'static,
{
    let route = ToolRoute::new(
        Tool::new_with_raw(tool.name, None, JsonObject::new()),
        method,
    );
    let policy = gated_routes::enter_method::<S, C>(route, tool);
    with_policy(meta.unwrap_or_default(), policy)
}
