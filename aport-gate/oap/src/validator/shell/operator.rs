//! What separates commands: `;`, `&`, `|`, brackets, and their pairs.

use super::command::{Part, Target};
use super::{Dialect, Reader};
use crate::validator::launch::unknown;

impl Reader<'_> {
    /// At an operator. `&>` is one and a redirection to some shells, and only a redirection to others.
    pub(super) fn operator(&mut self, c: char, part: &mut Part) -> Result<(), String> {
        if c == '&' && self.peek(1) == Some('>') {
            self.end_word(part)?;
            self.no_target_open(part)?;
            self.at += if self.peek(2) == Some('>') { 3 } else { 2 };
            if matches!(self.peek(0), Some('|' | '!' | '&')) {
                return Err("has a redirection that shells read in different ways".to_owned());
            }
            if self.dialect == Dialect::Posix {
                part.begins.push(part.command.words.len());
            }
            part.target = Some(Target::File);
            return Ok(());
        }
        if c == '(' {
            self.opens(part)?;
        }
        self.end_command(part)?;
        let pipe = c == '|' && self.peek(1) != Some('|');
        self.feeds |= pipe;
        self.at += 1;
        // The second character of `&&`, `||`, `;;`, `|&`, `;&`. Behind `&` there may be `&>`.
        while matches!(c, '&' | '|' | ';')
            && matches!(self.peek(0), Some('&' | '|' | ';'))
            && !(self.peek(0) == Some('&') && self.peek(1) == Some('>'))
        {
            self.at += 1;
        }
        part.command.piped = pipe;
        Ok(())
    }

    /// At a bracket. What it opens is read as commands, which `((…))`, an array and a pattern are not.
    fn opens(&mut self, part: &Part) -> Result<(), String> {
        let joined = (1..)
            .step_by(2)
            .take_while(|at| self.peek(*at) == Some('\\') && self.peek(at + 1) == Some('\n'));
        let next = 1 + 2 * joined.count();
        let why = match &part.word {
            _ if self.peek(next) == Some('(') => {
                self.work.computes();
                "has the arithmetic command `((…))`, which is not read here; write `$((…))`, or `( (` for commands"
            }
            Some(word) if word.text.ends_with('=') => {
                "assigns an array (`name=(…)`), which is not read here"
            }
            Some(_) if self.peek(next) != Some(')') => {
                "has `(` directly behind a word, which is not read here; put a blank between"
            }
            _ => return Ok(()),
        };
        self.unread(why)
    }

    /// Remembers what is not read here for certain, which no list allows.
    pub(super) fn unread(&mut self, why: &str) -> Result<(), String> {
        self.keep(unknown(why))
    }

    pub(super) fn no_target_open(&self, part: &Part) -> Result<(), String> {
        match part.target {
            None => Ok(()),
            Some(_) => Err("redirects to nothing; name the file behind `<` or `>`".to_owned()),
        }
    }
}
