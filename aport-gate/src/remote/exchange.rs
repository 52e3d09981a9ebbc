//! One request and its whole answer, under a deadline and a bound.

use std::error::Error as _;
use std::time::Duration;

use aport_gate_oap::parse_json;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Url, redirect};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::api_key::ApiKey;
use super::error::{RegistryError, shown};
use super::secrets::Secrets;
use super::settings::RegistrySettings;
use super::tls;

/// Largest body that is read, in bytes. A decision has a few thousand.
const LARGEST_BODY: usize = 256 * 1024;

/// A request that can be sent again.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// A complete answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// Read by [`Reply::json`] or [`Reply::as_sent`].
    body: Vec<u8>,
    secrets: Secrets,
}

/// Connections to one registry, kept alive between calls.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    client: Client,
    authorization: Option<HeaderValue>,
    api_key: Option<ApiKey>,
}

impl Connections {
    /// # Errors
    /// [`RegistryError::Setup`].
    pub(super) fn new(settings: &RegistrySettings) -> Result<Self, RegistryError> {
        let base = settings.base_url()?;
        let mut builder = Client::builder()
            .user_agent(concat!("aport-gate/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .pool_idle_timeout(Duration::from_secs(60))
            .tcp_nodelay(true)
            .tls_backend_preconfigured(tls::config(base.is_https(), settings.ca_file.as_deref())?);
        if base.is_loopback() {
            // The key would go to the proxy in clear text, and its loopback is not ours.
            builder = builder.no_proxy();
        }
        Ok(Self {
            client: builder
                .build()
                .map_err(|error| RegistryError::Setup(error.to_string()))?,
            authorization: settings
                .api_key
                .as_ref()
                .map(|key| key.header())
                .transpose()?,
            api_key: settings.api_key.clone(),
        })
    }

    /// # Errors
    /// There is no complete answer by the deadline, or it is larger than 256 KiB.
    pub(super) async fn exchange(
        &self,
        request: Request,
        deadline: Instant,
    ) -> Result<Reply, RegistryError> {
        let began = Instant::now();
        timeout_at(deadline, self.send(request))
            .await
            .unwrap_or_else(|_| Err(RegistryError::Timeout(began.elapsed().as_millis())))
    }

    async fn send(&self, request: Request) -> Result<Reply, RegistryError> {
        let mut secrets = Secrets::of(self.api_key.as_ref(), &request.headers);
        let mut sending = self
            .client
            .request(request.method, request.url)
            .headers(request.headers)
            .body(request.body);
        if let Some(authorization) = &self.authorization {
            sending = sending.header(reqwest::header::AUTHORIZATION, authorization.clone());
        }
        let mut response = sending.send().await.map_err(failure)?;
        secrets.add_token(response.headers());
        let mut reply = Reply {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body: Vec::new(),
            secrets,
        };
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            if reply.body.len().saturating_add(chunk.len()) > LARGEST_BODY {
                return Err(RegistryError::Answer(format!(
                    "it has more than {LARGEST_BODY} bytes"
                )));
            }
            reply.body.extend_from_slice(&chunk);
        }
        Ok(reply)
    }
}

impl Reply {
    /// What it says, without this server's own secrets: to be quoted and kept.
    ///
    /// # Errors
    /// What is wrong with it as JSON.
    pub(super) fn json(&self) -> Result<Value, String> {
        let value = self.as_sent()?;
        Ok(self.without_secrets(&value).unwrap_or(value))
    }

    /// What it says to the letter, as a signature is over it. Nothing of it may be quoted or kept.
    ///
    /// # Errors
    /// What is wrong with it as JSON.
    pub(super) fn as_sent(&self) -> Result<Value, String> {
        parse_json(&self.body).map_err(|error| self.secrets.out_of(&error.to_string()).into_owned())
    }

    /// The same without this server's own secrets; none if it holds none of them.
    pub(super) fn without_secrets(&self, value: &Value) -> Option<Value> {
        self.secrets.hidden_in(value)
    }

    pub(super) fn is_utf8(&self) -> bool {
        std::str::from_utf8(&self.body).is_ok()
    }

    /// How long the server asks to be left alone.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        Some(Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default())
    }
}

/// What went wrong, by the innermost cause. The URL is left out: the operator knows it, and a caller need not.
fn failure(error: reqwest::Error) -> RegistryError {
    let error = error.without_url();
    let mut told = error.to_string();
    let mut is_tls = false;
    let mut next = error.source();
    while let Some(cause) = next {
        told = cause.to_string();
        is_tls |= cause.is::<rustls::Error>();
        // `source` of an I/O error passes over the very error that it wraps.
        let wrapped = cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => cause.source(),
        };
    }
    let told = shown(&told);
    if is_tls {
        RegistryError::Tls(told)
    } else {
        RegistryError::Unreachable(told)
    }
}
