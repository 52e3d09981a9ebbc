//! A refund in Stripe's words: ids, amounts, reasons, keys.

use std::fmt;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::form_urlencoded::Serializer;

use crate::{DeskError, RefundOrder};

/// A payment at Stripe, which an agent names as the order and which becomes part of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PaymentId {
    id: String,
    is_intent: bool,
}

impl PaymentId {
    /// # Errors
    /// It is no id of a payment.
    pub(super) fn parse(order_id: &str) -> Result<Self, DeskError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_intent = order_id.starts_with("pi_");
        let is_payment = is_intent || order_id.starts_with("ch_") || order_id.starts_with("py_");
        if is_payment && (4..=255).contains(&order_id.len()) && order_id.chars().all(is_plain) {
            return Ok(Self {
                id: order_id.to_owned(),
                is_intent,
            });
        }
        Err(DeskError::Refused(
            "give as order the payment at Stripe: a PaymentIntent (`pi_…`) or a charge (`ch_…`)"
                .to_owned(),
        ))
    }

    /// Where it is looked up.
    pub(super) fn path(&self) -> String {
        let kind = if self.is_intent {
            "payment_intents"
        } else {
            "charges"
        };
        format!("/v1/{kind}/{}", self.id)
    }

    /// Whether a refund that names these is of this payment. It names one by its id, or where the account's
    /// settings expand it, by the whole of it.
    pub(super) fn is_of(&self, intent: Option<&Value>, charge: Option<&Value>) -> bool {
        let named = if self.is_intent { intent } else { charge };
        let id = named.map(|named| named.get("id").unwrap_or(named));
        id.is_some_and(|id| id.as_str() == Some(&self.id))
    }

    fn parameter(&self) -> &'static str {
        if self.is_intent {
            "payment_intent"
        } else {
            "charge"
        }
    }
}

impl fmt::Display for PaymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

/// An amount as Stripe counts it.
///
/// Both count in the smallest unit of a currency, but for some: <https://docs.stripe.com/currencies>.
///
/// # Errors
/// There is no such amount.
pub(super) fn amount(minor: u64, currency: &str) -> Result<u64, DeskError> {
    let refused = |problem: &str| Err(DeskError::Refused(problem.to_owned()));
    match currency {
        // They have no smaller unit, and Stripe still counts hundredths of them.
        "ISK" | "UGX" => match minor.checked_mul(100) {
            Some(amount) => Ok(amount),
            None => refused("the amount is too large"),
        },
        "BHD" | "JOD" | "KWD" | "OMR" | "TND" if !minor.is_multiple_of(10) => refused(&format!(
            "in {currency} the last digit of an amount must be 0: the provider pays no thousandths"
        )),
        // Five of the unit that ISO 4217 counts are one of the unit that Stripe counts.
        "MGA" => refused("refunds in MGA are not supported: its minor unit is not a decimal one"),
        _ => Ok(minor),
    }
}

/// Stripe's word for a reason, where it has one. Another is kept in the metadata.
fn reason(code: &str) -> Option<&'static str> {
    match code {
        "duplicate" | "duplicate_charge" => Some("duplicate"),
        "fraud" | "fraudulent" => Some("fraudulent"),
        "customer_request" | "requested_by_customer" => Some("requested_by_customer"),
        _ => None,
    }
}

/// The body of the request for a refund.
///
/// Under one key Stripe gives its first answer again only to the very same body. So there is nothing in it that
/// differs when the same refund is asked for again, such as the decision: its key and agent tell which it is.
pub(super) fn form(
    payment: &PaymentId,
    amount: u64,
    order: &RefundOrder,
    agent_id: &str,
) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair(payment.parameter(), &payment.id);
    form.append_pair("amount", &amount.to_string());
    if let Some(reason) = reason(&order.reason_code) {
        form.append_pair("reason", reason);
    }
    for (name, value) in [
        ("metadata[agent_id]", agent_id),
        ("metadata[idempotency_key]", &order.idempotency_key),
        ("metadata[reason_code]", &order.reason_code),
    ] {
        // Stripe takes 500 characters.
        form.append_pair(name, &value.chars().take(500).collect::<String>());
    }
    form.finish()
}

/// The key at Stripe of an agent's key: two agents' equal keys are two, and none is longer than Stripe's 255
/// characters.
pub(super) fn idempotency_key(agent_id: &str, key: &str) -> String {
    let mut hash = Sha256::new();
    // With its length in front no agent can be read together with another's key.
    hash.update(
        u64::try_from(agent_id.len())
            .unwrap_or(u64::MAX)
            .to_be_bytes(),
    );
    hash.update(agent_id);
    hash.update(key);
    let digest = hash.finalize();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("aport-gate-{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_what_stripe_counts() {
        for (currency, minor, at_stripe) in [
            ("USD", 5000, Some(5000)),
            // No smaller unit than the yen, at Stripe neither.
            ("JPY", 500, Some(500)),
            ("ISK", 5, Some(500)),
            ("UGX", 700, Some(70_000)),
            ("UGX", u64::MAX, None),
            ("KWD", 5120, Some(5120)),
            ("KWD", 5124, None),
            ("MGA", 10, None),
        ] {
            assert_eq!(
                amount(minor, currency).ok(),
                at_stripe,
                "{minor} {currency}"
            );
        }
    }

    #[test]
    fn only_a_payment_can_be_refunded() {
        assert_eq!(
            PaymentId::parse("pi_3Oa").unwrap().path(),
            "/v1/payment_intents/pi_3Oa"
        );
        assert_eq!(
            PaymentId::parse("ch_3Oa").unwrap().path(),
            "/v1/charges/ch_3Oa"
        );
        for bad in [
            "",
            "pi_",
            "ORD-1",
            "re_1",
            "pi_1/../../charges",
            "ch_1?expand",
            "ch_1 2",
        ] {
            assert!(PaymentId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_of_two_agents_never_meet() {
        let key = idempotency_key("ap_a", "b-key-00001");
        assert_ne!(key, idempotency_key("ap_ab", "-key-00001"));
        assert_ne!(key, idempotency_key("ap_b", "b-key-00001"));
        assert_eq!(key, idempotency_key("ap_a", "b-key-00001"));
        assert!(idempotency_key("ap_a", &"k".repeat(10_000)).len() <= 255);
    }
}
