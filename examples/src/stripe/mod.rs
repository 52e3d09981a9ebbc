//! Refunds through Stripe.

mod answer;
mod order;
mod payment;
mod refund;

use std::time::Duration;

use http::{Method, Request};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;

use self::order::PaymentId;
use crate::setting::{Base, Environment};
use crate::transport::Transport;
use crate::{DeskFuture, Mandate, Payment, PaymentDesk, Refund, RefundOrder, SettingError};

const KEY: &str = "STRIPE_API_KEY";
const API: &str = "STRIPE_API_BASE";
const TIMEOUT: &str = "STRIPE_TIMEOUT_MS";
/// The address of Stripe's own API.
const STRIPE: &str = "https://api.stripe.com";
/// The version of the API that this is written for, whatever the account's own is.
const VERSION: &str = "2024-06-20";
/// Longest time for one refund, retries included, in milliseconds. With the decision before it a call then ends
/// within the 30 seconds that a client waits for one.
pub(crate) const DEFAULT_TIMEOUT: u64 = 20_000;

/// Refunds payments through Stripe's API.
///
/// A request is repeated only under the same idempotency key, so that it cannot pay twice. What may have been paid
/// without an answer that says so is held.
pub struct StripeDesk {
    transport: Transport,
    base: Base,
    timeout: Duration,
    is_test: bool,
}

impl StripeDesk {
    /// The desk of `STRIPE_API_KEY`, at `STRIPE_API_BASE`; none without a key.
    ///
    /// # Errors
    /// A variable is set and of no use.
    pub(crate) fn from_environment(
        environment: &Environment<'_>,
    ) -> Result<Option<Self>, SettingError> {
        let base = environment.base(API, STRIPE)?;
        let Some(key) = environment.secret(KEY)? else {
            return match environment.text(API)? {
                None => Ok(None),
                Some(_) => Err(SettingError::new(
                    KEY,
                    format!(
                        "is not set, but `{API}` is; set both, or neither for a simulated desk"
                    ),
                )),
            };
        };
        if key.expose_secret().starts_with("pk_") {
            return Err(SettingError::new(
                KEY,
                "is a publishable key, which refunds nothing; take a restricted one (`rk_…`) that may write refunds",
            ));
        }
        let timeout = environment.milliseconds(TIMEOUT, DEFAULT_TIMEOUT)?;
        let transport = Transport::new(&base, &key)
            .map_err(|problem| SettingError::new(KEY, format!("cannot be used: {problem}")))?;
        Ok(Some(Self {
            transport,
            base,
            timeout,
            is_test: is_test(&key),
        }))
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    /// A request to `path`, which is made of parts that were checked.
    fn request(&self, method: Method, path: &str, form: String) -> http::Result<Request<Vec<u8>>> {
        let mut request = Request::builder()
            .method(method)
            .uri(self.base.at(path))
            .header("stripe-version", VERSION)
            .header("accept", "application/json");
        if !form.is_empty() {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        request.body(form.into_bytes())
    }
}

/// Stripe's own sandboxes, in which nothing is paid.
fn is_test(key: &SecretString) -> bool {
    let key = key.expose_secret();
    key.starts_with("sk_test_") || key.starts_with("rk_test_")
}

impl std::fmt::Debug for StripeDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StripeDesk")
            .field("base", &self.base)
            .field("is_test", &self.is_test)
            .finish_non_exhaustive()
    }
}

impl PaymentDesk for StripeDesk {
    fn payment(&self, order_id: &str) -> DeskFuture<'_, Payment> {
        let payment = PaymentId::parse(order_id);
        Box::pin(async move { self.look_up(&payment?, self.deadline()).await })
    }

    fn refund(&self, order: RefundOrder, mandate: Mandate) -> DeskFuture<'_, Refund> {
        Box::pin(async move { self.refund_once(order, mandate, self.deadline()).await })
    }

    fn describe(&self) -> String {
        let mode = if self.is_test {
            "a test key"
        } else {
            "a LIVE key"
        };
        format!("Stripe at {}, with {mode}", self.base)
    }

    fn notice(&self) -> Option<&'static str> {
        self.is_test
            .then_some("Stripe ran in test mode: no real money was moved.")
    }
}
