//! Which failures prove that a request was not carried out.

use std::time::Duration;

use rmcp::service::ServiceError;

/// Why a server did not take a request.
#[cfg_attr(
    not(feature = "http-client"),
    expect(dead_code, reason = "a pipe that broke proves nothing")
)]
pub(super) enum Unsent {
    /// It does not let this client in (HTTP status 401 or 403). It will not the next time either.
    Refused(u16),
    /// It was away, or has forgotten the session. Any call may be sent again.
    Away,
}

/// `Some` where the server did not take the request. A failure that this does not know may have come after
/// the tool ran.
pub(super) fn never_sent(error: &ServiceError) -> Option<Unsent> {
    match error {
        #[cfg(feature = "http-client")]
        ServiceError::TransportSend(error) => over_http(error.error.as_ref()),
        _ => None,
    }
}

/// How long a server that has too many requests (HTTP status 429) asks to be left alone. Whose answer that is
/// does not show: a gateway may pass on that of something behind the tool. So it proves nothing of the call.
pub(super) fn asked_wait(error: &ServiceError) -> Option<Duration> {
    match error {
        #[cfg(feature = "http-client")]
        ServiceError::TransportSend(error) => match error.error.downcast_ref::<HttpError>()? {
            HttpError::HttpStatus(status) if status.status == 429 => {
                let seconds = status.retry_after.as_deref()?.trim().parse().ok()?;
                Some(Duration::from_secs(seconds))
            }
            _ => None,
        },
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

/// Whether a server answered a request with something else than MCP's: not that it is away, busy, or lets this
/// client not in.
pub(super) fn answered_otherwise(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    #[cfg(feature = "http-client")]
    return match error.downcast_ref::<HttpError>() {
        Some(HttpError::Client(error)) => error.is_status(),
        Some(HttpError::HttpStatus(status)) => status.status != 429,
        Some(HttpError::UnexpectedServerResponse(_) | HttpError::UnexpectedContentType(_)) => true,
        _ => false,
    };
    #[cfg(not(feature = "http-client"))]
    {
        let _ = error;
        false
    }
}

/// What went wrong in a transport, innermost cause last.
pub(super) fn cause(error: &(dyn std::error::Error + Send + Sync + 'static)) -> String {
    #[cfg(feature = "http-client")]
    match error.downcast_ref::<HttpError>() {
        Some(HttpError::Client(error)) => return super::wording::chain(error),
        Some(HttpError::AuthRequired(_)) => {
            return "it wants a valid access token (HTTP status 401)".to_owned();
        }
        Some(HttpError::InsufficientScope(_)) => {
            return "the access token does not allow this (HTTP status 403)".to_owned();
        }
        _ => {}
    }
    super::wording::chain(error)
}

#[cfg(feature = "http-client")]
type HttpError = rmcp::transport::streamable_http_client::StreamableHttpError<reqwest::Error>;

#[cfg(feature = "http-client")]
fn over_http(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<Unsent> {
    match error.downcast_ref::<HttpError>()? {
        // No connection was made, so nothing went over it.
        HttpError::Client(error) if error.is_connect() || error.is_builder() => Some(Unsent::Away),
        // Refused before a tool is looked for: the standing of the caller, or of its session.
        HttpError::AuthRequired(_) => Some(Unsent::Refused(401)),
        HttpError::InsufficientScope(_) => Some(Unsent::Refused(403)),
        HttpError::SessionExpired => Some(Unsent::Away),
        _ => None,
    }
}
