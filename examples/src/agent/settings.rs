//! What the command line and the environment say about a model.

use std::time::Duration;

use super::AgentError;
use crate::SettingError;
use crate::setting::Environment;

/// What the command line says.
pub(super) struct Settings {
    pub(super) model: Option<String>,
    pub(super) max_tokens: u32,
}

impl Settings {
    /// The model's name: of the command line, else of this variable.
    pub(super) fn model(
        self,
        environment: &Environment<'_>,
        variable: &'static str,
    ) -> Result<String, AgentError> {
        match self.model {
            Some(model) => Ok(model),
            None => environment
                .text(variable)?
                .ok_or(AgentError::NoModel(variable)),
        }
    }
}

/// Longest time for one answer of a model.
pub(super) fn timeout(
    environment: &Environment<'_>,
    variable: &'static str,
) -> Result<Duration, SettingError> {
    environment.milliseconds(variable, 120_000)
}
