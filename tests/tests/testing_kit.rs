//! The testing kit, as a user's own tests meet it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aport_gate::testing::{
    CallOutcome, Scripted, Session, TestGate, TestPassport, assert_allowed, assert_denied,
    assert_refused,
};
use aport_gate::{ExecutionReport, Gate, HasGate, HasService, Permit, Server, policy_gated, rmcp};
use serde_json::{Value, json};

#[derive(Default)]
struct Desk {
    runs: AtomicU32,
}

#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the desk is closed")
    }
}

impl ExecutionReport for Closed {
    fn nothing_executed(&self) -> bool {
        true
    }
}

#[policy_gated(pack = "finance.payment.refund.v1")]
#[allow(clippy::too_many_arguments)]
async fn refund(
    #[service] desk: &Desk,
    #[permit] permit: &Permit,
    order_id: String,
    customer_id: String,
    amount: u64,
    currency: String,
    region: String,
    reason_code: String,
    idempotency_key: String,
) -> Result<String, Closed> {
    desk.runs.fetch_add(1, Ordering::SeqCst);
    let _ = (customer_id, region, reason_code, idempotency_key);
    match order_id.as_str() {
        "closed" => Err(Closed),
        "panic" => panic!("the desk fell over"),
        _ => Ok(format!("{amount} {currency} for {}", permit.agent_id())),
    }
}

fn passport() -> TestPassport {
    TestPassport::new("ap_desk").capability(
        "finance.payment.refund",
        json!({
            "currency_limits": { "USD": { "max_per_tx": 5000, "daily_cap": 7000 } },
            "reason_codes": ["customer_request"],
        }),
    )
}

fn order(order_id: &str, amount: u64, key: &str) -> Value {
    json!({
        "order_id": order_id, "customer_id": "customer-1", "amount": amount, "currency": "USD",
        "region": "US", "reason_code": "customer_request", "idempotency_key": key,
    })
}

async fn desk(gate: &TestGate) -> Session<Server<Desk>> {
    gate.serve(Desk::default(), |server| server.with_route(refund))
        .await
}

fn runs(session: &Session<Server<Desk>>) -> u32 {
    session.state().runs.load(Ordering::SeqCst)
}

#[tokio::test]
async fn a_script_decides_call_by_call_and_then_refuses() {
    let gate = TestGate::builder()
        .script([
            Scripted::deny("acme.too_late", "the shop has closed")
                .because("acme.why", "it is night"),
            Scripted::allow(),
            Scripted::require_review("ask Kim"),
            Scripted::unavailable("the registry is down"),
        ])
        .build()
        .await;
    let session = desk(&gate).await;
    let call = || session.call("refund", order("order-1", 9, "key-00001"));

    let denied = call().await;
    assert_denied!(&denied, "acme.too_late");
    assert_eq!(denied.codes(), ["acme.too_late", "acme.why"]);
    assert!(
        denied
            .text()
            .starts_with("Policy denied: the shop has closed, it is night\n")
    );
    assert_eq!(runs(&session), 0);
    let allowed = call().await;
    assert_allowed!(&allowed);
    assert_eq!(allowed.text(), "9 USD for ap_test");
    assert_denied!(call().await, "oap.approval_required");
    let refused = call().await;
    assert_refused!(&refused, "gate.ledger_unavailable");
    assert!(refused.text().contains("the registry is down"));
    // Nothing more is written, so nothing more is allowed.
    assert_refused!(call().await, "gate.ledger_unavailable");
    assert_eq!(runs(&session), 1);
}

