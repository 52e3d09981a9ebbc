//! Two gated tools, a passport for them, and a session with both.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aport_gate::testing::{Answer, CallOutcome, Session, TestGate, TestPassport};
use aport_gate::{ExecutionReport, Json, Permit, Server, policy_gated};
use serde_json::{Value, json};

pub(crate) const AGENT: &str = "ap_tester";

#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) runs: AtomicU32,
    dropped: Arc<AtomicU32>,
}

#[derive(
    aport_gate::serde::Serialize, aport_gate::serde::Deserialize, aport_gate::schemars::JsonSchema,
)]
#[serde(crate = "aport_gate::serde")]
#[schemars(crate = "aport_gate::schemars")]
pub(crate) struct Receipt {
    amount: u64,
    agent: String,
}

#[derive(Debug)]
pub(crate) enum DeskError {
    Closed,
    Unclear,
}

impl std::fmt::Display for DeskError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Closed => "the desk is closed",
            Self::Unclear => "the desk did not answer",
        })
    }
}

impl ExecutionReport for DeskError {
    fn nothing_executed(&self) -> bool {
        matches!(self, Self::Closed)
    }
}

struct CountDrop(Arc<AtomicU32>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Refund an order.
///
/// `note` chooses how the desk behaves.
#[policy_gated(
    pack = "finance.payment.refund.v1",
    title = "Refund",
    annotations(destructive_hint = true)
)]
#[allow(clippy::too_many_arguments)]
pub(crate) async fn refund(
    #[service] desk: &Desk,
    #[permit] permit: &Permit,
    /// Order to refund.
    order_id: String,
    customer_id: String,
    #[schemars(range(min = 1))] amount: u64,
    currency: String,
    region: String,
    #[arg(default = "customer_request")] reason_code: String,
    idempotency_key: String,
    note: Option<String>,
) -> Result<Json<Receipt>, DeskError> {
    let _dropped = CountDrop(Arc::clone(&desk.dropped));
    desk.runs.fetch_add(1, Ordering::SeqCst);
    assert_eq!(reason_code, "customer_request");
    let _ = (order_id, customer_id, currency, region, idempotency_key);
    match note.as_deref() {
        Some("closed") => Err(DeskError::Closed),
        Some("unclear") => Err(DeskError::Unclear),
        Some("panic") => panic!("the desk fell over"),
        Some("hang") => std::future::pending().await,
        _ => Ok(Json(Receipt {
            amount,
            agent: permit.agent_id().to_string(),
        })),
    }
}

/// Merge a pull request.
#[policy_gated(pack = "code.repository.merge.v1", context(action = "pr.merge", branch = base_branch))]
pub(crate) async fn merge(
    repository: String,
    pr_number: u64,
    #[arg(default = "main")] base_branch: String,
) -> String {
    format!("{repository}#{pr_number} -> {base_branch}")
}

/// A client of both tools. The ledger is the one that serves, in a file.
pub(crate) struct Till {
    pub(crate) gate: TestGate,
    pub(crate) session: Session<Server<Desk>>,
    keys: AtomicU32,
    _folder: tempfile::TempDir,
}

impl Till {
    pub(crate) async fn open(bound: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut builder = TestGate::builder()
            .passport(TestPassport::from_document(passport()))
            .configure(|gate| gate.ledger(folder.path().join("ledger.sqlite3")));
        if !bound {
            builder = builder.unbound();
        }
        let gate = builder.build().await;
        let session = gate
            .serve(Desk::default(), |server| {
                server.with_route(refund).with_route(merge)
            })
            .await;
        Self {
            gate,
            session,
            keys: AtomicU32::new(0),
            _folder: folder,
        }
    }

    pub(crate) fn set_passport(&self, document: Value) {
        self.gate
            .set_passport(&TestPassport::from_document(document));
    }

    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Answer {
        self.session.call(tool, arguments).await
    }

    pub(crate) async fn refund(&self, amount: u64, note: Option<&str>) -> Answer {
        let key = self.keys.fetch_add(1, Ordering::SeqCst);
        let key = format!("key-{key:08}");
        self.call("refund", refund_arguments(amount, &key, note))
            .await
    }

    pub(crate) fn runs(&self) -> u32 {
        self.session.state().runs.load(Ordering::SeqCst)
    }

    /// What became of the bodies that ran.
    pub(crate) async fn outcomes(&self) -> Vec<CallOutcome> {
        let calls = self.gate.calls().await;
        let outcomes = calls.into_iter().map(|call| call.outcome);
        outcomes
            .filter(|outcome| {
                !matches!(
                    outcome,
                    CallOutcome::Denied | CallOutcome::Refused | CallOutcome::Running
                )
            })
            .collect()
    }
}

pub(crate) fn passport() -> Value {
    json!({
        "passport_id": AGENT, "kind": "instance", "spec_version": "oap/1.0",
        "owner_id": "org_test", "owner_type": "org", "assurance_level": "L2", "status": "active",
        "capabilities": [{"id": "finance.payment.refund"}, {"id": "code.repository.merge"}],
        "limits": {
            "finance.payment.refund": {
                "currency_limits": {"USD": {"max_per_tx": 5000, "daily_cap": 10000}},
                "reason_codes": ["customer_request"]
            },
            "code.repository.merge": {
                "allowed_repositories": ["my-org/*"],
                "allowed_base_branches": ["main", "release/*"],
                "max_merges_per_day": 2
            }
        },
        "regions": ["US"],
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "version": "1.0.0"
    })
}

pub(crate) fn refund_arguments(amount: u64, key: &str, note: Option<&str>) -> Value {
    json!({
        "order_id": "order-1", "customer_id": "customer-1", "amount": amount, "currency": "USD",
        "region": "US", "idempotency_key": key, "note": note,
    })
}
