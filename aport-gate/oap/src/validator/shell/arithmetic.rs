//! `$((…))`: no command, but what is substituted in it runs.

use super::Reader;
use super::command::Word;

impl Reader<'_> {
    /// At the first bracket of `$((`. What could be a substitution that begins with brackets is refused.
    pub(super) fn arithmetic(&mut self, word: &mut Word) -> Result<(), String> {
        self.deeper()?;
        self.at += 2;
        let mut open = 0_usize;
        loop {
            let Some(c) = self.peek(0) else {
                return Err("has an open bracket".to_owned());
            };
            match c {
                '(' => open += 1,
                ')' if open > 0 => open -= 1,
                ')' if self.peek(1) == Some(')') => break,
                '$' if self.peek(1).is_some_and(|c| {
                    c.is_ascii_alphanumeric() || matches!(c, '_' | '{' | '(' | '#' | '?')
                }) =>
                {
                    self.computes = true;
                    self.expansion(word, true)?;
                    continue;
                }
                ' ' | '\t' | '0'..='9' => {}
                '+' | '-' | '*' | '/' | '%' | '<' | '>' | '=' | '!' | '&' | '|' | '^' | '~'
                | '?' | ':' | ',' => {}
                c if c.is_ascii_alphabetic() || c == '_' => self.computes = true,
                other => {
                    return Err(format!(
                        "has `{other}` in `$((…))`, which is not read here as arithmetic"
                    ));
                }
            }
            self.at += 1;
        }
        self.at += 2;
        self.depth -= 1;
        word.dynamic = true;
        word.text.push('$');
        Ok(())
    }
}
