//! A text on its way through a check: its value, its places, and what was found.

use super::position::Positions;
use super::{Finding, Severity};
use crate::{JsonError, parse_json};
use serde_json::Value;

/// Most findings that one document gives.
pub(crate) const MAX_FINDINGS: usize = 200;

pub(crate) struct Document<'t> {
    text: &'t str,
    pub(crate) value: Value,
    positions: Positions,
    pub(crate) findings: Vec<Finding>,
}

impl<'t> Document<'t> {
    /// Reads a text. Duplicate keys are findings and the check goes on with the last of them.
    ///
    /// # Errors
    /// The one finding there is about a text that is not JSON at all.
    pub(crate) fn read(bytes: &'t [u8]) -> Result<Self, Finding> {
        let text = str::from_utf8(bytes).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let (line, column) = end_of(&String::from_utf8_lossy(before));
            whole(line, column, "not UTF-8 text".to_owned())
        })?;
        let in_characters = |line: usize, column: usize| {
            let line_text = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
            let bytes_before = column.saturating_sub(1).min(line_text.len());
            let before = line_text.as_bytes().get(..bytes_before).unwrap_or_default();
            String::from_utf8_lossy(before).chars().count() + 1
        };
        match parse_json(bytes) {
            Ok(_) | Err(JsonError::DuplicateKey { .. }) => {}
            Err(JsonError::Syntax {
                message,
                line,
                column,
            }) => {
                let message = message
                    .rsplit_once(" at line ")
                    .map_or(message.as_str(), |(message, _)| message);
                let message = format!("not JSON: {message}");
                return Err(whole(line, in_characters(line, column), message));
            }
            Err(JsonError::TooDeep { line, column }) => {
                let message = "nested deeper than 64 levels".to_owned();
                return Err(whole(line, in_characters(line, column), message));
            }
        }
        // The strict reader stops at the first duplicate; this one may still meet what it did not reach.
        let value = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            whole(
                line,
                in_characters(line, column),
                format!("not JSON: {error}"),
            )
        })?;
        let positions = Positions::of(text);
        let duplicates = positions.duplicates.iter().map(|(path, place)| Finding {
            severity: Severity::Error,
            path: path.clone(),
            line: place.line,
            column: place.column,
            message: format!("key `{path}` appears twice; keep one of them"),
            snippet: None,
        });
        Ok(Self {
            findings: duplicates.collect(),
            text,
            value,
            positions,
        })
    }

    pub(crate) fn error(&mut self, path: &str, message: impl Into<String>) {
        self.push(Severity::Error, path, message.into());
    }

    pub(crate) fn warning(&mut self, path: &str, message: impl Into<String>) {
        self.push(Severity::Warning, path, message.into());
    }

    /// A mistake inside the string at `path`, at a byte of its value.
    pub(crate) fn inside(&mut self, path: &str, offset: usize, message: String, snippet: String) {
        let place = self.positions.inside(self.text, path, offset);
        self.findings.push(Finding {
            severity: Severity::Error,
            path: path.to_owned(),
            line: place.line,
            column: place.column,
            message,
            snippet: Some(snippet),
        });
    }

    pub(crate) fn push(&mut self, severity: Severity, path: &str, message: String) {
        let place = self.positions.place(path);
        self.findings.push(Finding {
            severity,
            path: path.to_owned(),
            line: place.line,
            column: place.column,
            message,
            snippet: None,
        });
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity == Severity::Error)
    }

    /// All findings in the order of the text.
    pub(crate) fn finish(mut self) -> Vec<Finding> {
        self.findings.sort_by_key(|finding| {
            let Finding { line, column, .. } = *finding;
            (line, column, finding.severity)
        });
        self.findings.dedup();
        self.findings.truncate(MAX_FINDINGS);
        self.findings
    }
}

impl Finding {
    /// An error about a text that is not read any further.
    pub(super) fn of_all(message: String) -> Self {
        whole(1, 1, message)
    }
}

fn whole(line: usize, column: usize, message: String) -> Finding {
    Finding {
        severity: Severity::Error,
        path: String::new(),
        line: line.max(1),
        column: column.max(1),
        message,
        snippet: None,
    }
}

fn end_of(text: &str) -> (usize, usize) {
    let line = text.matches('\n').count() + 1;
    let column = text.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}
