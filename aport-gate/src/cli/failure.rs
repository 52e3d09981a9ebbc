//! Why a command could not do its work: usage or environment, exit code 2.

use std::path::Path;

use serde_json::json;

use super::output::one_line;

/// A command that could not do its work.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    next: Option<String>,
}

impl Failure {
    /// What was wrong, and where.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            next: None,
        }
    }

    /// A file that cannot be used.
    pub(crate) fn file(action: &str, path: &Path, problem: impl std::fmt::Display) -> Self {
        Self::new(format!("cannot {action} `{}`: {problem}", path.display()))
    }

    /// What to do next.
    pub(crate) fn hint(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    pub(crate) fn report(&self, json: bool) {
        if json {
            eprintln!(
                "{}",
                json!({ "error": { "message": self.message, "next": self.next } })
            );
            return;
        }
        eprintln!("error: {}", one_line(&self.message));
        if let Some(next) = &self.next {
            eprintln!("  next: {next}");
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<crate::Error> for Failure {
    fn from(error: crate::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<crate::LedgerError> for Failure {
    fn from(error: crate::LedgerError) -> Self {
        Self::new(error.to_string())
    }
}
