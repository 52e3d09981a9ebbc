//! Everything wrong with a document in one go, each finding with its place.

mod approval;
mod authority;
mod document;
mod keys;
mod literal;
mod mended;
mod nearest;
mod pack;
mod passport;
mod position;
mod schema;
mod spelled;
mod stray;
mod under;
mod unread;

use crate::reason::one_line;
use serde::Serialize;
use std::fmt;

pub(crate) use document::{Document, MAX_FINDINGS};
pub(crate) use nearest::{distance, meant};
pub(crate) use position::field;

/// Whether a finding keeps a document from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The document is refused, or every decision under it is a deny.
    Error,
    /// The document works; what it says is probably not what was meant.
    Warning,
}

/// One thing that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where in the document: `evaluation_rules[2].condition`; empty for the document itself.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, and what was expected.
    pub message: String,
    /// For a condition: the part of it at fault, and a caret under the mistake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<String>,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// `12:5: error: message`, so that a file name and a colon before it make a line that editors understand.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            severity,
            path,
            line,
            column,
            message,
            snippet,
        } = self;
        write!(f, "{line}:{column}: {severity}: {}", one_line(message))?;
        if !path.is_empty() {
            write!(f, " (at `{}`)", one_line(path))?;
        }
        match snippet {
            Some(snippet) => write!(f, "\n  {}", snippet.replace('\n', "\n  ")),
            None => Ok(()),
        }
    }
}
