//! Here-documents: text behind the end of a line that a command reads. It is no script, but what is substituted in it
//! runs, unless its delimiter is quoted.

use super::Reader;
use super::command::Word;

/// One whose text is still to come.
#[derive(Debug)]
pub(super) struct Heredoc {
    delimiter: String,
    /// Whether nothing is substituted in it.
    quoted: bool,
    /// Whether tabs in front of its lines are dropped (`<<-`).
    tabs: bool,
    depth: usize,
}

impl Reader<'_> {
    /// Behind `<<`.
    pub(super) fn heredoc(&mut self) -> Result<(), String> {
        let tabs = self.peek(0) == Some('-');
        if tabs {
            self.at += 1;
        }
        while matches!(self.peek(0), Some(' ' | '\t')) {
            self.at += 1;
        }
        let mut quoted = false;
        let mut delimiter = String::new();
        let unsure = || Err("has a here-document whose end is not a plain word".to_owned());
        while let Some(c) = self.peek(0) {
            match c {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                '\'' | '"' => {
                    quoted = true;
                    self.at += 1;
                    while self.peek(0) != Some(c) {
                        match self.peek(0) {
                            None | Some('\n' | '\r' | '\\' | '$' | '`') => return unsure(),
                            Some(other) => delimiter.push(other),
                        }
                        self.at += 1;
                    }
                }
                '\\' => {
                    quoted = true;
                    self.at += 1;
                    match self.peek(0) {
                        Some(c) if c.is_ascii_graphic() => delimiter.push(c),
                        _ => return unsure(),
                    }
                }
                '$' | '`' | '\r' => return unsure(),
                other => delimiter.push(other),
            }
            self.at += 1;
        }
        if delimiter.is_empty() {
            return unsure();
        }
        self.work.spend(delimiter.len())?;
        self.heredocs.push(Heredoc {
            delimiter,
            quoted,
            tabs,
            depth: self.depth,
        });
        Ok(())
    }

    /// Behind the end of a line: the texts that its commands read.
    pub(super) fn bodies(&mut self) -> Result<(), String> {
        if self.heredocs.iter().any(|open| open.depth != self.depth) {
            return self.newline_within();
        }
        for open in std::mem::take(&mut self.heredocs) {
            let start = self.at;
            let end = self.end_of(&open)?;
            let body = self.text(start, end);
            let mut word = Word {
                quoted: true,
                ..Word::default()
            };
            if open.quoted {
                word.text = body;
            } else {
                self.deeper()?;
                let mut reader = Reader::new(self.work, &body, self.dialect, self.depth)?;
                reader.body(&mut word)?;
                self.adopt(reader)?;
                self.depth -= 1;
            }
            self.work.word(&word)?;
            self.saw(&word);
            if let Some(command) = self.found.last_mut() {
                command.inputs.push(word);
            }
        }
        Ok(())
    }

    /// Where the text ends. Stops behind the line that ends it.
    fn end_of(&mut self, open: &Heredoc) -> Result<usize, String> {
        loop {
            let start = self.at;
            while self.peek(0).is_some_and(|c| c != '\n') {
                self.at += 1;
            }
            let line = self.text(start, self.at);
            let last = self.peek(0).is_none();
            self.at += usize::from(!last);
            let bare = if open.tabs {
                line.trim_start_matches('\t')
            } else {
                &line
            };
            if bare == open.delimiter {
                return Ok(start);
            }
            // `bash` ends the text of one in a substitution here, if what closes the substitution follows.
            if self.depth > 0 && bare.starts_with(&open.delimiter) {
                let end = &open.delimiter;
                return Err(format!(
                    "has a here-document inside of a substitution with a line that begins with its end `{end}`, which \
                     shells read in different ways; put `{end}` on a line of its own, or choose another end"
                ));
            }
            if last {
                let end = &open.delimiter;
                return Err(format!("has a here-document without its last line `{end}`"));
            }
            let backslashes = line.chars().rev().take_while(|c| *c == '\\').count();
            if !open.quoted && backslashes % 2 == 1 {
                return Err(
                    "has a here-document that joins lines with a backslash; quote its delimiter"
                        .to_owned(),
                );
            }
        }
    }

    /// The whole text as one in which variables and substitutions are replaced, and quotes are characters.
    fn body(&mut self, word: &mut Word) -> Result<(), String> {
        while let Some(c) = self.peek(0) {
            match c {
                '\\' => {
                    match self.peek(1) {
                        Some(c @ ('\\' | '$' | '`')) => word.text.push(c),
                        other => word.text.extend(['\\'].into_iter().chain(other)),
                    }
                    self.at += 2;
                }
                '$' | '`' => self.expansion(word, true)?,
                other => {
                    word.text.push(other);
                    self.at += 1;
                }
            }
        }
        Ok(())
    }

    /// Where a line ends inside of quotes or brackets, shells do not agree where a here-document begins.
    pub(super) fn newline_within(&self) -> Result<(), String> {
        if self.heredocs.is_empty() {
            return Ok(());
        }
        Err(
            "has more lines between a here-document and its text; write `<<` into the last of them"
                .to_owned(),
        )
    }

    pub(super) fn no_heredoc_open(&self) -> Result<(), String> {
        match self.heredocs.iter().find(|open| open.depth == self.depth) {
            None => Ok(()),
            Some(open) => {
                let end = &open.delimiter;
                Err(format!("has a here-document without its last line `{end}`"))
            }
        }
    }
}
