//! What an error of GitHub says about whether anything was done.

use http::{HeaderMap, StatusCode};
use octocrab::Error;

use super::own_word::ForeignAnswer;
use crate::DeskError;
use crate::transport::SendError;

/// How a request failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// GitHub did not do it, for this reason.
    Refused(String),
    /// GitHub did not do it, for something that goes on there at this moment: perhaps for another delivery of this
    /// very request.
    Unsettled {
        problem: String,
        /// It says itself that it is merging.
        is_merging: bool,
    },
    /// GitHub did not do it, for a reason that passes by itself.
    NotNow(String),
    /// It never arrived.
    NotSent(String),
    /// It may have been done.
    Unknown(String),
}

impl Failure {
    /// GitHub's own answer that is no success.
    pub(super) fn of_answer(
        status: StatusCode,
        headers: Option<&HeaderMap>,
        message: &str,
    ) -> Self {
        let said = shown(message);
        // 408 and 499 say that somebody gave up, and nobody knows what GitHub did.
        if status.is_server_error() || matches!(status.as_u16(), 408 | 499) {
            return Self::Unknown(format!("GitHub answered {}", status.as_u16()));
        }
        if let Some(wait) = limited(status, headers, message) {
            return Self::NotNow(format!("GitHub's rate limit is used up; {wait}"));
        }
        let is_merging = matches!(status.as_u16(), 405 | 409) && says_merging(message);
        let problem = match status.as_u16() {
            401 => "GitHub does not accept this server's token".to_owned(),
            403 => format!("GitHub does not let this server's token do this: {said}"),
            404 => "GitHub knows no such pull request, or this server's token may not see it"
                .to_owned(),
            _ if is_merging => format!("GitHub refused with {}: {said}", status.as_u16()),
            405 => format!("GitHub cannot merge it as it is: {said}"),
            409 => {
                format!("it changed since it was decided on: {said}; call again for a new decision")
            }
            301 | 307 | 308 => "the repository has moved; give its new name".to_owned(),
            other if !status.is_client_error() => {
                return Self::Unknown(format!("GitHub answered {other}"));
            }
            other => format!("GitHub refused with {other}: {said}"),
        };
        // A conflict is what the second delivery of a request is told while the first one is at work.
        if is_merging || status == StatusCode::CONFLICT {
            return Self::Unsettled {
                problem,
                is_merging,
            };
        }
        Self::Refused(problem)
    }

    /// What the matter was.
    pub(super) fn problem(self) -> String {
        match self {
            Self::Refused(problem)
            | Self::Unsettled { problem, .. }
            | Self::NotNow(problem)
            | Self::NotSent(problem)
            | Self::Unknown(problem) => problem,
        }
    }

    /// Before anything could have been done.
    pub(super) fn nothing_done(self) -> DeskError {
        match self {
            Self::Refused(message)
            | Self::Unsettled {
                problem: message, ..
            } => DeskError::Refused(message),
            Self::NotNow(message) => DeskError::NotNow(message),
            Self::NotSent(problem) | Self::Unknown(problem) => {
                DeskError::NothingDone(format!("GitHub: {problem}").into())
            }
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::GitHub { source, .. } => {
                Self::of_answer(source.status_code, source.headers.as_ref(), &source.message)
            }
            Error::Service { source, .. } => match source.downcast::<SendError>() {
                Ok(error) => (*error).into(),
                Err(other) => Self::Unknown(other.to_string()),
            },
            Error::Json { source, .. } => {
                Self::Unknown(format!("its answer cannot be read at `{}`", source.path()))
            }
            other => Self::Unknown(other.to_string()),
        }
    }
}

impl From<ForeignAnswer> for Failure {
    fn from(answer: ForeignAnswer) -> Self {
        Self::Unknown(answer.to_string())
    }
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        match error {
            SendError::NotSent(_) => Self::NotSent(error.to_string()),
            SendError::Lost(_) | SendError::TooLarge | SendError::Late => {
                Self::Unknown(error.to_string())
            }
        }
    }
}

/// GitHub merges this pull request already, for whoever asked first.
fn says_merging(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["in progress", "being merged", "already merging"]
        .iter()
        .any(|words| message.contains(words))
}

/// When to come back, where a rate limit is what refused.
fn limited(status: StatusCode, headers: Option<&HeaderMap>, message: &str) -> Option<String> {
    if !matches!(status.as_u16(), 403 | 429) {
        return None;
    }
    let number =
        |name: &str| -> Option<u64> { headers?.get(name)?.to_str().ok()?.trim().parse().ok() };
    if let Some(seconds) = number("retry-after") {
        return Some(format!("try again in {seconds} seconds"));
    }
    let is_used_up = number("x-ratelimit-remaining") == Some(0);
    if let (true, Some(reset)) = (is_used_up, number("x-ratelimit-reset")) {
        let now = std::time::UNIX_EPOCH
            .elapsed()
            .map_or(0, |now| now.as_secs());
        return Some(format!(
            "try again in {} seconds",
            reset.saturating_sub(now)
        ));
    }
    let is_secondary = message.to_ascii_lowercase().contains("rate limit");
    (is_used_up || is_secondary || status.as_u16() == 429).then(|| "try again later".to_owned())
}

/// What GitHub said, short and on one line: it goes to an agent.
fn shown(message: &str) -> String {
    let line = message.replace(char::is_control, " ");
    let mut shown: String = line.chars().take(300).collect();
    shown.truncate(shown.trim_end_matches([' ', '.']).len());
    shown
}
