//! What a shell puts in place of `$…` and `` `…` ``, as far as a line tells.

use super::{MAX_NESTING, Reader, Word};

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
                        Some('\n') => {}
                        Some(c) => word.text.extend(['\\', c]),
                        None => return Err("has an open quote".to_owned()),
                    }
                    self.at += 2;
                }
                '`' | '$' => self.expansion(word)?,
                other => {
                    word.text.push(other);
                    self.at += 1;
                }
            }
        }
        Err("has an open quote".to_owned())
    }

    /// `$name`, `${…}`, `$(…)`, `` `…` ``.
    pub(super) fn expansion(&mut self, word: &mut Word) -> Result<(), String> {
        let backtick = self.peek(0) == Some('`');
        self.at += 1;
        if backtick {
            let start = self.at;
            while self.peek(0).is_some_and(|c| c != '`') {
                self.at += if self.peek(0) == Some('\\') { 2 } else { 1 };
            }
            let inner: String = self
                .chars
                .get(start..self.at)
                .unwrap_or_default()
                .iter()
                .collect();
            if self.peek(0).is_none() {
                return Err("has an open quote".to_owned());
            }
            self.at += 1;
            (word.dynamic, word.output) = (true, true);
            word.text.push('$');
            if self.depth >= MAX_NESTING {
                return Err("is nested too deeply".to_owned());
            }
            let inner = inner.replace("\\`", "`");
            let mut reader = Reader::new(self.work, &inner, self.depth + 1)?;
            reader.script(None)?;
            self.feeds |= reader.feeds;
            for command in reader.found {
                self.end_command(command)?;
            }
            return Ok(());
        }
        match self.peek(0) {
            Some('\'') => Err("spells characters by number (`$'…'`)".to_owned()),
            Some('"') => Ok(()),
            Some('(') => {
                self.at += 1;
                (word.dynamic, word.output) = (true, true);
                word.text.push('$');
                self.nested(')')
            }
            Some('{') => {
                word.dynamic = true;
                let start = self.at;
                let mut open = 0_usize;
                while let Some(c) = self.peek(0) {
                    self.at += 1;
                    match c {
                        '{' => open += 1,
                        '}' => open = open.saturating_sub(1),
                        '`' => return Err("runs a command inside `${…}`".to_owned()),
                        '(' if self.chars.get(self.at.wrapping_sub(2)) == Some(&'$') => {
                            return Err("runs a command inside `${…}`".to_owned());
                        }
                        _ => {}
                    }
                    if open == 0 {
                        break;
                    }
                }
                let name: String = self
                    .chars
                    .get(start..self.at)
                    .unwrap_or_default()
                    .iter()
                    .collect();
                if name.contains("IFS") || name.contains('@') {
                    return Err("builds words from `$IFS`".to_owned());
                }
                word.text.push('$');
                word.text.push_str(&name);
                Ok(())
            }
            _ => {
                let start = self.at;
                while self
                    .peek(0)
                    .is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
                {
                    self.at += 1;
                }
                let name: String = self
                    .chars
                    .get(start..self.at)
                    .unwrap_or_default()
                    .iter()
                    .collect();
                if name == "IFS" {
                    return Err("builds words from `$IFS`".to_owned());
                }
                word.dynamic |=
                    !name.is_empty() || matches!(self.peek(0), Some('@' | '*' | '#' | '?' | '!'));
                word.text.push('$');
                word.text.push_str(&name);
                Ok(())
            }
        }
    }
}
