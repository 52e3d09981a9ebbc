//! One refund, however often it has to be asked for.

use std::time::Duration;

use http::{HeaderValue, Method, Request};
use tokio::time::{Instant, sleep};

use super::StripeDesk;
use super::answer::{Asked, Outcome, shown};
use super::order::{self, PaymentId};
use crate::transport::SendError;
use crate::{DeskError, Mandate, Refund, RefundOrder};

const ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(250);

impl StripeDesk {
    /// # Errors
    /// Nothing was paid, or nobody knows.
    pub(super) async fn refund_once(
        &self,
        order: RefundOrder,
        mandate: Mandate,
        deadline: Instant,
    ) -> Result<Refund, DeskError> {
        let payment = PaymentId::parse(&order.order_id)?;
        let amount = order::amount(order.amount, &order.currency)?;
        let form = order::form(&payment, amount, &order, &mandate.agent_id);
        let key = order::idempotency_key(&mandate.agent_id, &order.idempotency_key);
        let prepare = || -> http::Result<Request<Vec<u8>>> {
            let mut request = self.request(Method::POST, "/v1/refunds", form.clone())?;
            let key = HeaderValue::from_str(&key)?;
            request.headers_mut().insert("idempotency-key", key);
            Ok(request)
        };
        let asked = Asked {
            payment: &payment,
            amount,
            currency: &order.currency,
        };
        // What an earlier attempt may have done.
        let mut doubt: Option<String> = None;
        let mut not_sent = None;
        for attempt in 0..ATTEMPTS {
            let request = prepare().map_err(|error| DeskError::NothingDone(Box::new(error)))?;
            // One that hangs leaves time for another.
            let until = deadline.min(Instant::now() + self.timeout / 3);
            let mut pause = FIRST_PAUSE * 2_u32.pow(attempt);
            match self.transport.send(request, until).await {
                Ok(answer) => match Outcome::of(&answer, &asked) {
                    Outcome::Made {
                        id,
                        status,
                        is_replayed,
                    } => {
                        return Ok(Refund {
                            refund_id: shown(&id),
                            agent_id: mandate.agent_id,
                            // After an attempt of our own that nobody knows about, too: it may have been given
                            // again then already.
                            is_replayed,
                            decision_id: mandate.decision_id,
                            status,
                            order,
                        });
                    }
                    Outcome::NotMade { error, is_final } if is_final || doubt.is_none() => {
                        return Err(error);
                    }
                    // An earlier attempt may have paid all the same.
                    Outcome::NotMade { .. } => break,
                    Outcome::Again { problem, wait } => {
                        doubt.get_or_insert(problem);
                        pause = wait.unwrap_or(pause).max(pause);
                    }
                    Outcome::Unknown(problem) => {
                        doubt = Some(problem);
                        break;
                    }
                },
                Err(error @ SendError::NotSent(_)) => not_sent = Some(error.to_string()),
                Err(error) => {
                    doubt.get_or_insert(error.to_string());
                }
            }
            let next = Instant::now().checked_add(pause);
            if attempt + 1 == ATTEMPTS || next.is_none_or(|next| next >= deadline) {
                break;
            }
            sleep(pause).await;
        }
        Err(match (doubt, not_sent) {
            (None, Some(problem)) => DeskError::NothingDone(format!("Stripe: {problem}").into()),
            (doubt, _) => DeskError::Unclear(
                format!(
                    "Stripe: {}; before anything else look at `{payment}` for a refund with idempotency_key `{}` and agent_id `{}` in its metadata (decision {})",
                    doubt.unwrap_or_else(|| "there was no time to ask".to_owned()),
                    shown(&order.idempotency_key),
                    mandate.agent_id,
                    mandate.decision_id
                )
                .into(),
            ),
        })
    }
}
