//! A client of gated tools: it says which agent calls, turns a refusal into a typed error that the caller can
//! act on, and carries an intention out without doing it twice.

mod agent;
mod attempts;
mod builder;
mod class;
mod connection;
mod decisions;
mod denial;
mod error;
#[cfg(feature = "http-client")]
mod http;
mod intention;
mod intention_file;
mod listing;
mod pre_check;
mod received;
mod repeat;
mod reply;
mod retry;
mod stored;
#[cfg(test)]
mod tests;
mod unsent;
mod watch;
mod wording;

use std::future::Future;
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::JsonObject;
use rmcp::service::{Peer, RunningService, Service};
use rmcp::transport::IntoTransport;

use self::attempts::Attempts;
use self::connection::Link;
use self::decisions::DecisionLog;
#[cfg(feature = "http-client")]
pub use self::http::BearerToken;
pub use self::{
    builder::PassportClientBuilder,
    class::DenialClass,
    decisions::{CallVerdict, DecisionEntry, DecisionSink},
    denial::{DecidedBy, Denial, DenialReason, Exceeded},
    error::ClientError,
    intention::Intention,
    listing::{ListedTool, ToolPolicy},
    pre_check::{PreCheck, Preview},
    reply::{DecisionMatch, DecisionSummary, ToolReply},
    retry::{AdjustArguments, Retry, RetryOnDenial, Sent, Strategy},
    stored::{StoredIntention, StoredIntentionError},
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
    link: Link,
    agent_id: String,
    /// Longest time for one call that names none.
    timeout: Option<Duration>,
    listing_lifetime: Duration,
    /// Whether a tool's annotations say that it may be called again.
    trusts_annotations: bool,
    pre_check: Option<PreCheck>,
    decisions: DecisionLog,
}

impl PassportClient {
    /// Sets up a client that calls as this agent.
    pub fn builder(agent_id: impl Into<String>) -> PassportClientBuilder {
        PassportClientBuilder::new(agent_id.into())
    }

    /// Wraps a connected client and owns its connection.
    ///
    /// Of a handler of the caller's own this client hears nothing: that the server's tools changed it learns
    /// when its listing is old, or when a call says so.
    ///
    /// # Errors
    /// [`ClientError::InvalidAgentId`] when `agent_id` is neither
    /// `ap_` and 1 to 128 letters, digits or underscores, nor a UUID.
    pub fn new<S: Service<RoleClient>>(
        service: RunningService<RoleClient, S>,
        agent_id: &str,
    ) -> Result<Self, ClientError> {
        Self::builder(agent_id).wrap(service)
    }

    /// Wraps a connection that somebody else owns: another handler, or one
    /// connection that several agents share.
    ///
    /// # Errors
    /// As [`PassportClient::new`].
    pub fn from_peer(peer: Peer<RoleClient>, agent_id: &str) -> Result<Self, ClientError> {
        Self::builder(agent_id).wrap_peer(peer)
    }

    /// Connects over transports that `make` makes, and makes another one when a connection is lost: a child
    /// process is started again, for one.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), aport_gate::ClientError> {
    /// use aport_gate::PassportClient;
    /// use aport_gate::rmcp::transport::TokioChildProcess;
    /// use tokio::process::Command;
    ///
    /// let start = || async { TokioChildProcess::new(Command::new("aport-gate-server")) };
    /// let client = PassportClient::with_connector(start, "ap_desk").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`PassportClient::new`], and [`ClientError::Connect`].
    pub async fn with_connector<F, Fut, T, E, A, X>(
        make: F,
        agent_id: &str,
    ) -> Result<Self, ClientError>
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, X>> + Send + 'static,
        T: IntoTransport<RoleClient, E, A> + Send + 'static,
        E: std::error::Error + Send + Sync + 'static,
        X: std::fmt::Display + Send,
    {
        Self::builder(agent_id).connect_with(make).await
    }

    /// Connects to a server's MCP address over streamable HTTP; see
    /// [`PassportClientBuilder::connect_http`].
    ///
    /// # Errors
    /// As [`PassportClientBuilder::connect_http`].
    #[cfg(feature = "http-client")]
    pub async fn connect_http(
        url: &str,
        token: Option<BearerToken>,
        agent_id: &str,
    ) -> Result<Self, ClientError> {
        Self::builder(agent_id).connect_http(url, token).await
    }

    /// The agent this client calls as.
    pub fn agent_id(&self) -> &str {
        &self.agent_id
    }

    /// The rmcp connection of now, for whatever this client does not wrap.
    pub fn peer(&self) -> Peer<RoleClient> {
        self.link.current().peer.clone()
    }

    /// What was decided about the last calls, oldest first; at most 1000 attempts. The audit records of the
    /// server have the same decision ids.
    pub fn decisions(&self) -> Vec<DecisionEntry> {
        self.decisions.entries()
    }

    /// Asks the server for its tools and the pack that guards each of them.
    ///
    /// Later calls use this listing for five minutes, or less where the server says so (with a `ttlMs` of 0 not
    /// at all), or until it says that its tools changed.
    ///
    /// # Errors
    /// [`ClientError::Transport`], [`ClientError::Connect`] or [`ClientError::Protocol`] when the server
    /// cannot be asked.
    pub async fn list_tools(&self) -> Result<Vec<ListedTool>, ClientError> {
        let open = self.link.standing().await?;
        let tools = open.listing.ask(&open.peer, self.listing_lifetime).await?;
        Ok(tools.values().cloned().collect())
    }

