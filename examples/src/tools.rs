//! The gated tools. Neither body can run without an allow decision.

use std::fmt::Display;

use aport_gate::rmcp::handler::server::router::tool::ToolRouter;
use aport_gate::{FactsError, Permit, Server, policy_gated};
use serde_json::Value;

use crate::{DeskError, Desks, Mandate, Merge, Payment, PullRequest, RefundOrder, RefundStatus};

/// All tools of the example server.
#[must_use]
pub fn tools() -> ToolRouter<Server<Desks>> {
    ToolRouter::new()
        .with_route(process_refund)
        .with_route(merge_pull_request)
}

/// Refund an order, wholly or in part.
#[policy_gated(
    pack = "finance.payment.refund.v1",
    // The currency of the payment is what the desk knows, not what the agent says.
    facts = payment(desks, order_id)
)]
pub async fn process_refund(
    #[service] desks: &Desks,
    #[permit] permit: &Permit,
    /// Order to refund.
    order_id: String,
    /// Customer who gets the money.
    customer_id: String,
    /// Amount in minor units of the currency (cents).
    #[schemars(range(min = 1))]
    amount: u64,
    /// ISO 4217 code, e.g. `USD`.
    currency: String,
    /// Region of the sale, e.g. `US`.
    region: String,
    /// Why it is refunded.
    #[arg(default = "customer_request")]
    reason_code: String,
    /// One key for one refund: repeat it when you repeat a call.
    idempotency_key: String,
) -> Result<String, DeskError> {
    let order = RefundOrder {
        order_id,
        customer_id,
        amount,
        currency,
        region,
        reason_code,
        idempotency_key,
    };
    let paid_by = permit.fact("paid_by").and_then(Value::as_str);
    if paid_by.is_some_and(|payer| payer != order.customer_id) {
        return Err(DeskError::Refused(format!(
            "order `{}` was paid by another customer than `{}`",
            order.order_id, order.customer_id
        )));
    }
    let mandate = Mandate {
        agent_id: permit.agent_id().to_string(),
        decision_id: permit.decision_id().to_owned(),
    };
    let refund = desks.payments.refund(order, mandate).await?;
    let amount = refund.order.amount.to_string();
    let mut lines: Vec<(&str, &dyn Display)> = vec![
        ("Amount in minor units", &amount),
        ("Currency", &refund.order.currency),
        ("Order", &refund.order.order_id),
    ];
    if refund.is_replayed {
        lines.push((
            "Paid",
            &"once under this key, by this call or an earlier one; not a second time",
        ));
    }
    match refund.status {
        RefundStatus::Succeeded => {}
        RefundStatus::Pending => lines.push(("Status", &"pending at the payment provider")),
        RefundStatus::RequiresAction => lines.push(("Status", &"waits for the customer to act")),
    }
    let headline = format!("✅ Refund processed: {}", refund.refund_id);
    Ok(answer(headline, &lines, permit, desks.payments.notice()))
}

/// Merge a pull request into its base branch.
#[policy_gated(
    pack = "code.repository.merge.v1",
    context(action = "pr.merge"),
    // Branch, size and review are what the git host knows, not what the agent says.
    facts = pull_request(desks, repository, *pr_number)
)]
pub async fn merge_pull_request(
    #[service] desks: &Desks,
    #[permit] permit: &Permit,
    /// Repository, `owner/name`.
    repository: String,
    /// Number of the pull request.
    pr_number: u64,
    /// Branch that you expect it to go into; the git host knows the real one.
    #[arg(default = "main")]
    base_branch: String,
) -> Result<String, DeskError> {
    let decided = |field| permit.fact(field).and_then(Value::as_str);
    match decided("branch") {
        Some(branch) if branch == base_branch => {}
        found => {
            return Err(DeskError::OtherBase {
                expected: base_branch,
                found: found.unwrap_or("an unknown branch").to_owned(),
            });
        }
    }
    let merge = Merge {
        repository,
        pr_number,
        base_branch,
        head: decided("head").map(ToOwned::to_owned),
        commit: None,
        is_looked_up: false,
        decision_id: permit.decision_id().to_owned(),
    };
    let merge = desks.git.merge(merge).await?;
    let headline = format!(
        "✅ Pull request #{} merged to {} in {}",
        merge.pr_number, merge.base_branch, merge.repository
    );
    let commits = [("Commit", &merge.commit), ("Merged head", &merge.head)];
    let mut lines: Vec<(&str, &dyn Display)> = commits
        .iter()
        .filter_map(|(name, value)| Some((*name, value.as_ref()? as &dyn Display)))
        .collect();
    if merge.is_looked_up {
        lines.push(("Merged by", &"this call, or another that was faster"));
    }
    Ok(answer(headline, &lines, permit, desks.git.notice()))
}

async fn payment(desks: &Desks, order_id: &str) -> Result<Payment, FactsError> {
    let found = desks.payments.payment(order_id).await;
    found.map_err(DeskError::into_facts_error)
}

async fn pull_request(
    desks: &Desks,
    repository: &str,
    number: u64,
) -> Result<PullRequest, FactsError> {
    let found = desks.git.pull_request(repository, number).await;
    found.map_err(DeskError::into_facts_error)
}

fn answer(
    headline: String,
    lines: &[(&str, &dyn Display)],
    permit: &Permit,
    notice: Option<&str>,
) -> String {
    let mut text = headline;
    let (decision, agent) = (permit.decision_id(), permit.agent_id());
    let proof: [(&str, &dyn Display); 2] = [("Decision ID", &decision), ("Agent", agent)];
    for (name, value) in lines.iter().chain(&proof) {
        // A value the agent chose must not look like a line of ours.
        let value = value.to_string().replace(char::is_control, " ");
        text.push_str(&format!("\n{name}: {value}"));
    }
    if let Some(notice) = notice {
        text.push('\n');
        text.push_str(notice);
    }
    text
}
