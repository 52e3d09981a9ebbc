//! Command lines read as a shell reads them, far enough to see every program that would run: chains, pipes,
//! substitutions, quotes, here-documents. Nothing is expanded but braces; what only an expansion could tell is marked,
//! and what shells of the family read in different ways counts in each of them, or is refused.

use super::work::Work;

mod arithmetic;
mod brace;
mod command;
mod expansion;
mod heredoc;
mod operator;
mod redirection;

use command::Part;
pub(super) use command::{Command, Word};
use heredoc::Heredoc;

/// Most nested substitutions and wrapped scripts.
pub(super) const MAX_NESTING: usize = 8;

/// Most programs in one command line.
pub(super) const MAX_COMMANDS: usize = 200;

/// Which shell reads a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Dialect {
    /// Any of the family: a line means all that it would mean to one of them.
    Posix,
    /// `bash` or `zsh`, which read `&>` as a redirection.
    Bash,
}

/// Every program in the line, those in substitutions included, whichever shell reads it.
///
/// # Errors
/// What a reader cannot be sure about: open quotes, encoded characters, too much nesting.
pub(super) fn commands(work: &Work, line: &str) -> Result<Vec<Command>, String> {
    read(work, line, Dialect::Posix)
}

/// Every program in a line that such a shell reads.
///
/// # Errors
/// As [`commands`].
pub(super) fn read(work: &Work, line: &str, dialect: Dialect) -> Result<Vec<Command>, String> {
    let mut reader = Reader::new(work, line, dialect, 0)?;
    reader.script(None)?;
    let (feeds, splits) = (reader.feeds, reader.blanks);
    for command in &mut reader.found {
        command.fed |= feeds;
        command.splits |= splits;
    }
    Ok(reader.found)
}

struct Reader<'w> {
    work: &'w Work,
    dialect: Dialect,
    chars: Vec<char>,
    at: usize,
    found: Vec<Command>,
    depth: usize,
    braces: usize,
    /// Here-documents whose text begins behind the end of the line.
    heredocs: Vec<Heredoc>,
    /// Whether there was a pipe, a redirected input or a process substitution.
    feeds: bool,
    /// Whether quoted text holds a blank and a dash behind it: a variable may make an option of it.
    blanks: bool,
}

impl<'w> Reader<'w> {
    /// A reader of text at this depth. Its characters are paid for.
    fn new(work: &'w Work, text: &str, dialect: Dialect, depth: usize) -> Result<Self, String> {
        work.spend(size_of::<char>().saturating_mul(text.len()))?;
        Ok(Self {
            work,
            dialect,
            chars: text.chars().collect(),
            at: 0,
            found: Vec::new(),
            depth,
            braces: 0,
            heredocs: Vec::new(),
            feeds: false,
            blanks: false,
        })
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn text(&self, from: usize, to: usize) -> String {
        let chars = self.chars.get(from..to).unwrap_or_default();
        chars.iter().collect()
    }

    /// One level deeper.
    fn deeper(&mut self) -> Result<(), String> {
        if self.depth >= MAX_NESTING {
            return Err("is nested too deeply".to_owned());
        }
        self.depth += 1;
        Ok(())
    }

    /// Takes over what a reader of a part found.
    fn adopt(&mut self, part: Reader<'_>) -> Result<(), String> {
        self.feeds |= part.feeds;
        self.blanks |= part.blanks;
        for command in part.found {
            self.keep(command)?;
        }
        Ok(())
    }

    /// Reads up to the closing character, or to the end.
    fn script(&mut self, close: Option<char>) -> Result<(), String> {
        let mut part = Part::default();
        while let Some(c) = self.peek(0) {
            if Some(c) == close {
                self.at += 1;
                self.end_command(&mut part)?;
                return self.no_heredoc_open();
            }
            match c {
                ' ' | '\t' => {
                    self.end_word(&mut part)?;
                    self.at += 1;
                }
                '\n' => {
                    self.end_command(&mut part)?;
                    self.at += 1;
                    self.bodies()?;
                }
                '\r' => {
                    return Err("holds a carriage return outside of quotes, which shells take for a part of a word; end lines with a newline alone".to_owned());
                }
                '#' if part.word.is_none() => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                ';' | '&' | '|' | '(' | ')' => self.operator(c, &mut part)?,
                '<' | '>' => self.redirection(c, &mut part)?,
                _ => {
                    self.in_word(c, &mut part)?;
                    self.no_case_within(&part, close)?;
                }
            }
        }
        if close.is_some() {
            return Err("has an open bracket".to_owned());
        }
        self.end_command(&mut part)?;
        self.no_heredoc_open()
    }

    /// A character of a word, with all that it opens.
    fn in_word(&mut self, c: char, part: &mut Part) -> Result<(), String> {
        if c == '{' && self.peek(1).is_some_and(|c| !c.is_whitespace()) && self.brace(part)? {
            return Ok(());
        }
        // Of a backslash before the end of a line, nothing is left.
        if c == '\\' && self.peek(1) == Some('\n') {
            self.newline_within()?;
            self.at += 2;
            return Ok(());
        }
        let mut word = part.word.take().unwrap_or_default();
        match c {
            '\'' => {
                word.quoted = true;
                self.at += 1;
                loop {
                    match self.peek(0) {
                        None => return Err("has an open quote".to_owned()),
                        Some('\'') => break,
                        Some('\n') => self.newline_within()?,
                        Some(_) => {}
                    }
                    word.text.extend(self.peek(0));
                    self.at += 1;
                }
                self.at += 1;
            }
            '"' => {
                word.quoted = true;
                self.at += 1;
                self.quoted(&mut word)?;
            }
            '\\' => {
                word.quoted = true;
                let Some(next) = self.peek(1) else {
                    return Err("ends in a backslash".to_owned());
                };
                word.text.push(next);
                self.at += 2;
            }
            '`' | '$' => self.expansion(&mut word, false)?,
            _ => {
                let opens = c == '{' && self.peek(1).is_some_and(|c| !c.is_whitespace());
                word.dynamic |= opens || matches!(c, '*' | '?' | '[');
                word.text.push(c);
                self.at += 1;
            }
        }
        part.word = Some(word);
        Ok(())
    }

    fn nested(&mut self, close: char) -> Result<(), String> {
        self.deeper()?;
        let read = self.script(Some(close));
        self.depth -= 1;
        read
    }
}
