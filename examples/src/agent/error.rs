//! Why an agent could not do its task.

use std::time::Duration;

use crate::{RunError, SettingError};

/// Why an agent stopped before its task was done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// A variable of the environment cannot be used.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// No model was named.
    #[error("no model is named; give `--model NAME`, or set `{0}`")]
    NoModel(&'static str),
    /// The server of tools could not be started or reached.
    #[error(transparent)]
    Run(Box<RunError>),
    /// The model's API gave no answer.
    #[error("{api}: {problem}")]
    NoAnswer {
        /// Which API.
        api: &'static str,
        /// What went wrong.
        problem: String,
    },
    /// The model's API wants another key, or any.
    #[error("{api} refused access with status {status}{told}; check `{variable}`")]
    Unauthorized {
        /// Which API.
        api: &'static str,
        /// HTTP status.
        status: u16,
        /// What it said, after a colon.
        told: String,
        /// Variable that holds the key.
        variable: &'static str,
    },
    /// The model's API is asked too often.
    #[error("{api} is asked too often (status 429){told}{}", again(*.retry_after))]
    TooMany {
        /// Which API.
        api: &'static str,
        /// What it said, after a colon.
        told: String,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The model's API cannot answer now (5xx).
    #[error("{api} cannot answer now (status {status}){told}{}", again(*.retry_after))]
    Unavailable {
        /// Which API.
        api: &'static str,
        /// HTTP status.
        status: u16,
        /// What it said, after a colon.
        told: String,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The model's API does not accept the request.
    #[error("{api} refused the request with status {status}{told}")]
    Refused {
        /// Which API.
        api: &'static str,
        /// HTTP status.
        status: u16,
        /// What it said, after a colon.
        told: String,
    },
    /// Its answer has another form than documented.
    #[error("{api} answered in a form that this program does not know: {problem}")]
    Answer {
        /// Which API.
        api: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl From<RunError> for AgentError {
    fn from(error: RunError) -> Self {
        Self::Run(Box::new(error))
    }
}

fn again(after: Option<Duration>) -> String {
    after.map_or_else(String::new, |after| {
        format!("; ask again in {} s", after.as_secs())
    })
}
