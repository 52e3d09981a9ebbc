//! Redirections: which files are written, and what is read.

use super::Reader;
use super::command::{Part, Target};

impl Reader<'_> {
    /// At `<` or `>`.
    pub(super) fn redirection(&mut self, c: char, part: &mut Part) -> Result<(), String> {
        if self.peek(1) == Some('(') {
            self.at += 2;
            self.nested(')')?;
            self.feeds = true;
            let word = part.word.get_or_insert_default();
            // What a shell puts in its place.
            word.text.push_str("/dev/fd/");
            (word.dynamic, word.output) = (true, true);
            return Ok(());
        }
        self.before(part)?;
        self.at += 1;
        let next = self.peek(0);
        let unsure = || Err("has a redirection that shells read in different ways".to_owned());
        let (length, target) = match (c, next) {
            ('<', Some('<')) if self.peek(1) == Some('<') => (2, Target::Text),
            ('<', Some('<')) => {
                self.at += 1;
                self.feeds = true;
                return self.heredoc();
            }
            ('<', Some('&')) => (1, Target::CopyInput),
            ('<', Some('>')) => (1, Target::File),
            ('<', _) => (0, Target::Input),
            (_, Some('&')) => (1, Target::Copy),
            (_, Some('>' | '|')) => (1, Target::File),
            _ => (0, Target::File),
        };
        self.at += length;
        // `>! x`, `>>| x`, `>&| x` mean `x` to some and a file named `!` or nothing to others.
        if c == '>' && matches!(self.peek(0), Some('!' | '|' | '&')) {
            return unsure();
        }
        self.feeds |= c == '<';
        part.target = Some(target);
        Ok(())
    }

    /// What stands in front of a redirection: a number without quotes says what is redirected.
    fn before(&mut self, part: &mut Part) -> Result<(), String> {
        let number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        if let Some(word) = part.word.as_ref().filter(|_| part.target.is_none()) {
            if !word.quoted && number(&word.text) {
                part.word = None;
            } else if word.text.starts_with('{') && word.text.ends_with('}') {
                return Err("keeps the number of a redirection in a variable".to_owned());
            }
        }
        self.end_word(part)?;
        self.no_target_open(part)
    }
}
