//! A gate in registry mode around one tool, whose body leaves a trace when it runs.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aport_gate::oap::AgentId;
use aport_gate::rmcp::model::CallToolResult;
use aport_gate::{DecisionSigner, ExecutionReport, Gate, GateBuilder, Server, policy_gated};
use aport_gate_tests::in_process::{InProcess, TESTER, codes, text};
use serde_json::{Map, Value, json};

use crate::server::{Seen, Step, json as answer};

pub(crate) const PACK: &str = "finance.payment.refund.v1";
pub(crate) const PASSPORT_DIGEST: &str =
    "sha256:1111111111111111111111111111111111111111111111111111111111111111";

#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) runs: AtomicU32,
}

/// Why the desk pays nothing.
pub(crate) enum Closed {
    /// Before it did anything.
    Before,
    /// Nobody knows how far it came.
    Midway,
}

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the desk is closed")
    }
}

impl ExecutionReport for Closed {
    fn nothing_executed(&self) -> bool {
        matches!(self, Self::Before)
    }
}

/// Refund an order.
#[policy_gated(pack = "finance.payment.refund.v1")]
#[allow(clippy::too_many_arguments)]
pub(crate) async fn refund(
    #[service] desk: &std::sync::Arc<Desk>,
    order_id: String,
    customer_id: String,
    amount: u64,
    currency: String,
    region: String,
    reason_code: String,
    idempotency_key: String,
) -> Result<String, Closed> {
    if order_id == "closed" {
        return Err(Closed::Before);
    }
    desk.runs.fetch_add(1, Ordering::SeqCst);
    match order_id.as_str() {
        "broken" => Err(Closed::Midway),
        _ => Ok(format!(
            "{amount} {currency} {customer_id} {region} {reason_code} {idempotency_key}"
        )),
    }
}

/// A client of the tool behind a gate.
pub(crate) struct Till {
    pub(crate) desk: std::sync::Arc<Desk>,
    pub(crate) session: InProcess<Server<std::sync::Arc<Desk>>>,
}

/// A gate that asks the registry at `url`, with half a second for it.
pub(crate) fn gate(url: &str) -> GateBuilder {
    Gate::builder()
        .ledger_in_memory()
        .agent(AgentId::parse(TESTER).unwrap())
        .timeout(Duration::from_millis(400))
        .registry(url)
        .api_key("key-hunter2")
}

impl Till {
    pub(crate) async fn open(builder: GateBuilder) -> Self {
        let home = tempfile::tempdir().unwrap();
        let gate = builder.home(home.path()).build().await.unwrap();
        Self::serve(gate, home).await
    }

    pub(crate) async fn serve(gate: Gate, home: tempfile::TempDir) -> Self {
        let desk = std::sync::Arc::new(Desk::default());
        let server = Server::new(gate.clone(), std::sync::Arc::clone(&desk)).with_route(refund);
        Self {
            desk,
            session: InProcess::serve(server, gate, home).await,
        }
    }

    pub(crate) async fn refund(&self, key: &str) -> CallToolResult {
        self.session.call("refund", arguments(key)).await
    }

    pub(crate) fn runs(&self) -> u32 {
        self.desk.runs.load(Ordering::SeqCst)
    }

    /// The call was refused with this code, nothing ran, and the audit has it.
    pub(crate) async fn assert_refused(&self, result: &CallToolResult, code: &str, row: &str) {
        let said = text(result);
        let told = codes(result).concat();
        assert!(
            code.split(" or ").any(|code| code == told),
            "{row}: {told}: {said}"
        );
        assert_eq!(result.is_error, Some(true), "{row}");
        assert!(said.starts_with("Policy check failed: "), "{row}: {said}");
        assert!(said.ends_with("\nThe tool was not run."), "{row}: {said}");
        assert!(!said.contains("hunter2"), "{row}: {said}");
        assert_eq!(self.runs(), 0, "{row}: the body ran");
        let refusals = self.session.records("refusal").await;
        assert!(
            refusals.iter().any(|refusal| refusal["code"] == *told),
            "{row}: not on record: {refusals:?}"
        );
        let decisions = self.session.records("decision").await;
        assert!(decisions.is_empty(), "{row}: {decisions:?}");
    }
}

pub(crate) fn arguments(key: &str) -> Value {
    json!({
        "order_id": "order-1", "customer_id": "customer-1", "amount": 5, "currency": "USD",
        "region": "US", "reason_code": "customer_request", "idempotency_key": key,
    })
}

/// A complete decision that allows what was asked, made now.
pub(crate) fn allow(seen: &Seen) -> Map<String, Value> {
    let Value::Object(decision) = json!({
        "decision_id": format!("00000000-0000-4000-8000-{:06}{:06}", seen.connection, seen.before),
        "policy_id": seen.body["context"]["policy_id"],
        "agent_id": seen.body["agent_id"],
        "owner_id": "org_test",
        "assurance_level": "L2",
        "allow": true,
        "outcome": "allow",
        "reasons": [{"code": "oap.allowed", "message": "fine"}],
        "created_at": at(0),
        "expires_in": 60,
        "passport_digest": PASSPORT_DIGEST,
    }) else {
        unreachable!()
    };
    decision
}

/// The allow with one field changed, or gone where the value is null.
pub(crate) fn allow_but(seen: &Seen, field: &str, value: Value) -> Vec<Step> {
    let mut decision = allow(seen);
    if value.is_null() {
        decision.remove(field);
    } else {
        decision.insert(field.to_owned(), value);
    }
    vec![answer(200, &decision.into())]
}

/// This many seconds from now, RFC 3339.
pub(crate) fn at(seconds: i64) -> String {
    let span = jiff::SignedDuration::from_secs(seconds);
    (jiff::Timestamp::now() + span).to_string()
}

/// The registry's key.
pub(crate) fn signer() -> DecisionSigner {
    DecisionSigner::from_seed(&[7; 32])
}

pub(crate) fn jwks() -> Value {
    json!({ "keys": [signer().public_key()] })
}

/// A registry that publishes its key and answers the rest by `decide`.
pub(crate) fn with_keys(
    decide: impl Fn(&Seen) -> Vec<Step> + Send + Sync + 'static,
) -> impl Fn(&Seen) -> Vec<Step> + Send + Sync + 'static {
    move |seen| {
        if seen.line.contains("jwks.json") {
            vec![answer(200, &jwks())]
        } else {
            decide(seen)
        }
    }
}

/// The decision, signed by the registry's key.
pub(crate) fn signed(mut decision: Map<String, Value>) -> Map<String, Value> {
    signer().sign_document(&mut decision).unwrap();
    decision
}
