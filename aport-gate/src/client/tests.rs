//! The client against a hand-written rmcp server over an in-memory pipe.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use rmcp::{
    RoleServer, ServerHandler, ServiceExt,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
        ListToolsResult, MetaObject, PaginatedRequestParams, ServerCapabilities, ServerConfig,
        Tool,
    },
    service::RequestContext,
};
use serde_json::{Value, json};

use super::*;

const AGENT: &str = "ap_0123456789";

/// Denies an `amount` over 500, and a running total over 900, in rule order.
#[derive(Clone, Default)]
struct Till {
    calls: Arc<AtomicU32>,
    seen: Arc<Mutex<Vec<Value>>>,
    spent: i64,
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

async fn connect(till: Till) -> PassportClient {
    let (client, server) = tokio::io::duplex(1 << 16);
    tokio::spawn(async move { till.serve(server).await.unwrap().waiting().await });
    PassportClient::new(().serve(client).await.unwrap(), AGENT).unwrap()
}

fn arguments(value: Value) -> JsonObject {
    value.as_object().unwrap().clone()
}

fn retry(strategy: Strategy) -> RetryOnDenial {
    RetryOnDenial {
        strategy,
        max_attempts: 8,
        base_delay_ms: 0,
    }
}

#[tokio::test]
async fn listing_names_the_pack_and_ungated_tools_have_none() {
    let client = connect(Till::default()).await;
    let tools = client.list_tools().await.unwrap();
    let packs: Vec<_> = tools
        .iter()
        .map(|t| (t.name.as_str(), t.policy.as_ref().map(|p| p.pack.as_str())))
        .collect();
    assert_eq!(
        packs,
        [
            ("plain", None),
            ("refund", Some("finance.payment.refund.v1"))
        ]
    );
}

#[tokio::test]
async fn agent_id_is_an_argument_only_where_the_schema_requires_it() {
    let till = Till::default();
    let client = connect(till.clone()).await;
    client.call("plain", JsonObject::new()).await.unwrap();
    let reply = client
        .call("refund", arguments(json!({ "amount": 5 })))
        .await
        .unwrap();
    assert_eq!(
        reply.decision.unwrap().decision_id.as_deref(),
        Some("dec-1")
    );
    let seen = till.seen.lock().unwrap().clone();
    assert_eq!(
        seen,
        [
            json!({ "meta": AGENT, "arguments": {} }),
            json!({ "meta": AGENT, "arguments": { "amount": 5, "agent_id": AGENT } }),
        ]
    );
}

#[tokio::test]
async fn denial_carries_decision_and_exceeded_limit() {
    let client = connect(Till::default()).await;
    let result = client
        .call("refund", arguments(json!({ "amount": 600 })))
        .await;
    let Err(ClientError::Denied(denial)) = result else {
        panic!("{result:?}")
    };
    assert_eq!(denial.decision_id.as_deref(), Some("dec-1"));
    let details = denial.reasons[1].details.as_ref().unwrap();
    assert_eq!(
        (&details.actual, &details.limit),
        (&json!(600), &json!(500))
    );
}

#[tokio::test]
async fn halving_keeps_the_idempotency_key_and_stops_when_allowed() {
    let till = Till::default();
    let client = connect(till.clone()).await;
    let halve = Strategy::Halve {
        field: "amount".into(),
    };
    let call = arguments(json!({ "amount": 1601, "idempotency_key": "key-00001" }));
    let reply = client
        .call_with_retry("refund", call, retry(halve))
        .await
        .unwrap();
    assert_eq!(
        (reply.denials.len(), &reply.arguments["amount"]),
        (2, &json!(400))
    );
    let seen = till.seen.lock().unwrap();
    assert!(
        seen.iter()
            .all(|call| call["arguments"]["idempotency_key"] == "key-00001")
    );
}

#[tokio::test]
async fn clamping_takes_the_tightest_limit_and_what_a_cap_has_left() {
    for (spent, allowed) in [(0, 500), (600, 300)] {
        let client = connect(Till {
            spent,
            ..Till::default()
        })
        .await;
        let call = arguments(json!({ "amount": 5000 }));
        let reply = client
            .call_with_retry("refund", call, retry(Strategy::ClampToLimit))
            .await
            .unwrap();
        assert_eq!(
            (reply.denials.len(), &reply.arguments["amount"]),
            (1, &json!(allowed))
        );
    }
}

#[tokio::test]
async fn an_exhausted_cap_ends_clamping_with_the_denial() {
    let till = Till {
        spent: 900,
        ..Till::default()
    };
    let client = connect(till.clone()).await;
    let result = client
        .call_with_retry(
            "refund",
            arguments(json!({ "amount": 50 })),
            retry(Strategy::ClampToLimit),
        )
        .await;
    assert!(matches!(result, Err(ClientError::Denied(_))), "{result:?}");
    assert_eq!(till.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_arguments_cannot_cure_is_not_retried() {
    for tool in ["suspended", "down", "broken", "nonesuch"] {
        let till = Till::default();
        let client = connect(till.clone()).await;
        let halve = Strategy::Halve {
            field: "amount".into(),
        };
        let result = client
            .call_with_retry(tool, arguments(json!({ "amount": 9 })), retry(halve))
            .await;
        let fits = match (tool, &result) {
            ("suspended", Err(ClientError::Denied(_)))
            | ("down", Err(ClientError::Unavailable(_))) => true,
            ("broken", Err(ClientError::Tool { text, decision, .. })) => {
                text == "disk full" && decision.as_ref().is_some_and(|d| d.allow)
            }
            ("nonesuch", Err(ClientError::Protocol { code, .. })) => *code == -32602,
            _ => false,
        };
        assert!(fits, "{tool}: {result:?}");
        assert_eq!(till.calls.load(Ordering::SeqCst), 1, "{tool}");
    }
}

#[tokio::test]
async fn attempts_are_bounded_and_a_custom_strategy_may_give_up() {
    let till = Till::default();
    let client = connect(till.clone()).await;
    let mut twice = retry(Strategy::Halve {
        field: "amount".into(),
    });
    twice.max_attempts = 2;
    let call = arguments(json!({ "amount": 100_000 }));
    let result = client.call_with_retry("refund", call.clone(), twice).await;
    assert!(matches!(result, Err(ClientError::Denied(_))));
    assert_eq!(till.calls.load(Ordering::SeqCst), 2);
    let give_up = Strategy::Custom(Arc::new(|_: &Denial, _: &JsonObject| None));
    let result = client.call_with_retry("refund", call, retry(give_up)).await;
    assert!(matches!(result, Err(ClientError::Denied(_))));
    assert_eq!(till.calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn halving_an_argument_that_is_not_there_is_an_adjustment_error() {
    let client = connect(Till::default()).await;
    let halve = Strategy::Halve {
        field: "sum".into(),
    };
    let call = arguments(json!({ "amount": 600 }));
    let result = client.call_with_retry("refund", call, retry(halve)).await;
    assert!(matches!(result, Err(ClientError::Adjustment { field, .. }) if field == "sum"));
}

#[tokio::test]
async fn a_lost_connection_is_a_transport_error() {
    let (client, server) = tokio::io::duplex(1 << 16);
    let running = tokio::spawn(async move { Till::default().serve(server).await.unwrap() });
    let client = PassportClient::new(().serve(client).await.unwrap(), AGENT).unwrap();
    client.list_tools().await.unwrap();
    running.await.unwrap().cancel().await.unwrap();
    let result = client.call("plain", JsonObject::new()).await;
    assert!(
        matches!(result, Err(ClientError::Transport { .. })),
        "{result:?}"
    );
}

#[test]
fn agent_ids_are_checked_before_anything_is_sent() {
    for good in ["ap_a", "ap_A_9", "550e8400-e29b-41d4-a716-446655440000"] {
        assert!(agent::check(good).is_ok(), "{good}");
    }
    let long = format!("ap_{}", "a".repeat(129));
    for bad in [
        "",
        "ap_",
        "ap_a-b",
        "${AGENT}",
        "550e8400e29b41d4a716446655440000",
        &long,
    ] {
        assert!(agent::check(bad).is_err(), "{bad}");
    }
}

#[test]
fn waits_double_from_the_base_and_stay_in_their_upper_half() {
    let retry = RetryOnDenial {
        base_delay_ms: 100,
        ..RetryOnDenial::new(Strategy::ClampToLimit)
    };
    for (made, full) in [(1, 100), (2, 200), (3, 400), (60, 30_000)] {
        let wait = u64::try_from(retry.delay_before(made).as_millis()).unwrap();
        assert!((full / 2..=full).contains(&wait), "{made}: {wait}");
    }
}
