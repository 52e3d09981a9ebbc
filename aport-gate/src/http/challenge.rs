//! What a request without a token that counts is told (RFC 6750, RFC 9728).

use axum::http::{HeaderValue, StatusCode};

use super::problem::Problem;

/// The scheme, and where the way to a token is described.
#[derive(Clone, Debug, Default)]
pub(super) struct Challenge {
    /// URL of the protected resource's metadata.
    pub(super) metadata: Option<String>,
}

impl Challenge {
    /// No token: no error is named, as RFC 6750 has it.
    pub(super) fn missing(&self) -> Problem {
        let message = "send an access token as `Authorization: Bearer …`";
        Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
            .with_challenge(self.header(&[]))
    }

    /// A token that does not count.
    pub(super) fn invalid(&self, why: &str) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, "invalid_token", why)
            .with_challenge(self.header(&[("error", "invalid_token"), ("error_description", why)]))
    }

    /// A good token that was not granted what this server needs.
    pub(super) fn scope(&self, scope: &str) -> Problem {
        let why = "the access token was not granted the scope that this server needs";
        Problem::new(StatusCode::FORBIDDEN, "insufficient_scope", why)
            .with_challenge(self.header(&[("error", "insufficient_scope"), ("scope", scope)]))
    }

    /// The values are our own and the operator's words, without quotes, backslashes or line ends.
    fn header(&self, members: &[(&str, &str)]) -> HeaderValue {
        let mut text = "Bearer realm=\"aport-gate\"".to_owned();
        let metadata = self.metadata.as_deref();
        let metadata = metadata.map(|url| ("resource_metadata", url));
        for (name, value) in metadata.iter().chain(members) {
            text.push_str(&format!(", {name}=\"{value}\""));
        }
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("Bearer"))
    }
}
