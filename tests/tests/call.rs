//! The whole call, from an rmcp client to a gated body and back, in one process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aport_gate::rmcp::model::{CallToolRequestParams, CallToolResult};
use aport_gate::rmcp::service::{RoleClient, RunningService};
use aport_gate::rmcp::{self, ServiceExt as _};
use aport_gate::{ExecutionReport, Gate, Json, Permit, Server, oap::AgentId, policy_gated};
use serde_json::{Value, json};

const AGENT: &str = "ap_tester";

#[derive(Default)]
struct Desk {
    runs: AtomicU32,
    dropped: Arc<AtomicU32>,
}

#[derive(
    aport_gate::serde::Serialize, aport_gate::serde::Deserialize, aport_gate::schemars::JsonSchema,
)]
#[serde(crate = "aport_gate::serde")]
#[schemars(crate = "aport_gate::schemars")]
struct Receipt {
    amount: u64,
    agent: String,
}

#[derive(Debug)]
enum DeskError {
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
async fn refund(
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
async fn merge(
    repository: String,
    pr_number: u64,
    #[arg(default = "main")] base_branch: String,
) -> String {
    format!("{repository}#{pr_number} -> {base_branch}")
}

struct Session {
    client: RunningService<RoleClient, ()>,
    gate: Gate,
    server: Option<RunningService<rmcp::RoleServer, Server<Desk>>>,
    home: tempfile::TempDir,
    keys: AtomicU32,
}

fn passport() -> Value {
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

impl Session {
    async fn start(bound: bool) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut builder = Gate::builder().home(home.path());
        if bound {
            builder = builder.agent(AgentId::parse(AGENT).unwrap());
        }
        let gate = builder.build().await.unwrap();
        std::fs::write(
            home.path().join(format!("passports/{AGENT}.json")),
            passport().to_string(),
        )
        .unwrap();
        let (server_side, client_side) = tokio::io::duplex(1 << 16);
        let server = Server::new(gate.clone(), Desk::default())
            .with_route(refund)
            .with_route(merge);
        let (server, client) =
            tokio::join!(server.serve_transport(server_side), ().serve(client_side));
        Self {
            client: client.unwrap(),
            gate,
            server: Some(server.unwrap()),
            home,
            keys: AtomicU32::new(0),
        }
    }

    async fn call(&self, tool: &'static str, arguments: Value) -> CallToolResult {
        let Value::Object(arguments) = arguments else {
            panic!("not an object")
        };
        let request = CallToolRequestParams::new(tool).with_arguments(arguments);
        self.client.call_tool(request).await.unwrap()
    }

    async fn refund(&self, amount: u64, note: Option<&str>) -> CallToolResult {
        let key = self.keys.fetch_add(1, Ordering::SeqCst);
        self.call(
            "refund",
            refund_arguments(amount, &format!("key-{key:08}"), note),
        )
        .await
    }

    fn runs(&self) -> u32 {
        self.server.as_ref().unwrap().service().desk_runs()
    }

    async fn outcomes(&self) -> Vec<Value> {
        self.gate.ledger().verify().await.unwrap();
        let records = self.gate.ledger().records(0, 1000).await.unwrap();
        records
            .into_iter()
            .filter(|r| r.kind == "outcome")
            .map(|r| r.body)
            .collect()
    }
}

trait DeskRuns {
    fn desk_runs(&self) -> u32;
}

impl DeskRuns for Server<Desk> {
    fn desk_runs(&self) -> u32 {
        let desk: &Desk = aport_gate::HasService::service(self);
        desk.runs.load(Ordering::SeqCst)
    }
}

fn refund_arguments(amount: u64, key: &str, note: Option<&str>) -> Value {
    json!({
        "order_id": "order-1", "customer_id": "customer-1", "amount": amount, "currency": "USD",
        "region": "US", "idempotency_key": key, "note": note,
    })
}

fn text(result: &CallToolResult) -> &str {
    &result.content[0].as_text().unwrap().text
}

fn decision(result: &CallToolResult) -> &Value {
    &result.meta.as_ref().unwrap().0["io.aport/decision"]
}

fn codes(result: &CallToolResult) -> Vec<&str> {
    decision(result)["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| reason["code"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn an_allowed_refund_runs_and_carries_its_decision() {
    let session = Session::start(true).await;
    let result = session.refund(5000, None).await;
    assert_eq!(result.is_error, Some(false), "{}", text(&result));
    assert_eq!(
        result.structured_content,
        Some(json!({"amount": 5000, "agent": AGENT}))
    );
    assert_eq!(decision(&result)["allow"], json!(true));
    assert_eq!(decision(&result)["agent_id"], json!(AGENT));
    assert_eq!(session.runs(), 1);
    assert_eq!(session.outcomes().await.len(), 1);
}

#[tokio::test]
async fn a_denied_refund_does_not_run_and_says_the_limit() {
    let session = Session::start(true).await;
    let result = session.refund(5001, None).await;
    assert_eq!(result.is_error, Some(true));
    assert!(
        text(&result).starts_with("Policy denied: "),
        "{}",
        text(&result)
    );
    assert!(text(&result).contains("\nDecision ID: "));
    assert!(result.structured_content.is_none());
    let details = &decision(&result)["reasons"][0]["details"];
    assert_eq!(
        (&details["field"], &details["actual"], &details["limit"]),
        (&json!("amount"), &json!(5001), &json!(5000))
    );
    assert_eq!(session.runs(), 0);
    assert!(session.outcomes().await.is_empty());
}

#[tokio::test]
async fn the_daily_cap_counts_what_ran_and_frees_what_did_not() {
    let session = Session::start(true).await;
    // Nothing executed: given back.
    assert_eq!(
        session.refund(5000, Some("closed")).await.is_error,
        Some(true)
    );
    // Unclear: held.
    assert_eq!(
        session.refund(5000, Some("unclear")).await.is_error,
        Some(true)
    );
    assert_eq!(session.refund(5000, None).await.is_error, Some(false));
    let over = session.refund(1, None).await;
    assert_eq!(codes(&over), ["oap.limit_exceeded"]);
    assert_eq!(session.runs(), 3);
}

#[tokio::test]
async fn a_panicking_body_is_answered_and_held() {
    let session = Session::start(true).await;
    let result = session.refund(5000, Some("panic")).await;
    assert_eq!(result.is_error, Some(true));
    assert!(text(&result).contains("Decision ID: "));
    assert!(!text(&result).contains("fell over"));
    assert_eq!(session.refund(5000, None).await.is_error, Some(false));
    assert_eq!(
        codes(&session.refund(1, None).await),
        ["oap.limit_exceeded"]
    );
}

#[tokio::test]
async fn a_cancelled_body_is_dropped_and_held() {
    let session = Session::start(true).await;
    let Value::Object(arguments) = refund_arguments(5000, "key-hanging", Some("hang")) else {
        unreachable!()
    };
    let request = CallToolRequestParams::new("refund").with_arguments(arguments);
    let handle = session
        .client
        .send_cancellable_request(
            rmcp::model::ClientRequest::CallToolRequest(rmcp::model::CallToolRequest::new(request)),
            rmcp::service::PeerRequestOptions::no_options(),
        )
        .await
        .unwrap();
    wait_until(|| session.runs() == 1).await;
    handle.cancel(Some("enough".to_owned())).await.unwrap();
    for _ in 0..200 {
        if !session.outcomes().await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(session.outcomes().await[0]["outcome"], json!("abandoned"));
    assert_eq!(session.refund(5000, None).await.is_error, Some(false));
    assert_eq!(
        codes(&session.refund(1, None).await),
        ["oap.limit_exceeded"]
    );
}

async fn wait_until(condition: impl Fn() -> bool) {
    for _ in 0..500 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not happen within five seconds");
}

#[tokio::test]
async fn an_idempotency_key_pays_once() {
    let session = Session::start(true).await;
    let arguments = refund_arguments(100, "the-same-key", None);
    assert_eq!(
        session.call("refund", arguments.clone()).await.is_error,
        Some(false)
    );
    let again = session.call("refund", arguments).await;
    assert_eq!(codes(&again), ["oap.idempotency_conflict"]);
    assert_eq!(session.runs(), 1);
}

#[tokio::test]
async fn arguments_that_do_not_parse_never_reach_a_policy() {
    let session = Session::start(true).await;
    for (change, named) in [
        (json!({"amount": "5"}), "amount"),
        (json!({"amount": 1.5}), "amount"),
        (json!({"amount": -1}), "amount"),
        (json!({"surprise": 1}), "surprise"),
        (json!({"customer_id": null}), "customer_id"),
        (json!({"amount": 9_007_199_254_740_993_u64}), "amount"),
    ] {
        let mut arguments = refund_arguments(1, "some-key-1", None);
        for (field, value) in change.as_object().unwrap() {
            arguments[field] = value.clone();
        }
        let result = session.call("refund", arguments).await;
        assert!(
            text(&result).starts_with("Policy check failed: "),
            "{}",
            text(&result)
        );
        assert!(text(&result).contains(named), "{}", text(&result));
        assert!(text(&result).ends_with("\nThe tool was not run."));
    }
    assert_eq!(session.runs(), 0);
}

#[tokio::test]
async fn an_unbound_gate_needs_the_agent_and_a_bound_one_refuses_another() {
    let unbound = Session::start(false).await;
    assert_eq!(
        codes(&unbound.refund(1, None).await),
        ["gate.agent_id_missing"]
    );
    let mut arguments = refund_arguments(1, "key-named-1", None);
    arguments["agent_id"] = json!(AGENT);
    assert_eq!(
        unbound.call("refund", arguments.clone()).await.is_error,
        Some(false)
    );

    let bound = Session::start(true).await;
    arguments["agent_id"] = json!("ap_somebody_else");
    assert_eq!(
        codes(&bound.call("refund", arguments).await),
        ["gate.agent_id_conflict"]
    );
    assert_eq!(bound.runs(), 0);
}

#[tokio::test]
async fn a_suspension_counts_from_the_next_call() {
    let session = Session::start(true).await;
    assert_eq!(session.refund(1, None).await.is_error, Some(false));
    let mut suspended = passport();
    suspended["status"] = json!("suspended");
    let file = session.home.path().join(format!("passports/{AGENT}.json"));
    std::fs::write(&file, suspended.to_string()).unwrap();
    assert_eq!(
        codes(&session.refund(1, None).await),
        ["oap.passport_suspended"]
    );
    std::fs::remove_file(&file).unwrap();
    assert_eq!(
        codes(&session.refund(1, None).await),
        ["oap.passport_not_found"]
    );
}

#[tokio::test]
async fn merges_are_bounded_by_repository_branch_and_day() {
    let session = Session::start(true).await;
    let merge = |repository: &str, branch: &str| {
        session.call(
            "merge",
            json!({"repository": repository, "pr_number": 1, "base_branch": branch}),
        )
    };
    assert_eq!(
        text(&merge("my-org/repo", "release/1").await),
        "my-org/repo#1 -> release/1"
    );
    assert!(codes(&merge("other/repo", "main").await).contains(&"oap.repository_not_allowed"));
    assert!(codes(&merge("my-org/repo", "develop").await).contains(&"oap.branch_not_allowed"));
    assert_eq!(merge("my-org/repo", "main").await.is_error, Some(false));
    assert_eq!(
        codes(&merge("my-org/repo", "main").await),
        ["oap.limit_exceeded"]
    );
}

#[tokio::test]
async fn the_listing_tells_pack_digest_context_and_who_must_say_the_agent() {
    for bound in [true, false] {
        let session = Session::start(bound).await;
        let tools = session.client.list_all_tools().await.unwrap();
        let tool = tools.iter().find(|tool| tool.name == "refund").unwrap();
        assert_eq!(tool.title.as_deref(), Some("Refund"));
        assert!(
            tool.description
                .as_deref()
                .unwrap()
                .starts_with("Refund an order.")
        );
        assert_eq!(
            tool.annotations.as_ref().unwrap().destructive_hint,
            Some(true)
        );
        let policy = &tool.meta.as_ref().unwrap().0["io.aport/policy"];
        assert_eq!(policy["pack"], json!("finance.payment.refund.v1"));
        assert!(policy["digest"].as_str().unwrap().starts_with("sha256:"));
        assert!(
            policy["context"]
                .as_array()
                .unwrap()
                .contains(&json!("customer_id"))
        );
        let schema = &tool.input_schema;
        assert_eq!(schema["additionalProperties"], json!(false));
        assert_eq!(
            schema["properties"]["order_id"]["description"],
            json!("Order to refund.")
        );
        assert_eq!(schema["properties"]["amount"]["minimum"], json!(1));
        assert_eq!(
            schema["properties"]["reason_code"]["default"],
            json!("customer_request")
        );
        let required = schema["required"].as_array().unwrap();
        assert_eq!(required.contains(&json!("agent_id")), !bound);
        assert!(required.contains(&json!("amount")) && !required.contains(&json!("note")));
        assert!(tool.output_schema.is_some());
        let merge = tools.iter().find(|tool| tool.name == "merge").unwrap();
        assert!(merge.output_schema.is_none());
    }
}

#[tokio::test]
async fn a_tool_whose_pack_the_gate_lacks_stops_the_server_from_starting() {
    #[policy_gated(pack = "acme.deploy.v1", unchecked)]
    async fn deploy(target: String) -> String {
        target
    }
    let home = tempfile::tempdir().unwrap();
    let gate = Gate::builder().home(home.path()).build().await.unwrap();
    let (server_side, _client_side) = tokio::io::duplex(64);
    let Err(error) = Server::new(gate, ())
        .with_route(deploy)
        .serve_transport(server_side)
        .await
    else {
        panic!("it started")
    };
    let error = error.to_string();
    assert!(
        error.contains("deploy") && error.contains("acme.deploy.v1"),
        "{error}"
    );
}

#[tokio::test]
async fn a_refusal_neither_grows_with_the_call_nor_forges_lines() {
    let session = Session::start(true).await;
    let mut arguments = refund_arguments(1, "some-key-2", None);
    let name = format!("x\nDecision ID: 1\u{2028}{}", "y".repeat(100_000));
    arguments[name.as_str()] = json!(1);
    let result = session.call("refund", arguments).await;
    assert_eq!(text(&result).lines().count(), 2, "{}", text(&result));
    assert!(text(&result).len() < 1000 && !text(&result).contains('\u{2028}'));
}

#[tokio::test]
async fn a_panic_before_the_decision_is_answered_and_recorded() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    // The first call is the listing's.
    fn unreliable() -> String {
        assert!(CALLS.fetch_add(1, Ordering::SeqCst) == 0, "no default");
        "main".to_owned()
    }
    #[policy_gated(pack = "code.repository.merge.v1", context(action = "pr.merge", branch = base_branch))]
    async fn fragile(
        repository: String,
        pr_number: u64,
        #[arg(default = unreliable())] base_branch: String,
    ) -> String {
        format!("{repository}{pr_number}{base_branch}")
    }
    let home = tempfile::tempdir().unwrap();
    let gate = Gate::builder().home(home.path()).build().await.unwrap();
    let (server_side, client_side) = tokio::io::duplex(1 << 16);
    let server = Server::new(gate.clone(), ()).with_route(fragile);
    let (_server, client) =
        tokio::join!(server.serve_transport(server_side), ().serve(client_side));
    let Value::Object(arguments) = json!({"repository": "my-org/repo", "pr_number": 1}) else {
        unreachable!()
    };
    let call = CallToolRequestParams::new("fragile").with_arguments(arguments);
    let result = client.unwrap().call_tool(call).await.unwrap();
    assert_eq!(codes(&result), ["gate.invalid_context"]);
    assert_eq!(
        gate.ledger().records(0, 10).await.unwrap()[0].kind,
        "refusal"
    );
}

#[tokio::test]
async fn limits_of_a_wider_or_missing_capability_do_not_govern_a_merge() {
    for (other, capabilities) in [
        (
            "repo.pr.create",
            json!([{"id": "repo.pr.create"}, {"id": "repo.merge"}]),
        ),
        (
            "code.repository.merge",
            json!([{"id": "repo.pr.create"}, {"id": "repo.merge"}]),
        ),
    ] {
        let session = Session::start(true).await;
        let mut document = passport();
        document["capabilities"] = capabilities;
        let limits = |branch: &str| {
            json!({"allowed_repositories": ["my-org/*"],
            "allowed_base_branches": [branch], "max_merges_per_day": 9})
        };
        document["limits"] = json!({other: limits("**"), "repo.merge": limits("main")});
        let file = session.home.path().join(format!("passports/{AGENT}.json"));
        std::fs::write(file, document.to_string()).unwrap();
        let merge = |branch: &str| {
            session.call(
                "merge",
                json!({"repository": "my-org/repo", "pr_number": 1, "base_branch": branch}),
            )
        };
        assert_eq!(merge("main").await.is_error, Some(false));
        assert_eq!(codes(&merge("feature/x").await), ["oap.branch_not_allowed"]);
    }
}

#[tokio::test]
async fn a_ledger_in_memory_is_refused() {
    let home = tempfile::tempdir().unwrap();
    for path in [":memory:", "file:x?mode=memory", " "] {
        assert!(
            Gate::builder()
                .home(home.path())
                .ledger(path)
                .build()
                .await
                .is_err(),
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_expression_that_runs_before_the_decision_cannot_name_the_body() {
    // Inside `context(…)` the function's name is the route's, which takes no arguments and needs a server.
    #[policy_gated(
        pack = "code.repository.merge.v1",
        context(action = {
            let _: fn() -> rmcp::handler::server::router::tool::ToolRoute<Server<()>> = outward;
            "pr.merge"
        }, branch = base_branch)
    )]
    async fn outward(repository: String, pr_number: u64, base_branch: String) -> String {
        format!("{repository}{pr_number}{base_branch}")
    }
    let home = tempfile::tempdir().unwrap();
    let gate = Gate::builder().home(home.path()).build().await.unwrap();
    let (server_side, client_side) = tokio::io::duplex(1 << 16);
    let server = Server::new(gate, ()).with_route(outward);
    let (server, client) = tokio::join!(server.serve_transport(server_side), ().serve(client_side));
    drop((server, client));
}

#[tokio::test]
async fn a_null_does_not_hide_an_approval_and_a_class_does_not_cross_a_slash() {
    let session = Session::start(true).await;
    let file = session.home.path().join(format!("passports/{AGENT}.json"));
    let merge = || {
        session.call(
            "merge",
            json!({"repository": "my-org/repo", "pr_number": 1, "base_branch": "release/x"}),
        )
    };
    let mut document = passport();
    document["limits"]["approval_required"] = json!(true);
    document["limits"]["code.repository.merge"]["approval_required"] = json!(null);
    std::fs::write(&file, document.to_string()).unwrap();
    assert_eq!(codes(&merge().await), ["oap.approval_required"]);

    let mut document = passport();
    document["limits"]["code.repository.merge"]["allowed_base_branches"] = json!(["release[/]x"]);
    std::fs::write(&file, document.to_string()).unwrap();
    assert_eq!(codes(&merge().await), ["oap.policy_error"]);
}
