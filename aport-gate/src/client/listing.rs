//! The server's tools, the pack that guards each, and how long that is believed.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rmcp::RoleClient;
use rmcp::model::{
    ClientRequest, CustomResult, ListToolsRequest, ListToolsResult, PaginatedRequestParams,
    ServerResult, Tool,
};
use rmcp::service::{Peer, ServiceError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ClientError;
use super::received::line;
use super::watch::Changes;

/// The MCP method that lists tools.
pub(super) const LIST_METHOD: &str = "tools/list";
const POLICY_META: &str = "io.aport/policy";
/// Bounds of a listing: a server may page for ever.
const MOST_PAGES: usize = 100;
const MOST_TOOLS: usize = 10_000;

/// A server's tools by name.
pub(super) type Tools = Arc<BTreeMap<String, ListedTool>>;

/// A tool as the server lists it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ListedTool {
    /// Name to call it by.
    pub name: String,
    /// The pack that guards it; `None` when the server names none.
    pub policy: Option<ToolPolicy>,
    /// rmcp's full listing entry.
    pub tool: Tool,
}

/// What `_meta["io.aport/policy"]` says about a tool. The server's word: it informs the caller, and the
/// server decides whatever it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolPolicy {
    /// Pack id, e.g. `finance.payment.refund.v1`.
    pub pack: String,
    /// `sha256:` digest of the pack.
    #[serde(default)]
    pub digest: Option<String>,
    /// Context fields that the pack requires.
    #[serde(default)]
    pub context: Vec<String>,
    /// Context fields that the server adds to the arguments.
    #[serde(default)]
    pub mapped: Vec<String>,
    /// Whether the server looks up facts, which may be any context field.
    #[serde(default)]
    pub facts: bool,
    /// Context field whose value allows one call only.
    #[serde(default)]
    pub idempotency: Option<String>,
    /// Whether the operator changed how the pack is read: rules waived, for one.
    #[serde(default)]
    pub options: bool,
}

impl ListedTool {
    pub(super) fn new(tool: Tool) -> Self {
        let policy = tool
            .meta
            .as_ref()
            .and_then(|meta| meta.0.get(POLICY_META))
            .and_then(|policy| ToolPolicy::deserialize(policy).ok());
        Self {
            name: tool.name.to_string(),
            policy,
            tool,
        }
    }

    /// Whether the input schema requires the argument `agent_id`.
    pub fn requires_agent_argument(&self) -> bool {
        self.tool
            .input_schema
            .get("required")
            .and_then(Value::as_array)
            .is_some_and(|required| required.iter().any(|name| name == super::AGENT_ARGUMENT))
    }

    /// Whether the input schema knows this argument.
    pub fn has_argument(&self, name: &str) -> bool {
        self.argument(name).is_some()
    }

    pub(super) fn argument(&self, name: &str) -> Option<&Value> {
        self.tool.input_schema.get("properties")?.get(name)
    }
}

/// The listing of one connection.
pub(super) struct Listing {
    kept: RwLock<Option<Kept>>,
    changes: Changes,
    /// One at a time.
    asking: tokio::sync::Mutex<()>,
}

struct Kept {
    tools: Tools,
    asked: Instant,
    until: Instant,
    /// What the server had said by then.
    changes: u64,
}

impl Listing {
    pub(super) fn new(changes: Changes) -> Self {
        Self {
            kept: RwLock::new(None),
            changes,
            asking: tokio::sync::Mutex::new(()),
        }
    }

    /// The listing, from the server unless one is kept that is no older than `lifetime`.
    pub(super) async fn tools(
        &self,
        peer: &Peer<RoleClient>,
        lifetime: Duration,
    ) -> Result<Tools, ClientError> {
        if let Some(tools) = self.fresh() {
            return Ok(tools);
        }
        let came = Instant::now();
        let _one = self.asking.lock().await;
        match self.fresh().or_else(|| self.asked_after(came)) {
            Some(tools) => Ok(tools),
            None => self.ask(peer, lifetime).await,
        }
    }