#[tokio::test]
async fn a_slow_or_panicking_verifier_ends_in_a_refusal() {
    let gate = TestGate::builder()
        .script([
            Scripted::allow().after(Duration::from_secs(3600)),
            Scripted::panic("a defect"),
        ])
        .configure(|gate| gate.timeout(Duration::from_millis(20)))
        .build()
        .await;
    let session = desk(&gate).await;
    let call = || session.call("refund", order("order-1", 9, "key-00001"));
    assert_refused!(call().await, "gate.timeout");
    let refused = call().await;
    assert_refused!(&refused, "gate.ledger_unavailable");
    assert!(refused.text().contains("a defect"), "{}", refused.text());
    assert_eq!(runs(&session), 0);
}

#[tokio::test]
async fn calls_are_recorded_from_the_question_to_the_outcome() {
    let gate = TestGate::builder().passport(passport()).build().await;
    let session = desk(&gate).await;
    assert_allowed!(
        session
            .call("refund", order("order-1", 100, "key-00001"))
            .await
    );
    session
        .call("refund", order("closed", 100, "key-00002"))
        .await;
    session
        .call("refund", order("panic", 100, "key-00003"))
        .await;
    assert_denied!(
        session
            .call("refund", order("order-4", 5001, "key-00004"))
            .await,
        "oap.limit_exceeded",
        field = "amount",
        actual = 5001,
        limit = 5000,
    );
    assert_refused!(
        session.call("refund", json!({ "amount": "much" })).await,
        "gate.invalid_arguments"
    );

    let calls = gate.calls().await;
    let outcomes: Vec<_> = calls.iter().map(|call| call.outcome).collect();
    assert_eq!(
        outcomes,
        [
            CallOutcome::Ok,
            CallOutcome::Error { released: true },
            CallOutcome::Panicked,
            CallOutcome::Denied,
            CallOutcome::Refused,
        ]
    );
    let first = &calls[0];
    assert_eq!(
        (first.tool.as_str(), first.codes.as_slice()),
        ("refund", &["oap.allowed".to_owned()][..])
    );
    assert_eq!(first.agent.as_ref().unwrap().as_str(), "ap_desk");
    let context = first.context.clone().unwrap();
    assert_eq!(
        (
            &context["amount"],
            &context["agent_id"],
            &context["policy_id"]
        ),
        (
            &json!(100),
            &json!("ap_desk"),
            &json!("finance.payment.refund.v1")
        )
    );
    let digest = aport_gate::oap::digest_json(&Value::Object(context)).unwrap();
    assert_eq!(first.context_digest, Some(digest));
    assert_eq!(calls[4].codes, ["gate.invalid_arguments"]);
}

#[tokio::test]
async fn the_clock_stands_until_it_is_moved() {
    let gate = TestGate::builder()
        .passport(passport().field("expires_at", "2026-03-02T00:00:00Z"))
        .at("2026-03-01T23:59:59Z")
        .build()
        .await;
    let call = |key| gate.call(refund, Desk::default(), order("order-1", 4000, key));
    assert_allowed!(call("key-00001").await);
    assert_denied!(call("key-00002").await, "oap.limit_exceeded");
    // A new day: the cap is whole again, and the passport has expired.
    gate.clock().advance(Duration::from_secs(1));
    assert_denied!(call("key-00003").await, "oap.passport_expired");
    gate.set_passport(&passport());
    let answer = call("key-00004").await;
    assert_allowed!(&answer);
    assert_eq!(answer.decision()["created_at"], "2026-03-02T00:00:00Z");
    gate.clock().set("2026-03-01T12:00:00Z");
    assert_denied!(call("key-00005").await, "oap.limit_exceeded");
}

#[tokio::test]
async fn passports_are_changed_between_calls() {
    let gate = TestGate::builder().passport(passport()).build().await;
    let call = |key| gate.call(refund, Desk::default(), order("order-1", 1, key));
    assert_allowed!(call("key-00001").await);
    gate.set_passport(&passport().field("status", "suspended"));
    assert_denied!(call("key-00002").await, "oap.passport_suspended");
    gate.remove_passport("ap_desk");
    assert_denied!(call("key-00003").await, "oap.passport_not_found");
}

