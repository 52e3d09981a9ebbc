//! A client of gated tools: it says which agent calls, and turns a refusal
//! into a typed error that the caller can act on.

mod agent;
mod denial;
mod error;
mod listing;
mod reply;
mod retry;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use rmcp::{
    RoleClient,
    model::{CallToolRequestParams, CallToolResponse, JsonObject, RequestMetaObject},
    service::{Peer, RunningService, ServiceError},
};
use serde_json::Value;

pub use self::{
    denial::{Denial, DenialReason, Exceeded},
    error::ClientError,
    listing::{ListedTool, ToolPolicy},
    reply::{DecisionSummary, ToolReply},
    retry::{AdjustArguments, RetryOnDenial, Strategy},
};

/// Request `_meta` key that carries the agent id.
const AGENT_META: &str = "io.aport/agent_id";
/// Argument that carries the agent id where the tool requires it.
const AGENT_ARGUMENT: &str = "agent_id";

/// An rmcp client that calls gated tools as one agent.
///
/// The agent id travels in the request's `_meta["io.aport/agent_id"]`, and as
/// the argument `agent_id` only for a tool whose input schema requires it.
///
/// ```
/// use aport_gate::rmcp::ServiceExt as _;
/// use aport_gate::{ClientError, PassportClient, RetryOnDenial, Strategy};
/// # use aport_gate::{Gate, Server, policy_gated};
/// # #[policy_gated(pack = "finance.payment.refund.v1")]
/// # async fn process_refund(
/// #     order_id: String, customer_id: String, amount: u64, currency: String, region: String,
/// #     reason_code: String, idempotency_key: String,
/// # ) -> String {
/// #     drop((customer_id, region, reason_code, idempotency_key));
/// #     format!("refunded {amount} {currency} of {order_id}")
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let home = tempfile::tempdir()?;
/// # let gate = Gate::builder().home(home.path()).build().await?;
/// # let passport = serde_json::json!({
/// #     "passport_id": "ap_desk", "kind": "instance", "spec_version": "oap/1.0",
/// #     "owner_id": "org_shop", "owner_type": "org", "assurance_level": "L2", "status": "active",
/// #     "capabilities": [{ "id": "finance.payment.refund" }],
/// #     "limits": { "finance.payment.refund": {
/// #         "currency_limits": { "USD": { "max_per_tx": 5000, "daily_cap": 10000 } },
/// #         "reason_codes": ["customer_request"],
/// #     } },
/// #     "regions": ["US"], "version": "1.0.0",
/// #     "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
/// # });
/// # std::fs::write(home.path().join("passports/ap_desk.json"), passport.to_string())?;
/// # let (server_side, transport) = tokio::io::duplex(1 << 16);
/// # let server = Server::new(gate, ()).with_route(process_refund);
/// # let server = tokio::spawn(server.serve_transport(server_side));
/// // Any transport of rmcp's: a child process, HTTP, a pipe.
/// let client = PassportClient::new(().serve(transport).await?, "ap_desk")?;
/// let serde_json::Value::Object(arguments) = serde_json::json!({
///     "order_id": "order-1", "customer_id": "customer-1", "amount": 8000, "currency": "USD",
///     "region": "US", "reason_code": "customer_request", "idempotency_key": "refund-0001",
/// }) else { unreachable!() };
///
/// match client.call("process_refund", arguments.clone()).await {
///     Err(ClientError::Denied(denial)) => {
///         let exceeded = denial.reasons[0].details.as_ref().ok_or("no details")?;
///         assert_eq!((&exceeded.actual, &exceeded.limit), (&8000.into(), &5000.into()));
///     }
///     other => panic!("expected a denial, not {other:?}"),
/// }
///
/// // Or let it take what the limit leaves.
/// let retry = RetryOnDenial::new(Strategy::ClampToLimit);
/// let reply = client.call_with_retry("process_refund", arguments, retry).await?;
/// assert_eq!(reply.text(), "refunded 5000 USD of order-1");
/// # drop(server);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct PassportClient {
    peer: Peer<RoleClient>,
    /// Held so that the connection lives as long as this client.
    service: Option<RunningService<RoleClient, ()>>,
    agent_id: String,
    tools: RwLock<Option<Arc<BTreeMap<String, ListedTool>>>>,
}

impl PassportClient {
    /// Wraps a connected client and owns its connection.
    ///
    /// # Errors
    /// [`ClientError::InvalidAgentId`] when `agent_id` is neither
    /// `ap_` and 1 to 128 letters, digits or underscores, nor a UUID.
    pub fn new(
        service: RunningService<RoleClient, ()>,
        agent_id: &str,
    ) -> Result<Self, ClientError> {
        let mut client = Self::from_peer(service.peer().clone(), agent_id)?;
        client.service = Some(service);
        Ok(client)
    }

    /// Wraps a connection that somebody else owns: another handler, or one
    /// connection that several agents share.
    ///
    /// # Errors
    /// As [`PassportClient::new`].
    pub fn from_peer(peer: Peer<RoleClient>, agent_id: &str) -> Result<Self, ClientError> {
        agent::check(agent_id)?;
        Ok(Self {
            peer,
            service: None,
            agent_id: agent_id.to_owned(),
            tools: RwLock::new(None),
        })
    }