    /// What the server was asked for while this caller waited serves it too, however short it holds: else
    /// a crowd of callers would ask one after the other.
    fn asked_after(&self, came: Instant) -> Option<Tools> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.as_ref()?;
        let serves = kept.asked >= came && kept.changes == self.changes.count();
        serves.then(|| Arc::clone(&kept.tools))
    }

    /// The listing from the server.
    pub(super) async fn ask(
        &self,
        peer: &Peer<RoleClient>,
        lifetime: Duration,
    ) -> Result<Tools, ClientError> {
        // Read first: what changes while the server answers makes the answer old.
        let (changes, asked) = (self.changes.count(), Instant::now());
        let (tools, hint) = all(peer).await?;
        let lifetime = hint.map_or(lifetime, |hint| lifetime.min(hint));
        let kept = Kept {
            tools: Arc::clone(&tools),
            asked,
            until: Instant::now() + lifetime,
            changes,
        };
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(tools)
    }

    /// The next call asks again.
    pub(super) fn forget(&self) {
        self.changes.heard();
    }

    fn fresh(&self) -> Option<Tools> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.as_ref()?;
        let fresh = Instant::now() < kept.until && kept.changes == self.changes.count();
        fresh.then(|| Arc::clone(&kept.tools))
    }
}

/// All pages, and how long the server says they hold.
async fn all(peer: &Peer<RoleClient>) -> Result<(Tools, Option<Duration>), ClientError> {
    let mut tools = BTreeMap::new();
    let mut hint: Option<Duration> = None;
    let mut page = None;
    for _ in 0..MOST_PAGES {
        let params = page.map(|cursor| {
            let mut params = PaginatedRequestParams::default();
            params.cursor = Some(cursor);
            params
        });
        let listed = match peer.list_tools(params.clone()).await {
            Err(ServiceError::UnexpectedResponse) => leniently(peer, params).await?,
            listed => listed.map_err(|error| ClientError::from_service(LIST_METHOD, error))?,
        };
        for tool in listed.tools {
            if tools.len() >= MOST_TOOLS {
                return Err(unusable(format!("it lists more than {MOST_TOOLS} tools")));
            }
            let tool = ListedTool::new(tool);
            tools.insert(tool.name.clone(), tool);
        }
        // Zero: it may be old at once, so no later call goes by it.
        if let Some(ttl) = listed.ttl_ms {
            let ttl = Duration::from_millis(ttl);
            hint = Some(hint.map_or(ttl, |known| known.min(ttl)));
        }
        page = listed.next_cursor;
        if page.is_none() {
            return Ok((Arc::new(tools), hint));
        }
    }
    Err(unusable(format!("it has more than {MOST_PAGES} pages")))
}

/// A page that rmcp does not take for one, without what says how long and by whom it may be kept: what is odd in
/// that is no reason to have no tools. It is not kept then.
async fn leniently(
    peer: &Peer<RoleClient>,
    params: Option<PaginatedRequestParams>,
) -> Result<ListToolsResult, ClientError> {
    let request = ListToolsRequest {
        params,
        ..ListToolsRequest::default()
    };
    let answer = peer
        .send_request(ClientRequest::ListToolsRequest(request))
        .await
        .map_err(|error| ClientError::from_service(LIST_METHOD, error))?;
    let mut page = match answer {
        ServerResult::ListToolsResult(listed) => return Ok(listed),
        ServerResult::CustomResult(CustomResult(Value::Object(page))) => page,
        _ => return Err(unusable("its answer is no list of tools".to_owned())),
    };
    page.remove("cacheScope");
    page.insert("ttlMs".to_owned(), 0.into());
    ListToolsResult::deserialize(Value::Object(page))
        .map_err(|error| unusable(format!("its list of tools cannot be read: {error}")))
}

fn unusable(problem: String) -> ClientError {
    ClientError::Protocol {
        tool: LIST_METHOD.to_owned(),
        code: 0,
        message: format!("{}; no tool was called", line(&problem, 1000)),
        decision: None,
        key: None,
    }
}
