//! The desk that moves money.

use std::path::Path;

use aport_gate::PolicyFacts;
use serde::{Deserialize, Serialize};

use crate::{
    DeskError, DeskFuture,
    journal::{Entry, Journal},
};

/// What the desk itself knows about the payment of an order.
#[derive(Debug, Clone, PartialEq, Eq, Default, PolicyFacts)]
pub struct Payment {
    /// ISO 4217 code of the currency in which it was paid.
    pub order_currency: Option<String>,
    /// Who paid.
    #[policy_facts(record_only)]
    pub paid_by: Option<String>,
}

/// A refund that a tool asks for, after the gate allowed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundOrder {
    /// Order to refund.
    pub order_id: String,
    /// Customer who gets the money.
    pub customer_id: String,
    /// Minor units of `currency` (cents).
    pub amount: u64,
    /// ISO 4217 code.
    pub currency: String,
    /// Region of the sale.
    pub region: String,
    /// Why it is refunded.
    pub reason_code: String,
    /// One key for one refund, however often it is asked for.
    pub idempotency_key: String,
}

/// On whose behalf a refund is made, and by which decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mandate {
    /// The agent; its idempotency keys are its own.
    pub agent_id: String,
    /// The decision that allowed it.
    pub decision_id: String,
}

/// How far a refund is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// The money is on its way.
    #[default]
    Succeeded,
    /// The provider has not finished it.
    Pending,
    /// It waits for the customer, for instance for the number of an account.
    RequiresAction,
}

/// A refund that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// The desk's id of the refund.
    pub refund_id: String,
    /// The agent that it was made for.
    #[serde(default)]
    pub agent_id: String,
    /// The decision that allowed it.
    pub decision_id: String,
    /// The desk answered as it did to a request before, under the same key: for this one nothing was paid. That may
    /// have been an earlier call, or this one where something on the way delivers it twice.
    #[serde(skip)]
    pub is_replayed: bool,
    /// How far it is.
    #[serde(default)]
    pub status: RefundStatus,
    /// What was refunded.
    #[serde(flatten)]
    pub order: RefundOrder,
}

/// Makes refunds. A real payment provider implements this.
pub trait PaymentDesk: Send + Sync + 'static {
    /// Looks up how an order was paid.
    fn payment(&self, order_id: &str) -> DeskFuture<'_, Payment>;

    /// Refunds once per idempotency key of an agent; asked again with the same
    /// order, it returns the first refund or says that there was one.
    fn refund(&self, order: RefundOrder, mandate: Mandate) -> DeskFuture<'_, Refund>;

    /// What it is, for the log: where it is, and whether it is real.
    fn describe(&self) -> String;

    /// What a reader of the result must know about this desk, if anything.
    fn notice(&self) -> Option<&'static str> {
        None
    }
}

/// Books refunds into a file and moves no money.
#[derive(Debug)]
pub struct SimulatedPaymentDesk {
    journal: Journal,
}

impl SimulatedPaymentDesk {
    /// Keeps its books in `simulated-refunds.jsonl` in `home`.
    pub fn new(home: &Path) -> Self {
        Self {
            journal: Journal::new(home.join("simulated-refunds.jsonl")),
        }
    }
}

impl PaymentDesk for SimulatedPaymentDesk {
    // It knows no payments: whatever the order, nothing is known of it.
    fn payment(&self, _order_id: &str) -> DeskFuture<'_, Payment> {
        Box::pin(std::future::ready(Ok(Payment::default())))
    }

    fn refund(&self, order: RefundOrder, mandate: Mandate) -> DeskFuture<'_, Refund> {
        Box::pin(async move {
            let refund = Refund {
                refund_id: format!("re_simulated_{}", uuid::Uuid::new_v4().simple()),
                agent_id: mandate.agent_id,
                decision_id: mandate.decision_id,
                is_replayed: false,
                status: RefundStatus::Succeeded,
                order: order.clone(),
            };
            // As at Stripe, another agent's equal key is another refund.
            let same_key = |a: &Refund, b: &Refund| {
                a.agent_id == b.agent_id && a.order.idempotency_key == b.order.idempotency_key
            };
            match self.journal.add_once(refund, same_key).await? {
                Entry::Existing(refund) if refund.order != order => {
                    Err(DeskError::KeyReused(order.idempotency_key))
                }
                Entry::Added(refund) => Ok(refund),
                Entry::Existing(refund) => Ok(Refund {
                    is_replayed: true,
                    ..refund
                }),
            }
        })
    }

    fn describe(&self) -> String {
        "simulated; set STRIPE_API_KEY to refund through Stripe".to_owned()
    }

    fn notice(&self) -> Option<&'static str> {
        Some("The payment desk is simulated: no money was moved.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> RefundOrder {
        RefundOrder {
            order_id: "ORD-1".into(),
            customer_id: "CUS-1".into(),
            amount: 5000,
            currency: "USD".into(),
            region: "US".into(),
            reason_code: "fraud".into(),
            idempotency_key: "key-00001".into(),
        }
    }

    fn mandate(agent: &str, decision: &str) -> Mandate {
        Mandate {
            agent_id: agent.into(),
            decision_id: decision.into(),
        }
    }

    fn booked(home: &Path) -> usize {
        let books = std::fs::read_to_string(home.join("simulated-refunds.jsonl")).unwrap();
        books.lines().count()
    }

    #[tokio::test]
    async fn one_key_refunds_once() {
        let dir = tempfile::tempdir().unwrap();
        let desk = SimulatedPaymentDesk::new(dir.path());
        let order = order();
        let by = |decision: &str| mandate("ap_tester", decision);
        let first = desk.refund(order.clone(), by("dec-1")).await.unwrap();
        let again = desk.refund(order.clone(), by("dec-2")).await.unwrap();
        assert!(!first.is_replayed);
        let repeated = Refund {
            is_replayed: true,
            ..first
        };
        assert_eq!(repeated, again);
        let other = RefundOrder { amount: 1, ..order };
        let error = desk.refund(other, by("dec-3")).await.unwrap_err();
        assert!(matches!(error, DeskError::KeyReused(_)));
        assert_eq!(booked(dir.path()), 1);
    }

    #[tokio::test]
    async fn the_same_key_of_another_agent_is_another_refund() {
        let dir = tempfile::tempdir().unwrap();
        let desk = SimulatedPaymentDesk::new(dir.path());
        let one = desk.refund(order(), mandate("ap_one", "dec-1")).await;
        let other = desk.refund(order(), mandate("ap_other", "dec-2")).await;
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_ne!(one.refund_id, other.refund_id);
        assert!(!other.is_replayed);
        assert_eq!(other.decision_id, "dec-2");
        assert_eq!(booked(dir.path()), 2);
    }
}
