//! The server's tools and the pack that guards each.

use rmcp::model::Tool;
use serde::{Deserialize, Serialize};
use serde_json::Value;

const POLICY_META: &str = "io.aport/policy";

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

/// What `_meta["io.aport/policy"]` says about a tool.
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
}
