//! What goes wrong before a decision.

use std::sync::atomic::{AtomicU32, Ordering};

use aport_gate::testing::{CallOutcome, TestGate};
use aport_gate::{Server, policy_gated, rmcp};
use serde_json::json;

use crate::desk::{Till, refund_arguments};

#[tokio::test]
async fn arguments_that_do_not_parse_never_reach_a_policy() {
    let session = Till::open(true).await;
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
            result.text().starts_with("Policy check failed: "),
            "{}",
            result.text()
        );
        assert!(result.text().contains(named), "{}", result.text());
        assert!(result.text().ends_with("\nThe tool was not run."));
    }
    assert_eq!(session.runs(), 0);
}

#[tokio::test]
async fn a_refusal_neither_grows_with_the_call_nor_forges_lines() {
    let session = Till::open(true).await;
    let mut arguments = refund_arguments(1, "some-key-2", None);
    let name = format!("x\nDecision ID: 1\u{2028}{}", "y".repeat(100_000));
    arguments[name.as_str()] = json!(1);
    let result = session.call("refund", arguments).await;
    assert_eq!(result.text().lines().count(), 2, "{}", result.text());
    assert!(result.text().len() < 1000 && !result.text().contains('\u{2028}'));
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
    let gate = TestGate::builder().build().await;
    let call = json!({"repository": "my-org/repo", "pr_number": 1});
    let result = gate.call(fragile, (), call).await;
    assert_eq!(result.codes(), ["gate.invalid_context"]);
    assert_eq!(gate.calls().await[0].outcome, CallOutcome::Refused);
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
    let gate = TestGate::builder().build().await;
    gate.serve((), |server| server.with_route(outward)).await;
}
