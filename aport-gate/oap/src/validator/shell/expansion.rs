//! What a shell puts in place of `$…` and `` `…` ``, as far as a line tells.

use super::{Reader, Word};
use crate::validator::computing::is_set_by_shell;

impl Reader<'_> {
    /// Up to the closing double quote.
    pub(super) fn quoted(&mut self, word: &mut Word) -> Result<(), String> {
        while let Some(c) = self.peek(0) {
            match c {
                '"' => {
                    self.at += 1;
                    return Ok(());
                }
                '\\' => {
                    match self.peek(1) {
                        Some(c @ ('"' | '\\' | '$' | '`')) => word.text.push(c),
                        Some('\n') => self.newline_within()?,
                        Some(c) => word.text.extend(['\\', c]),
                        None => return Err("has an open quote".to_owned()),
                    }
                    self.at += 2;
                }
                '`' | '$' => self.expansion(word, true)?,
                other => {
                    if other == '\n' {
                        self.newline_within()?;
                    }
                    word.text.push(other);
                    self.at += 1;
                }
            }
        }
        Err("has an open quote".to_owned())
    }

    /// `$name`, `${…}`, `$(…)`, `$((…))`, `` `…` ``, inside of double quotes or not.
    pub(super) fn expansion(&mut self, word: &mut Word, quoted: bool) -> Result<(), String> {
        let backtick = self.peek(0) == Some('`');
        self.at += 1;
        if backtick {
            self.backticks(word)?;
            word.several |= !quoted;
            return Ok(());
        }
        // A shell joins the lines before it looks what is expanded.
        let joins = |at: usize| self.peek(at) == Some('\\') && self.peek(at + 1) == Some('\n');
        if joins(0) || (self.peek(0) == Some('(') && joins(1)) {
            return Err("has the end of a line within `$(`; write it on one line".to_owned());
        }
        match self.peek(0) {
            Some('\'') if !quoted => Err("spells characters by number (`$'…'`)".to_owned()),
            // In quotes, both are characters like others.
            Some('"') if !quoted => Ok(()),
            Some('[') => Err("computes with `$[…]`; write `$((…))`".to_owned()),
            Some('(') => {
                word.several |= !quoted;
                if self.peek(1) == Some('(') {
                    return self.arithmetic(word);
                }
                self.at += 1;
                (word.dynamic, word.output) = (true, true);
                word.text.push('$');
                self.nested(')')
            }
            Some('{') => {
                word.several |= !quoted;
                self.parameter(word)
            }
            _ => {
                let start = self.at;
                while self
                    .peek(0)
                    .is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
                {
                    self.at += 1;
                }
                let name = self.text(start, self.at);
                if name == "IFS" {
                    return Err("builds words from `$IFS`".to_owned());
                }
                let special = name.is_empty()
                    && matches!(self.peek(0), Some('@' | '*' | '#' | '?' | '!' | '-' | '$'));
                if special || !name.is_empty() {
                    word.dynamic = true;
                    word.several |= !quoted || (special && self.peek(0) == Some('@'));
                }
                word.text.push('$');
                word.text.push_str(&name);
                Ok(())
            }
        }
    }

    /// Behind the first backtick. Inside of them a backslash means one thing to a shell in quotes and another without.
    fn backticks(&mut self, word: &mut Word) -> Result<(), String> {
        let start = self.at;
        loop {
            match self.peek(0) {
                None => return Err("has an open quote".to_owned()),
                Some('`') => break,
                Some('\\') => {
                    return Err("has a backslash between backticks; write `$(…)`".to_owned());
                }
                Some('\n') => self.newline_within()?,
                Some(_) => {}
            }
            self.at += 1;
        }
        let inner = self.text(start, self.at);
        self.at += 1;
        (word.dynamic, word.output) = (true, true);
        word.text.push('$');
        self.deeper()?;
        let mut reader = Reader::new(self.work, &inner, self.dialect, self.depth)?;
        reader.script(None)?;
        self.depth -= 1;
        self.adopt(reader)
    }

    /// At the bracket of `${…}`. Where quotes, brackets and substitutions inside of it end is not told here.
    fn parameter(&mut self, word: &mut Word) -> Result<(), String> {
        word.dynamic = true;
        let start = self.at;
        let mut open = 0_usize;
        loop {
            let Some(c) = self.peek(0) else {
                return Err("has an open bracket".to_owned());
            };
            self.at += 1;
            match c {
                '{' if open == 0 || self.text(self.at.saturating_sub(2), self.at) == "${" => {
                    open += 1;
                }
                '}' => open -= 1,
                '`' | '(' => return Err("runs a command inside `${…}`".to_owned()),
                '{' | '\'' | '"' | '\\' | '\n' => {
                    return Err(format!(
                        "has `{}` inside of `${{…}}`, which shells read in different ways",
                        c.escape_default()
                    ));
                }
                _ => {}
            }
            if open == 0 {
                break;
            }
        }
        let name = self.text(start, self.at);
        if name.starts_with("{!") {
            self.unread("reads the variable that another one names (`${!…}`), and computes its index; name it")?;
        }
        if name.contains("IFS") {
            return Err("builds words from `$IFS`".to_owned());
        }
        if name.contains('@') {
            return Err(format!("builds words from `${name}`"));
        }
        // An index and a length are computed, and so is the text of a variable in them.
        let number = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '}');
        let computed =
            |rest: &str| !rest.starts_with(['-', '=', '+', '?']) && !rest.chars().all(number);
        if name.contains('[') || name.split(':').skip(1).any(computed) {
            self.work.computes();
            if is_set_by_shell(&format!("${name}")) {
                self.work.gives();
            }
        }
        let given = name.split_once('=').map(|(_, value)| value);
        let number = |value: &str| {
            value
                .trim_end_matches('}')
                .chars()
                .all(|c| c.is_ascii_digit())
        };
        if given.is_some_and(|value| !number(value)) {
            self.work.gives();
        }
        word.text.push('$');
        word.text.push_str(&name);
        Ok(())
    }
}
