//! What Stripe knows about a payment.

use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::StripeDesk;
use super::answer::own_word;
use super::order::PaymentId;
use crate::{DeskError, Payment};

/// A look-up changes nothing, so it is tried again after an error of Stripe's.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(600)];

/// Of a PaymentIntent as of a charge.
#[derive(Deserialize)]
struct Found {
    id: String,
    currency: String,
    /// An id, or the customer where the account's settings expand it.
    customer: Option<Value>,
}

impl StripeDesk {
    /// # Errors
    /// It cannot be looked up.
    pub(super) async fn look_up(
        &self,
        payment: &PaymentId,
        deadline: Instant,
    ) -> Result<Payment, DeskError> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let request = self.request(Method::GET, &payment.path(), String::new());
            let request = request.map_err(|error| DeskError::NothingDone(Box::new(error)))?;
            let problem = match self.transport.send(request, deadline).await {
                Ok(answer) if answer.status().is_success() => return read(answer.body(), payment),
                Ok(answer) if answer.status().as_u16() == 404 && own_word(&answer).is_some() => {
                    return Err(DeskError::Refused(format!(
                        "Stripe knows no payment `{payment}`"
                    )));
                }
                Ok(answer) => {
                    let problem = format!("Stripe answered {}", answer.status().as_u16());
                    let is_passing = answer.status().is_server_error()
                        || matches!(answer.status().as_u16(), 409 | 429);
                    if !is_passing {
                        return Err(DeskError::NothingDone(problem.into()));
                    }
                    problem
                }
                Err(error) => format!("Stripe: {error}"),
            };
            match pauses.next() {
                Some(pause) if Instant::now() + pause < deadline => sleep(pause).await,
                _ => return Err(DeskError::NothingDone(problem.into())),
            }
        }
    }
}

fn read(body: &[u8], payment: &PaymentId) -> Result<Payment, DeskError> {
    let found: Found =
        serde_json::from_slice(body).map_err(|error| DeskError::NothingDone(Box::new(error)))?;
    if found.id != payment.to_string() {
        return Err(DeskError::NothingDone(
            "Stripe answered about another payment".into(),
        ));
    }
    let paid_by = found.customer.and_then(|customer| match customer {
        Value::String(id) => Some(id),
        other => other.get("id")?.as_str().map(ToOwned::to_owned),
    });
    Ok(Payment {
        order_currency: Some(found.currency.to_ascii_uppercase()),
        paid_by,
    })
}
