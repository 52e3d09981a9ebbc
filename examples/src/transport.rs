//! HTTP to one API: whole answers of bounded size, and what is known of a request that got none.

use std::error::Error as _;
use std::sync::Arc;

use http_body_util::BodyExt as _;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{Client, redirect};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, timeout_at};

use crate::setting::Base;

/// Largest answer that is read, in bytes. A page of 100 reviews has some 300 000.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

/// A request that was not answered in full.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// Nothing left this machine.
    #[error("it could not be reached: {0}")]
    NotSent(String),
    /// It may have arrived, and may have been acted on.
    #[error("its answer was lost: {0}")]
    Lost(String),
    /// There is an answer, and it is too large to be read.
    #[error("its answer has more than {LARGEST_ANSWER} bytes")]
    TooLarge,
    /// There was no answer in time.
    #[error("it did not answer in time")]
    Late,
}

/// Connections to one API, with the key for it.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    client: Client,
    credential: Option<(HeaderName, HeaderValue)>,
}

impl Transport {
    /// # Errors
    /// What is wrong, without the key.
    pub(crate) fn new(base: &Base, key: &SecretString) -> Result<Self, String> {
        let bearer = SecretString::from(format!("Bearer {}", key.expose_secret()));
        Self::with_credential(base, Some((AUTHORIZATION, &bearer)))
    }

    /// With the key in a header of this name; none where the API asks for no key.
    ///
    /// # Errors
    /// What is wrong, without the key.
    pub(crate) fn with_credential(
        base: &Base,
        credential: Option<(HeaderName, &SecretString)>,
    ) -> Result<Self, String> {
        let header = |(name, secret): (HeaderName, &SecretString)| {
            let mut value = HeaderValue::from_str(secret.expose_secret())
                .map_err(|_| "the key cannot stand in a header".to_owned())?;
            value.set_sensitive(true);
            Ok::<_, String>((name, value))
        };
        let credential = credential.map(header).transpose()?;
        let mut builder = Client::builder()
            .user_agent(concat!("aport-gate-examples/", env!("CARGO_PKG_VERSION")))
            // A repository that moved is not the one that was decided on, and no key follows elsewhere.
            .redirect(redirect::Policy::none())
            .referer(false)
            // What was sent twice is for the caller to decide.
            .retry(reqwest::retry::never())
            .tls_backend_preconfigured(tls(base.is_https())?);
        if base.is_loopback() {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { client, credential })
    }

    /// One request and its whole answer, without the key, should it quote that: what it says may go to an agent.
    ///
    /// # Errors
    /// There is no whole answer by the deadline.
    pub(crate) async fn send(
        &self,
        request: http::Request<Vec<u8>>,
        deadline: Instant,
    ) -> Result<http::Response<Vec<u8>>, SendError> {
        let exchange = self.exchange(request);
        timeout_at(deadline, exchange)
            .await
            .unwrap_or(Err(SendError::Late))
    }

    async fn exchange(
        &self,
        mut request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<Vec<u8>>, SendError> {
        if let Some((name, value)) = &self.credential {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        let request = reqwest::Request::try_from(request).map_err(not_sent)?;
        let response = self.client.execute(request).await.map_err(|error| {
            if error.is_connect() || error.is_builder() {
                not_sent(error)
            } else {
                lost(error)
            }
        })?;
        let response: http::Response<reqwest::Body> = response.into();
        let (parts, mut body) = response.into_parts();
        let mut whole = Vec::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(lost)?.into_data() else {
                continue;
            };
            if whole.len().saturating_add(data.len()) > LARGEST_ANSWER {
                return Err(SendError::TooLarge);
            }
            whole.extend_from_slice(&data);
        }
        Ok(http::Response::from_parts(parts, self.without_key(whole)))
    }

    fn without_key(&self, answer: Vec<u8>) -> Vec<u8> {
        let header = self.credential.as_ref().map(|(_, value)| value.as_bytes());
        let key = header.map(|header| header.strip_prefix(b"Bearer ").unwrap_or(header));
        let Some(key) = key.filter(|key| !key.is_empty()) else {
            return answer;
        };
        let mut clean = Vec::with_capacity(answer.len());
        let mut rest = answer.as_slice();
        while let Some((first, after)) = rest.split_first() {
            if let Some(behind) = rest.strip_prefix(key) {
                clean.extend_from_slice("…".as_bytes());
                rest = behind;
            } else {
                clean.push(*first);
                rest = after;
            }
        }
        clean
    }
}

/// `is_https`: whether certificates will be looked at.
pub(crate) fn tls(is_https: bool) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    if is_https {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err("this system has no certificate authorities".to_owned());
        }
    }
    // `ring` by name, as aport-gate does: which provider a process has by default is not ours to depend on.
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn not_sent(error: reqwest::Error) -> SendError {
    SendError::NotSent(innermost(error))
}

fn lost(error: reqwest::Error) -> SendError {
    SendError::Lost(innermost(error))
}

/// The cause, without the URL.
pub(crate) fn innermost(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        told = cause.to_string();
        next = cause.source();
    }
    told
}
