//! Which failures prove that a request was not carried out.

use std::time::Duration;

use rmcp::service::ServiceError;

/// `Some` where the server did not take the request: then any call may be sent again. It holds the time that
/// the server asks to be left alone for, where it says.
///
/// A failure that this does not know may have come after the tool ran.
pub(super) fn never_sent(error: &ServiceError) -> Option<Option<Duration>> {
    match error {
        #[cfg(feature = "http-client")]
        ServiceError::TransportSend(error) => over_http(error.error.as_ref()),
        _ => None,
    }
}

/// Whether the server has forgotten the session of this connection, so that another one is needed.
pub(super) fn session_is_gone(error: &ServiceError) -> bool {
    match error {
        #[cfg(feature = "http-client")]
        ServiceError::TransportSend(error) => {
            let error = error.error.downcast_ref::<HttpError>();
            matches!(error, Some(HttpError::SessionExpired))
        }
        _ => false,
    }
}

/// What went wrong in a transport, innermost cause last.
pub(super) fn cause(error: &(dyn std::error::Error + Send + Sync + 'static)) -> String {
    #[cfg(feature = "http-client")]
    match error.downcast_ref::<HttpError>() {
        Some(HttpError::Client(error)) => return super::error::chain(error),
        Some(HttpError::AuthRequired(_)) => {
            return "it wants a valid access token (HTTP status 401)".to_owned();
        }
        Some(HttpError::InsufficientScope(_)) => {
            return "the access token does not allow this (HTTP status 403)".to_owned();
        }
        _ => {}
    }
    super::error::chain(error)
}

#[cfg(feature = "http-client")]
type HttpError = rmcp::transport::streamable_http_client::StreamableHttpError<reqwest::Error>;

#[cfg(feature = "http-client")]
fn over_http(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<Option<Duration>> {
    match error.downcast_ref::<HttpError>()? {
        // No connection was made, so nothing went over it.
        HttpError::Client(error) if error.is_connect() || error.is_builder() => Some(None),
        // Refused before a tool is looked for: the standing of the caller, or of its session.
        HttpError::AuthRequired(_)
        | HttpError::InsufficientScope(_)
        | HttpError::SessionExpired
        | HttpError::ReservedHeaderConflict(_) => Some(None),
        // Too many requests: this one was turned away. A 5xx may come from a proxy that had passed it on.
        HttpError::HttpStatus(status) if status.status == 429 => {
            let seconds = status
                .retry_after
                .as_deref()
                .and_then(|text| text.trim().parse().ok());
            Some(seconds.map(Duration::from_secs))
        }
        _ => None,
    }
}
