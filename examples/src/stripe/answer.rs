//! What an answer of Stripe says about whether money moved.

use std::time::Duration;

use http::{HeaderMap, Response};
use serde::Deserialize;
use serde_json::Value;

use super::order::PaymentId;
use crate::{DeskError, RefundStatus};

/// What became of one attempt.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The refund was made.
    Made {
        id: String,
        status: RefundStatus,
        /// Stripe gives its answer to an earlier request under the same key.
        is_replayed: bool,
    },
    /// Nothing was paid.
    NotMade {
        error: DeskError,
        /// It speaks of the refund itself, not of this attempt alone.
        is_final: bool,
    },
    /// It may have been made; asking again under the same key tells.
    Again {
        problem: String,
        wait: Option<Duration>,
    },
    /// It may have been made, and asking again does not help.
    Unknown(String),
}

/// What was asked for.
pub(super) struct Asked<'a> {
    pub(super) payment: &'a PaymentId,
    pub(super) amount: u64,
    /// In capitals.
    pub(super) currency: &'a str,
}

#[derive(Deserialize)]
struct Refund {
    id: String,
    object: String,
    amount: u64,
    currency: String,
    payment_intent: Option<Value>,
    charge: Option<Value>,
    status: Option<String>,
    failure_reason: Option<String>,
}

#[derive(Deserialize)]
struct Problem {
    error: Details,
}

#[derive(Deserialize)]
pub(super) struct Details {
    r#type: Option<String>,
    code: Option<String>,
    message: Option<String>,
}

/// The types of error that Stripe documents.
const TYPES: [&str; 4] = [
    "api_error",
    "card_error",
    IDEMPOTENCY,
    "invalid_request_error",
];
const IDEMPOTENCY: &str = "idempotency_error";
/// What goes for a refund that was not made, when Stripe said so before.
const KEPT: &str =
    "; nothing was paid, and Stripe keeps this answer under the key: use a new key for a new try";

/// What Stripe says in an answer that is no success, in the form that it documents: with the id of the request and
/// a type of error of its own. None where a gateway or a firewall may have said it.
pub(super) fn own_word(answer: &Response<Vec<u8>>) -> Option<Details> {
    let id = answer.headers().get("request-id")?.as_bytes();
    let problem: Problem = serde_json::from_slice(answer.body()).ok()?;
    let is_own = id.starts_with(b"req_") && TYPES.contains(&problem.error.r#type.as_deref()?);
    is_own.then_some(problem.error)
}

impl Outcome {
    pub(super) fn of(answer: &Response<Vec<u8>>, asked: &Asked<'_>) -> Self {
        let (status, headers) = (answer.status(), answer.headers());
        let is_replayed = flag(headers, "idempotent-replayed") == Some(true);
        if status.is_success() {
            return of_refund(answer.body(), asked, is_replayed);
        }
        let told = flag(headers, "stripe-should-retry");
        let problem = format!("Stripe answered {}", status.as_u16());
        // 408 and 499 are a proxy's: it gave up, and nobody knows what Stripe did.
        let may_be_made =
            status.is_server_error() || matches!(status.as_u16(), 408 | 409 | 429 | 499);
        if told == Some(true) || (may_be_made && told.is_none()) {
            let wait = headers.get("retry-after");
            let wait = wait.and_then(|value| value.to_str().ok()?.trim().parse().ok());
            return Self::Again {
                problem,
                wait: wait.map(Duration::from_secs),
            };
        }
        // Only Stripe itself can say that nothing was paid, and it says so in its own form.
        let details = match own_word(answer) {
            Some(details) if !may_be_made && status.is_client_error() => details,
            _ => return Self::Unknown(problem),
        };
        // The first request under this key has other details than this one, and may have paid: for another
        // server with the same account, for an earlier version of this one, or for another refund.
        if details.r#type.as_deref() == Some(IDEMPOTENCY) {
            return Self::Unknown(
                "this idempotency key was used before, perhaps for this very refund".to_owned(),
            );
        }
        Self::NotMade {
            error: refused(status.as_u16(), details, is_replayed),
            is_final: is_replayed,
        }
    }
}

fn of_refund(body: &[u8], asked: &Asked<'_>, is_replayed: bool) -> Outcome {
    let refund: Refund = match serde_json::from_slice(body) {
        Ok(refund) => refund,
        // Under the same key Stripe gives the same answer again, hopefully a whole one.
        Err(_) => {
            return Outcome::Again {
                problem: "its answer cannot be read".to_owned(),
                wait: None,
            };
        }
    };
    if refund.object != "refund"
        || refund.amount != asked.amount
        || !refund.currency.eq_ignore_ascii_case(asked.currency)
        || !asked
            .payment
            .is_of(refund.payment_intent.as_ref(), refund.charge.as_ref())
    {
        return Outcome::Unknown(format!(
            "Stripe made another refund than it was asked for, `{}`",
            shown(&refund.id)
        ));
    }
    let status = match refund.status.as_deref() {
        Some("succeeded") => RefundStatus::Succeeded,
        Some("pending") => RefundStatus::Pending,
        Some("requires_action") => RefundStatus::RequiresAction,
        Some(ended @ ("failed" | "canceled")) => {
            let reason = refund
                .failure_reason
                .as_deref()
                .unwrap_or("no reason is given");
            let mut told = format!(
                "the refund `{}` {ended} at the provider: {}",
                shown(&refund.id),
                shown(reason)
            );
            told.push_str(if is_replayed {
                KEPT
            } else {
                "; nothing was paid"
            });
            return Outcome::NotMade {
                error: DeskError::Refused(told),
                is_final: true,
            };
        }
        other => {
            return Outcome::Unknown(format!(
                "refund `{}` has the status `{}`",
                shown(&refund.id),
                shown(other.unwrap_or_default())
            ));
        }
    };
    Outcome::Made {
        id: refund.id,
        status,
        is_replayed,
    }
}

/// Why Stripe did not do it, for the agent.
fn refused(status: u16, details: Details, is_replayed: bool) -> DeskError {
    let mut told = match status {
        // Its message quotes the key.
        401 | 403 => "Stripe does not let this server's key make refunds".to_owned(),
        _ => {
            let said = details.message.as_deref().unwrap_or("no reason is given");
            let code = details
                .code
                .or(details.r#type)
                .unwrap_or_else(|| status.to_string());
            format!("Stripe refused ({}): {}", shown(&code), shown(said))
        }
    };
    if is_replayed {
        told.push_str(KEPT);
    }
    DeskError::Refused(told)
}

fn flag(headers: &HeaderMap, name: &str) -> Option<bool> {
    match headers.get(name)?.as_bytes() {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}

/// Short and on one line: it goes to an agent.
pub(super) fn shown(text: &str) -> String {
    let line = text.replace(char::is_control, " ");
    line.chars().take(300).collect()
}
