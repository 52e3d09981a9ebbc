//! The answer on standard output: text for people, JSON for machines.

use std::fmt::Display;
use std::future::Future;
use std::io::{ErrorKind, StdoutLock, Write as _};

use serde_json::Value;

use super::failure::Failure;
use crate::terminal::{Progress, is_coloured};

/// Standard output. A reader that went away, as in `| head`, ends the output and nothing else.
pub(super) struct Output {
    json: bool,
    colour: bool,
    stdout: std::io::BufWriter<StdoutLock<'static>>,
    failed: Option<std::io::Error>,
}

/// How a word stands out on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Bad,
    Doubtful,
    Faint,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        let stdout = std::io::stdout();
        Self {
            json,
            colour: !json && is_coloured(&stdout),
            stdout: std::io::BufWriter::new(stdout.lock()),
            failed: None,
        }
    }

    /// Whether the answer is for machines.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether nobody reads any more.
    pub(super) fn is_closed(&self) -> bool {
        self.failed.is_some()
    }

    /// Does what may take a while; a person sees for what it is waited.
    pub(super) async fn during<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        Progress::unless(self.json).during(what, work).await
    }

    /// One line of text.
    pub(super) fn line(&mut self, text: impl Display) {
        if self.failed.is_none()
            && let Err(error) = writeln!(self.stdout, "{text}")
        {
            self.failed = Some(error);
        }
    }

    /// One JSON value on one line.
    pub(super) fn value(&mut self, value: &Value) {
        self.line(value);
    }

    /// What was written so far goes out at once.
    pub(super) fn flush(&mut self) {
        if self.failed.is_none()
            && let Err(error) = self.stdout.flush()
        {
            self.failed = Some(error);
        }
    }

    /// The word with its colour, if there are colours.
    pub(super) fn tone(&self, tone: Tone, word: impl Display) -> String {
        if !self.colour {
            return word.to_string();
        }
        let code = match tone {
            Tone::Good => 32,
            Tone::Bad => 31,
            Tone::Doubtful => 33,
            Tone::Faint => 2,
        };
        format!("\u{1b}[{code}m{word}\u{1b}[0m")
    }

    /// Rows in aligned columns under a heading.
    pub(super) fn table(&mut self, heading: &[&str], rows: &[Vec<String>]) {
        let heading: Vec<String> = heading.iter().map(|&word| word.to_owned()).collect();
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(|cell| one_line(cell)).collect())
            .collect();
        let width = |column: usize| {
            std::iter::once(&heading)
                .chain(&rows)
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..heading.len()).map(width).collect();
        let aligned = |row: &[String]| {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .map(|(cell, &width)| format!("{cell:width$}"))
                .collect();
            cells.join("  ").trim_end().to_owned()
        };
        let head = self.tone(Tone::Faint, aligned(&heading));
        self.line(head);
        for row in &rows {
            self.line(aligned(row));
        }
    }

    /// Names and values, one a line.
    pub(super) fn fields(&mut self, fields: &[(&str, String)]) {
        let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in fields {
            let name = self.tone(Tone::Faint, format_args!("{name:width$}"));
            self.line(format_args!("{name}  {value}"));
        }
    }

    /// Text of several lines that others wrote.
    pub(super) fn text(&mut self, text: &str) {
        for line in text.lines() {
            self.line(one_line(line));
        }
    }

    /// # Errors
    /// Standard output cannot be written, for another reason than a reader that went away.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        self.flush();
        match self.failed.take() {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::new(format!(
                "cannot write to standard output: {error}"
            ))),
            _ => Ok(()),
        }
    }
}

/// `1 error`, `2 errors`.
pub(super) fn counted(count: usize, word: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {word}{plural}")
}

/// Text of a file or a caller as part of one line: it cannot forge lines or steer a terminal.
pub(super) fn one_line(text: &str) -> String {
    let unseen = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars()
        .map(|c| if unseen(c) { ' ' } else { c })
        .collect()
}
