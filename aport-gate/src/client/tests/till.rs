//! A hand-written rmcp server that denies in rule order.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use rmcp::{
    RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
        ListToolsResult, MetaObject, PaginatedRequestParams, ServerCapabilities, ServerConfig,
        Tool,
    },
    service::RequestContext,
};
use serde_json::{Value, json};

pub(super) const AGENT: &str = "ap_0123456789";

/// Denies an `amount` over 500, and a running total over 900, in rule order.
#[derive(Clone, Default)]
pub(super) struct Till {
    pub(super) calls: Arc<AtomicU32>,
    pub(super) seen: Arc<Mutex<Vec<Value>>>,
    pub(super) spent: i64,
}

fn decided(mut result: CallToolResult, allow: bool, reasons: Value) -> CallToolResult {
    let decision = json!({
        "decision_id": "dec-1", "policy_id": "finance.payment.refund.v1",
        "agent_id": AGENT, "allow": allow, "reasons": reasons,
    });
    let mut meta = MetaObject::new();
    meta.0.insert("io.aport/decision".into(), decision);
    result.meta = Some(meta);
    result
}

fn denied(reasons: Value) -> CallToolResult {
    let text = ContentBlock::text("Policy denied: no\nDecision ID: dec-1");
    decided(CallToolResult::error(vec![text]), false, reasons)
}

fn over(rule: &str, actual: i64, limit: i64) -> Value {
    json!({ "code": "oap.limit_exceeded", "message": "too much",
            "details": { "rule": rule, "field": "amount", "actual": actual, "limit": limit } })
}

impl ServerHandler for Till {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tool = |name: &'static str, schema: Value| {
            Tool::new(name, "", Arc::new(schema.as_object().unwrap().clone()))
        };
        let mut refund = tool(
            "refund",
            json!({ "type": "object", "required": ["amount", "agent_id"] }),
        );
        let mut meta = MetaObject::new();
        meta.0.insert(
            "io.aport/policy".into(),
            json!({ "pack": "finance.payment.refund.v1", "digest": "sha256:00", "context": ["amount"] }),
        );
        refund.meta = Some(meta);
        let plain = tool("plain", json!({ "type": "object" }));
        Ok(ListToolsResult::with_all_items(vec![refund, plain]))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let arguments = request.arguments.unwrap_or_default();
        self.seen.lock().unwrap().push(json!({
            "meta": context.meta.0.0.get("io.aport/agent_id"), "arguments": arguments,
        }));
        let ok = || CallToolResult::success(vec![ContentBlock::text("done")]);
        let failed = || CallToolResult::error(vec![ContentBlock::text("disk full")]);
        let amount = arguments.get("amount").and_then(Value::as_i64);
        let result = match (request.name.as_ref(), amount) {
            ("plain", _) => ok(),
            ("suspended", _) => denied(json!([
                { "code": "oap.passport_suspended", "message": "suspended" }, over("cap", 9, 5)
            ])),
            ("down", _) => denied(json!([
                { "code": "gate.verifier_timeout", "message": "timed out" }
            ])),
            ("broken", _) => decided(failed(), true, json!([])),
            ("refund", Some(amount)) => {
                let mut reasons = Vec::new();
                if amount > 500 {
                    reasons.push(json!({ "code": "oap.assurance_insufficient", "message": "L4" }));
                    reasons.push(over("per_tx", amount, 500));
                }
                if self.spent + amount > 900 {
                    reasons.push(over("daily", amount, 900 - self.spent));
                }
                if reasons.is_empty() {
                    decided(ok(), true, json!([]))
                } else {
                    denied(Value::Array(reasons))
                }
            }
            (other, _) => return Err(ErrorData::invalid_params(format!("no `{other}`"), None)),
        };
        Ok(result.into())
    }
}

/// Lists tools for ever.
pub(super) struct Endless;

impl ServerHandler for Endless {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut page = ListToolsResult::with_all_items(Vec::new());
        page.next_cursor = Some("more".into());
        Ok(page)
    }
}
