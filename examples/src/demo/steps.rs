//! The steps, each with what it expects.

use aport_gate::{
    ClientError, DenialReason, PassportClient, RetryOnDenial, Sent, Strategy, ToolReply,
};
use serde_json::{Map, Value, json};

use crate::{CallReport, call_command::told, report::Step};

type Outcome = Result<ToolReply, ClientError>;

const PACKS: [(&str, &str); 2] = [
    (MERGE, "code.repository.merge.v1"),
    (REFUND, "finance.payment.refund.v1"),
];
const MERGE: &str = "merge_pull_request";
const REFUND: &str = "process_refund";
const LIMIT: u64 = 50_000;
const OVER_LIMIT: u64 = 100_000;

pub(super) async fn list(client: &PassportClient) -> Step {
    let (ok, observed, detail) = match client.list_tools().await {
        Ok(tools) => {
            let listed: Vec<_> = tools
                .iter()
                .map(|tool| {
                    (
                        tool.name.as_str(),
                        tool.policy.as_ref().map_or("no pack", |p| &p.pack),
                    )
                })
                .collect();
            let lines: Vec<_> = listed
                .iter()
                .map(|(tool, pack)| format!("{tool}: {pack}"))
                .collect();
            let detail = listed
                .iter()
                .map(|(tool, pack)| json!({ "tool": tool, "pack": pack }));
            (listed == PACKS, lines.join("\n"), detail.collect())
        }
        Err(error) => (false, told(&error), json!({ "error": error.to_string() })),
    };
    Step {
        name: "tools_listed",
        expected: "The listing names the policy pack that guards each tool",
        observed,
        ok,
        detail,
    }
}

pub(super) async fn merge(client: &PassportClient) -> Step {
    let outcome = client.call(MERGE, merge_arguments()).await;
    let start = "✅ Pull request #123 merged to main in my-org/my-repo";
    let ok = matches!(&outcome, Ok(reply) if decided(reply) && reply.text().starts_with(start));
    step(
        MERGE,
        "merge_allowed",
        "Merging pull request #123 is allowed",
        ok,
        outcome,
    )
}

pub(super) async fn refund(client: &PassportClient) -> Step {
    let call = refund_arguments(5000, "demo-refund-1");
    let outcome = client.call(REFUND, call).await;
    let start = "✅ Refund processed: ";
    let ok = matches!(&outcome, Ok(reply) if decided(reply) && reply.text().starts_with(start));
    step(
        REFUND,
        "refund_allowed",
        "A refund of 50 dollars is allowed",
        ok,
        outcome,
    )
}

pub(super) async fn refund_over_limit(client: &PassportClient) -> Step {
    let call = refund_arguments(OVER_LIMIT, "demo-refund-2");
    let outcome = client.call(REFUND, call).await;
    let names_limit = |reason: &DenialReason| {
        let details = reason.details.as_ref();
        reason.code == "oap.limit_exceeded"
            && details.is_some_and(|d| d.actual == OVER_LIMIT && d.limit == LIMIT)
    };
    let ok = matches!(&outcome, Err(ClientError::Denied(denial))
        if denial.decision_id.is_some() && denial.reasons.iter().any(names_limit));
    let expected = "A refund of 1000 dollars is denied, with the limit of 500 as reason";
    step(REFUND, "refund_over_limit_denied", expected, ok, outcome)
}

pub(super) async fn adjusted_refund(client: &PassportClient) -> Step {
    let call = refund_arguments(OVER_LIMIT, "demo-refund-2");
    let halve = Strategy::Halve {
        field: "amount".to_owned(),
    };
    let outcome = client
        .call_with_retry(REFUND, call, RetryOnDenial::new(halve))
        .await;
    let ok = matches!(&outcome, Ok(reply)
        if decided(reply)
            && reply.denials.len() == 1
            && reply.arguments.get("amount") == Some(&LIMIT.into()));
    let expected = "Halving the amount after each denial ends in an allowed refund of 500 dollars";
    step(REFUND, "refund_adjusted", expected, ok, outcome)
}

pub(super) async fn suspended_passport(client: &PassportClient) -> Step {
    let call = refund_arguments(5000, "demo-refund-3");
    let outcome = client.call(REFUND, call).await;
    let ok = is_suspended(&outcome);
    let expected = "An agent with a suspended passport is denied";
    step(REFUND, "suspended_agent_denied", expected, ok, outcome)
}

pub(super) async fn suspended_meanwhile(client: &PassportClient) -> Step {
    let call = refund_arguments(5000, "demo-refund-4");
    let outcome = client.call(REFUND, call).await;
    let ok = is_suspended(&outcome);
    let expected = "Once the operator suspends the passport, the running server denies at once";
    step(REFUND, "suspended_meanwhile_denied", expected, ok, outcome)
}

fn merge_arguments() -> Map<String, Value> {
    let mut arguments = Map::new();
    arguments.insert("repository".to_owned(), "my-org/my-repo".into());
    arguments.insert("pr_number".to_owned(), 123.into());
    arguments
}

fn refund_arguments(amount: u64, key: &str) -> Map<String, Value> {
    let mut arguments = Map::new();
    arguments.insert("amount".to_owned(), amount.into());
    for (name, value) in [
        ("order_id", "ORD-1001"),
        ("customer_id", "CUS-7"),
        ("currency", "USD"),
        ("region", "US"),
        ("reason_code", "defective_product"),
        ("idempotency_key", key),
    ] {
        arguments.insert(name.to_owned(), value.into());
    }
    arguments
}

/// Allowed by a decision, not for want of a gate.
fn decided(reply: &ToolReply) -> bool {
    let decision = reply.decision.as_ref();
    decision.is_some_and(|decision| decision.allow && decision.decision_id.is_some())
}

fn is_suspended(outcome: &Outcome) -> bool {
    matches!(outcome, Err(ClientError::Denied(denial))
        if denial.has_code("oap.passport_suspended"))
}

/// `tool`: what was called.
fn step(
    tool: &str,
    name: &'static str,
    expected: &'static str,
    ok: bool,
    outcome: Outcome,
) -> Step {
    let (observed, detail) = match outcome {
        Ok(reply) => {
            let denied = reply
                .denials
                .iter()
                .map(|denial| format!("denied: {denial}\n"));
            let observed = denied.collect::<String>() + &reply.text();
            (observed, json!(CallReport::of_reply(tool, &reply)))
        }
        Err(error) => (
            told(&error),
            json!(CallReport::of_error(tool, &error, Sent::default())),
        ),
    };
    Step {
        name,
        expected,
        observed,
        ok,
        detail,
    }
}
