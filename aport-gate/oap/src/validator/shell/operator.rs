//! What separates commands: `;`, `&`, `|`, brackets, and their pairs.

use super::command::{Part, Target};
use super::{Dialect, Reader};

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
        // `((…))` is arithmetic where a command may stand.
        self.computes |= c == '(' && self.peek(1) == Some('(');
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

    pub(super) fn no_target_open(&self, part: &Part) -> Result<(), String> {
        match part.target {
            None => Ok(()),
            Some(_) => Err("redirects to nothing; name the file behind `<` or `>`".to_owned()),
        }
    }
}
