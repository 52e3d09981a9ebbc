//! `$((…))`: no command, but what is substituted in it runs, and so is what text that it computes spells: to `bash`,
//! the value of a variable and the index behind the name of one are arithmetic in turn, substitutions and all.

use super::Reader;
use super::command::Word;
use crate::validator::wrapper::is_assignment;

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

/// Whether a command of the shell's own computes what its words or variables hold.
pub(super) fn evaluates(words: &[Word]) -> bool {
    let mut words = words
        .iter()
        .map(|word| word.text.as_str())
        .skip_while(|text| matches!(*text, "command" | "builtin" | "time") || is_assignment(text));
    let name = words.next().unwrap_or_default();
    let mut has = |options: &[&str]| words.any(|word| options.contains(&word));
    match name {
        "let" | "declare" | "typeset" | "read" | "unset" | "mapfile" | "readarray" => true,
        "printf" => words.any(|word| word.starts_with("-v")),
        "test" | "[" => has(&["-v"]),
        "[[" => has(&["-v", "-eq", "-ne", "-lt", "-le", "-gt", "-ge"]),
        _ => false,
    }
}
