//! `$((…))`: no command, but what is substituted in it runs, and so is what text that it computes spells: to `bash`,
//! the value of a variable and the index behind the name of one are arithmetic in turn, substitutions and all.

use super::Reader;
use super::command::Word;
use crate::validator::computing::is_set_by_shell;

impl Reader<'_> {
    /// At the first bracket of `$((`. What could be a substitution that begins with brackets is refused.
    pub(super) fn arithmetic(&mut self, word: &mut Word) -> Result<(), String> {
        self.deeper()?;
        self.at += 2;
        let start = self.at;
        // What stands in it is computed, and no part of the word.
        let mut within = Word::default();
        let mut open = 0_usize;
        loop {
            let Some(c) = self.peek(0) else {
                return Err("has an open bracket".to_owned());
            };
            match c {
                '(' => open += 1,
                ')' if open > 0 => open -= 1,
                ')' if self.peek(1) == Some(')') => break,
                '$' if matches!(self.peek(1), Some('#' | '?')) => self.at += 1,
                '$' if self.length() > 0 => self.at += self.length() - 1,
                '$' if self
                    .peek(1)
                    .is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '{' | '(')) =>
                {
                    let inner = self.peek(1) == Some('(') && self.peek(2) == Some('(');
                    if !inner {
                        self.work.computes();
                    }
                    self.expansion(&mut within, true)?;
                    continue;
                }
                ' ' | '\t' | '0'..='9' => {}
                '+' | '-' | '*' | '/' | '%' | '<' | '>' | '=' | '!' | '&' | '|' | '^' | '~'
                | '?' | ':' | ',' => {}
                c if c.is_ascii_alphabetic() || c == '_' => self.work.computes(),
                other => {
                    return Err(format!(
                        "has `{other}` in `$((…))`, which is not read here as arithmetic"
                    ));
                }
            }
            self.at += 1;
        }
        if within.output || is_set_by_shell(&self.text(start, self.at)) {
            self.work.gives();
        }
        self.at += 2;
        self.depth -= 1;
        word.dynamic = true;
        word.text.push('$');
        Ok(())
    }

    /// How long `${#name}` is that stands here: a number, whatever the variable holds.
    fn length(&self) -> usize {
        let begins = (0..3).filter_map(|at| self.peek(at)).eq("${#".chars());
        let name = (3..)
            .take_while(|at| {
                self.peek(*at)
                    .is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
            })
            .count();
        match self.peek(3 + name) {
            Some('}') if begins => 4 + name,
            _ => 0,
        }
    }
}
