//! Why a command could not do its work: usage or environment, exit code 2.

use std::io::ErrorKind;
use std::path::Path;

use super::next_step;
use super::output::one_line;
use crate::terminal::tell_error;

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

    /// A file that the system does not let this program use.
    pub(crate) fn io(action: &str, path: &Path, error: &std::io::Error) -> Self {
        Self::file(action, path, error).hint(match error.kind() {
            ErrorKind::NotFound => "check the path",
            ErrorKind::PermissionDenied => {
                "run it as the user to whom the file belongs, or change the file's permissions"
            }
            ErrorKind::IsADirectory | ErrorKind::NotADirectory => {
                "name a file where a file is asked for, and a folder where a folder is"
            }
            _ => "check the path and the disk",
        })
    }

    /// What to do next.
    pub(crate) fn hint(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Tells it on standard error. `command` is what was asked for, as its user wrote it.
    pub(crate) fn report(&self, json: bool, command: &str) {
        let next = match &self.next {
            Some(next) => one_line(next),
            None => format!("`{command} --help` says what it takes"),
        };
        tell_error(json, &one_line(&self.message), &next);
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<crate::Error> for Failure {
    fn from(error: crate::Error) -> Self {
        Self::new(error.to_string()).hint(next_step::after(&error))
    }
}

impl From<crate::LedgerError> for Failure {
    fn from(error: crate::LedgerError) -> Self {
        Self::new(chain(&error)).hint(next_step::after_ledger(&error))
    }
}

/// What SQLite said is behind the ledger's own words.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
