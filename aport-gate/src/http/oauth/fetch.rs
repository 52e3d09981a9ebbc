//! Documents of an issuer: fetched without redirects, bounded in size and time.

use std::path::Path;
use std::time::Duration;

use reqwest::{Client, StatusCode, Url, redirect};

use crate::remote::{is_loopback, tls_config};

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Largest document, in bytes.
pub(super) const LARGEST: usize = 256 * 1024;

/// Asks an issuer.
pub(super) struct Fetch(Client);

/// Why a document cannot be had.
#[derive(Debug)]
pub(super) enum NotHad {
    /// It is not there for this server, by the status of the answer.
    Absent(StatusCode),
    /// Anything else.
    Failed(String),
}

impl Fetch {
    /// For an issuer at `url`; `authorities` are believed beside the system's.
    ///
    /// # Errors
    /// The authorities cannot be used.
    pub(super) fn new(url: &Url, authorities: Option<&Path>) -> Result<Self, String> {
        let tls = url.scheme() == "https";
        let tls = tls_config(tls, authorities).map_err(|error| error.to_string())?;
        let mut client = Client::builder()
            .user_agent(concat!("aport-gate/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .timeout(TIMEOUT)
            .tls_backend_preconfigured(tls);
        if url.host_str().is_some_and(is_loopback) {
            client = client.no_proxy();
        }
        client.build().map(Self).map_err(|error| error.to_string())
    }

    pub(super) async fn get(&self, url: &Url) -> Result<Vec<u8>, NotHad> {
        let told = |error: reqwest::Error| {
            let error = error.without_url();
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            NotHad::Failed(format!("`{url}`: {error}{}", cause.unwrap_or_default()))
        };
        let asking = self.0.get(url.clone()).send();
        let mut answer = asking.await.map_err(told)?;
        match answer.status() {
            StatusCode::OK => {}
            status if status.is_client_error() => return Err(NotHad::Absent(status)),
            status => {
                let problem = format!("`{url}` answered with status {status}");
                return Err(NotHad::Failed(problem));
            }
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(told)? {
            if body.len().saturating_add(chunk.len()) > LARGEST {
                let problem = format!("`{url}` has more than {LARGEST} bytes");
                return Err(NotHad::Failed(problem));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

impl NotHad {
    /// What is wrong, for the log.
    pub(super) fn told(self, url: &Url) -> String {
        match self {
            Self::Absent(status) => format!("`{url}` answered with status {status}"),
            Self::Failed(problem) => problem,
        }
    }
}

/// A URL that nobody on the way can answer for.
///
/// # Errors
/// It is none, and why.
pub(super) fn safe_url(text: &str) -> Result<Url, String> {
    let shown: String = text.chars().take(200).collect();
    let url = Url::parse(text).map_err(|error| format!("`{shown}` is no URL: {error}"))?;
    let here = url.host_str().is_some_and(is_loopback);
    if url.scheme() != "https" && !(url.scheme() == "http" && here) {
        return Err(format!(
            "`{shown}` must begin with `https://`: anybody on the way could publish a key of their own"
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!(
            "the URL at `{}` must not hold a password",
            url.host_str().unwrap_or_default()
        ));
    }
    Ok(url)
}