    /// The agent this client calls as.
    pub fn agent_id(&self) -> &str {
        &self.agent_id
    }

    /// The rmcp connection, for whatever this client does not wrap.
    pub fn peer(&self) -> &Peer<RoleClient> {
        &self.peer
    }

    /// Asks the server for its tools and the pack that guards each of them.
    ///
    /// Later calls use this listing; list again after the server changed.
    ///
    /// # Errors
    /// [`ClientError::Transport`] or [`ClientError::Protocol`] when the server
    /// cannot be asked.
    pub async fn list_tools(&self) -> Result<Vec<ListedTool>, ClientError> {
        Ok(self.refresh().await?.values().cloned().collect())
    }

    /// Calls a tool once.
    ///
    /// # Errors
    /// - [`ClientError::Denied`]: the policy denied; the tool was not run.
    /// - [`ClientError::Unavailable`]: no decision could be had; the tool was not run.
    /// - [`ClientError::Tool`]: allowed, and the tool itself failed.
    /// - [`ClientError::Protocol`]: the server refused the request, e.g. no such tool.
    /// - [`ClientError::Transport`]: it is unknown whether the tool ran. Repeat
    ///   only a call that cannot execute twice.
    /// - [`ClientError::InputRequired`]: the server wants an answer first.
    pub async fn call(&self, tool: &str, arguments: JsonObject) -> Result<ToolReply, ClientError> {
        let arguments = self.with_agent(tool, arguments).await?;
        self.send(tool, arguments).await
    }

    /// Calls a tool and, when the policy denies for a reason that other
    /// arguments could cure, adjusts them and calls again.
    ///
    /// An argument `idempotency_key` stays the same over all attempts: a denied
    /// call did not consume it, and one key for one intent is what keeps a
    /// later repetition from executing twice. Nothing but a denial is retried.
    ///
    /// # Errors
    /// As [`PassportClient::call`], with the last denial when no attempt was
    /// allowed, and [`ClientError::Adjustment`] when the strategy does not fit
    /// the arguments.
    pub async fn call_with_retry(
        &self,
        tool: &str,
        arguments: JsonObject,
        retry: RetryOnDenial,
    ) -> Result<ToolReply, ClientError> {
        let mut arguments = self.with_agent(tool, arguments).await?;
        let mut denials = Vec::new();
        loop {
            let denial = match self.send(tool, arguments.clone()).await {
                Ok(mut reply) => {
                    reply.denials = denials;
                    return Ok(reply);
                }
                Err(ClientError::Denied(denial)) => denial,
                Err(other) => return Err(other),
            };
            let made = u32::try_from(denials.len()).map_or(u32::MAX, |n| n.saturating_add(1));
            if made >= retry.max_attempts {
                return Err(ClientError::Denied(denial));
            }
            match retry.strategy.adjust(&denial, &arguments)? {
                Some(adjusted) if adjusted != arguments => arguments = adjusted,
                // Final, or the same call again: the answer would be the same.
                _ => return Err(ClientError::Denied(denial)),
            }
            denials.push(*denial);
            tokio::time::sleep(retry.delay_before(made)).await;
        }
    }

    /// Closes the connection, where this client owns it.
    pub async fn close(self) {
        if let Some(service) = self.service
            && let Err(error) = service.cancel().await
        {
            tracing::debug!(%error, "the client's task did not end cleanly");
        }
    }

    async fn send(&self, tool: &str, arguments: JsonObject) -> Result<ToolReply, ClientError> {
        let mut meta = RequestMetaObject::default();
        meta.0
            .0
            .insert(AGENT_META.to_owned(), Value::String(self.agent_id.clone()));
        let mut params =
            CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments.clone());
        params.meta = Some(meta);
        match self.peer.call_tool_once(params).await {
            Ok(CallToolResponse::Complete(result)) => reply::read(tool, arguments, result),
            Ok(_) => Err(ClientError::InputRequired {
                tool: tool.to_owned(),
            }),
            Err(error) => Err(ClientError::from_service(tool, error)),
        }
    }

    async fn with_agent(
        &self,
        tool: &str,
        mut arguments: JsonObject,
    ) -> Result<JsonObject, ClientError> {
        let known = self
            .tools
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let tools = match known {
            Some(tools) => tools,
            None => self.refresh().await?,
        };
        let required = tools
            .get(tool)
            .is_some_and(ListedTool::requires_agent_argument);
        // What the caller wrote stays: the server refuses a contradiction, and
        // overwriting it here would hide one.
        if required && !arguments.contains_key(AGENT_ARGUMENT) {
            arguments.insert(
                AGENT_ARGUMENT.to_owned(),
                Value::String(self.agent_id.clone()),
            );
        }
        Ok(arguments)
    }

    async fn refresh(&self) -> Result<Arc<BTreeMap<String, ListedTool>>, ClientError> {
        let listed = self
            .peer
            .list_all_tools()
            .await
            .map_err(|error: ServiceError| ClientError::from_service("tools/list", error))?;
        let tools: BTreeMap<_, _> = listed
            .into_iter()
            .map(|tool| (tool.name.to_string(), ListedTool::new(tool)))
            .collect();
        let tools = Arc::new(tools);
        *self.tools.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&tools));
        Ok(tools)
    }
}