    /// What would become of a call, as far as this client's [`PreCheck`] can tell. Nothing is sent of the call,
    /// nothing is taken from a cap, and no idempotency key is used up.
    ///
    /// # Errors
    /// As [`list_tools`](Self::list_tools), where the listing has to be asked for.
    pub async fn preview(
        &self,
        tool: &str,
        arguments: &JsonObject,
    ) -> Result<Preview, ClientError> {
        let Some(check) = &self.pre_check else {
            let why = "this client has no check of its own".to_owned();
            return Ok(Preview::Unknown { why });
        };
        let open = self.link.standing().await?;
        let tools = open
            .listing
            .tools(&open.peer, self.listing_lifetime)
            .await?;
        Ok(check.look(&self.agent_id, tools.get(tool), arguments).await)
    }

    /// Calls a tool once. Of a success, [`ToolReply::decision_match`] says whether the decision that came with it
    /// is one about this call. Waits 30 seconds at most unless
    /// [`timeout`](PassportClientBuilder::timeout) says otherwise.
    ///
    /// # Errors
    /// - [`ClientError::Denied`]: the policy denied; the tool was not run.
    /// - [`ClientError::Unavailable`]: no decision could be had; the tool was not run.
    /// - [`ClientError::Tool`]: allowed, and the tool itself failed.
    /// - [`ClientError::Protocol`]: the server refused the request, e.g. no such tool, or failed.
    /// - [`ClientError::Contradictory`]: a result came beside a decision that denied it.
    /// - [`ClientError::Transport`]: it is unknown whether the tool ran. Repeat
    ///   only a call that cannot execute twice.
    /// - [`ClientError::NotSent`], [`ClientError::AccessRefused`], [`ClientError::Connect`]: it did not run.
    /// - [`ClientError::InputRequired`]: the server wants an answer first.
    pub async fn call(&self, tool: &str, arguments: JsonObject) -> Result<ToolReply, ClientError> {
        let once = Retry {
            max_attempts: 1,
            attempt_timeout: self.timeout,
            deadline: None,
            ..Retry::default()
        };
        Attempts::new(self, tool, arguments, &once).run().await
    }

    /// Calls a tool and, when the policy denies for a reason that other
    /// arguments could cure, adjusts them and calls again.
    ///
    /// An argument `idempotency_key` stays the same over all attempts: a denied
    /// call did not consume it, and one key for one intent is what keeps a
    /// later repetition from executing twice. Nothing but a denial is retried;
    /// [`carry_out`](Self::carry_out) goes further.
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
        let mut sent = Sent::default();
        self.call_with_retry_noting(tool, arguments, retry, &mut sent)
            .await
    }

    /// As [`call_with_retry`](Self::call_with_retry), and puts into `sent` what was sent last and what was refused
    /// before. After an adjusted call that failed, that tells which amount may have been paid.
    ///
    /// # Errors
    /// As [`call_with_retry`](Self::call_with_retry).
    pub async fn call_with_retry_noting(
        &self,
        tool: &str,
        arguments: JsonObject,
        retry: RetryOnDenial,
        sent: &mut Sent,
    ) -> Result<ToolReply, ClientError> {
        let retry = Retry {
            attempt_timeout: self.timeout,
            ..retry.terms()
        };
        let attempts = Attempts::new(self, tool, arguments, &retry);
        attempts.run_noting(sent).await
    }

    /// Carries an intention out: one idempotency key over all attempts, adjusted arguments after a denial,
    /// waits that double, one deadline for everything, another connection where one was lost and this client
    /// can make one.
    ///
    /// What may have run is sent again only where it cannot execute twice: the tool's policy allows each
    /// idempotency key once (the listing says so) and the call has one, or the tool is annotated as read-only
    /// or idempotent and [`trust_annotations`](PassportClientBuilder::trust_annotations) is on. A request that
    /// provably did not get to the server is always sent again.
    ///
    /// Of a [resumed](Intention::is_resumed) intention an earlier start may have made an attempt: where it could
    /// execute twice, nothing is sent.
    ///
    /// # Errors
    /// As [`PassportClient::call`], and:
    /// - [`ClientError::Uncertain`]: an answer was lost, and no later attempt succeeded; or the key was used
    ///   already. A denial in it whose [`key_was_used`](Denial::key_was_used) says that an attempt had been
    ///   allowed: one without an answer, one that the network delivered twice, or another process's. Of a resumed
    ///   intention every end but success: also a denial does not say what an earlier start did.
    /// - [`ClientError::Deadline`]: the time was over.
    /// - [`ClientError::Adjustment`]: the strategy does not fit the arguments.
    pub async fn carry_out(
        &self,
        intention: &Intention,
        retry: &Retry,
    ) -> Result<ToolReply, ClientError> {
        let arguments = intention.arguments.clone();
        let attempts = Attempts::new(self, &intention.tool, arguments, retry);
        attempts.of_intention(intention).run().await
    }

    /// Closes the connection, where this client owns it.
    pub async fn close(self) {
        self.link.current().close().await;
    }
}