#[tokio::test]
async fn an_unbound_gate_takes_the_agent_from_the_call() {
    let gate = TestGate::builder()
        .passport(passport())
        .unbound()
        .build()
        .await;
    let session = desk(&gate).await;
    let call = order("order-1", 1, "key-00001");
    assert_refused!(
        session.call("refund", call.clone()).await,
        "gate.agent_id_missing"
    );
    assert_allowed!(session.call_as("ap_desk", "refund", call).await);
    let tools = session.tools().await;
    let required = tools[0].input_schema["required"].as_array().unwrap();
    assert!(required.contains(&json!("agent_id")));
}

#[derive(Clone)]
struct Shop {
    gate: Gate,
    desk: std::sync::Arc<Desk>,
    tools: rmcp::handler::server::router::tool::ToolRouter<Self>,
}

impl HasGate for Shop {
    fn gate(&self) -> &Gate {
        &self.gate
    }
}

impl HasService<Desk> for Shop {
    fn service(&self) -> &Desk {
        &self.desk
    }
}

#[rmcp::tool_handler(router = self.tools)]
impl rmcp::ServerHandler for Shop {}

#[tokio::test]
async fn a_server_of_ones_own_is_tested_over_the_same_pipe() {
    let test = TestGate::builder().passport(passport()).build().await;
    let tools = rmcp::handler::server::router::tool::ToolRouter::new().with_route(refund);
    let shop = Shop {
        gate: test.gate(),
        desk: std::sync::Arc::default(),
        tools: test.gate().describe(tools).unwrap(),
    };
    let session = Session::with(shop).await;
    assert_allowed!(
        session
            .call("refund", order("order-1", 1, "key-00001"))
            .await
    );
    assert_eq!(session.server().desk.runs.load(Ordering::SeqCst), 1);
}

/// The message of an assertion that fails.
fn message(assertion: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panic = std::panic::catch_unwind(assertion).expect_err("it holds");
    panic.downcast_ref::<String>().unwrap().clone()
}

#[tokio::test]
async fn an_assertion_that_fails_says_what_happened_instead() {
    let gate = TestGate::builder().passport(passport()).build().await;
    let call = |amount, key| gate.call(refund, Desk::default(), order("order-1", amount, key));
    let (allowed, denied) = (call(1, "key-00001").await, call(6000, "key-00002").await);
    let failed = call(1, "short").await;

    let (answer, other) = (allowed.clone(), denied.clone());
    let said = message(|| assert_denied!(answer, "oap.limit_exceeded"));
    assert!(
        said.starts_with(
            "expected a denial with `oap.limit_exceeded`, but it was allowed:\n  1 USD for"
        ),
        "{said}"
    );
    let said = message(|| assert_allowed!(other));
    assert!(
        said.contains(
            "but the policy denied:\n  oap.limit_exceeded: amount 6000 is over the limit 5000"
        ) && said.contains("policy_id: finance.payment.refund.v1"),
        "{said}"
    );
    let other = denied.clone();
    let said = message(|| assert_denied!(other, "oap.region_not_allowed"));
    assert!(said.contains("expected a denial with `oap.region_not_allowed`, but the policy denied:\n  oap.limit_exceeded"), "{said}");
    let said = message(|| assert_denied!(denied, "oap.limit_exceeded", limit = 4999));
    assert!(said.contains("whose `limit` is 4999"), "{said}");
    // A denial is no refusal.
    let said = message(|| assert_refused!(failed, "oap.invalid_context"));
    assert!(said.contains("expected a refusal"), "{said}");
}

#[tokio::test]
async fn two_gates_share_nothing() {
    for _ in 0..2 {
        let gate = TestGate::builder().passport(passport()).build().await;
        let call = order("order-1", 5000, "key-00001");
        assert_allowed!(gate.call(refund, Desk::default(), call).await);
        assert_eq!(gate.calls().await.len(), 1);
    }
}
