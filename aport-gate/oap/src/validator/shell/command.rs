//! What a command line is made of, and where a word and a command end.

use super::{MAX_COMMANDS, Reader};
use crate::validator::wrapper::{is_assignment, without_assignments};

/// A word of a command, with its quotes read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::validator) struct Word {
    pub(in crate::validator) text: String,
    /// Whether a variable, a substitution, a wildcard or braces decide what it is.
    pub(in crate::validator) dynamic: bool,
    /// Whether the output of another command is in it.
    pub(in crate::validator) output: bool,
    /// Whether any of it was quoted.
    pub(in crate::validator) quoted: bool,
    /// Whether it may become several words: a variable or a substitution without quotes, or `"$@"`.
    pub(in crate::validator) several: bool,
}

/// A program and its arguments.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::validator) struct Command {
    pub(in crate::validator) words: Vec<Word>,
    /// Whether its input is the output of the one before.
    pub(in crate::validator) piped: bool,
    /// Whether anything in the line is piped or read from elsewhere, so that its input may be.
    pub(in crate::validator) fed: bool,
    /// Whether the line has text of which an unquoted variable may make options.
    pub(in crate::validator) splits: bool,
    /// Files that its output is redirected to.
    pub(in crate::validator) writes: Vec<Word>,
    /// Text that is read: here-documents and here-strings.
    pub(in crate::validator) inputs: Vec<Word>,
    /// For a program that is run without the line saying which: why it is.
    pub(in crate::validator) unknown: Option<String>,
}

impl Command {
    pub(in crate::validator) fn text(&self) -> String {
        let words: Vec<&str> = self.words.iter().map(|word| word.text.as_str()).collect();
        words.join(" ")
    }
}

/// What the word after a redirection is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Target {
    /// A file that is written.
    File,
    /// A file that is read.
    Input,
    /// Text that is read.
    Text,
    /// The number of an open file, or a file that is written.
    Copy,
    /// The number of an open file.
    CopyInput,
}

/// What has been read of a command so far.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) command: Command,
    pub(super) word: Option<Word>,
    pub(super) target: Option<Target>,
    /// Where some shells would begin another command.
    pub(super) begins: Vec<usize>,
}

/// Words of the grammar that come before a program.
const OPENERS: [&str; 9] = [
    "if", "then", "elif", "else", "while", "until", "do", "!", "{",
];
/// Words that stand for nothing that runs.
const CLOSERS: [&str; 5] = ["fi", "done", "esac", "}", ";;"];

impl Reader<'_> {
    pub(super) fn end_word(&mut self, part: &mut Part) -> Result<(), String> {
        let Some(word) = part.word.take() else {
            return Ok(());
        };
        self.work.word(&word)?;
        self.saw(&word);
        let Some(target) = part.target.take() else {
            if part.command.words.is_empty() && !word.dynamic {
                let text = word.text.as_str();
                if OPENERS.contains(&text) || CLOSERS.contains(&text) {
                    return Ok(());
                }
            }
            part.command.words.push(word);
            return Ok(());
        };
        let text = word.text.as_str();
        let digits = text.trim_end_matches('-');
        let open = text == "-"
            || (text.len() <= digits.len() + 1
                && !digits.is_empty()
                && digits.chars().all(|c| c.is_ascii_digit()));
        match target {
            Target::Copy | Target::CopyInput if !open && text.starts_with('-') => {
                // `>&-x` closes a file and begins the word `x` to some, and names the file `-x` to others.
                return Err(format!(
                    "redirects to `{text}`, which shells read in different ways"
                ));
            }
            Target::Copy if !open && (word.dynamic || text.contains(['$', '`'])) => {
                // `bash` substitutes in the name of the file a second time, whatever its quotes.
                return Err(format!(
                    "redirects to `{text}` by `>&`, which may run what it holds; write `> file 2>&1`"
                ));
            }
            Target::File => part.command.writes.push(word),
            Target::Copy if !open => part.command.writes.push(word),
            Target::Text => part.command.inputs.push(word),
            Target::Copy | Target::CopyInput | Target::Input => {}
        }
        Ok(())
    }

    /// Remembers what text of the line could become elsewhere in it.
    pub(super) fn saw(&mut self, word: &super::Word) {
        let mut before = 'x';
        self.blanks |= word.text.chars().any(|c| {
            let option = matches!(c, '-' | '+') && before.is_whitespace();
            before = c;
            option
        });
        if word.text.contains("$(") || word.text.contains('`') {
            self.work.spells();
        }
    }

    pub(super) fn end_command(&mut self, part: &mut Part) -> Result<(), String> {
        self.end_word(part)?;
        if part.target.is_some() {
            return Err("redirects to nothing; name the file behind `<` or `>`".to_owned());
        }
        let command = std::mem::take(&mut part.command);
        self.work.computing(&command.words);
        // An index is computed, and may hold blanks that end no word.
        let first = without_assignments(&command.words).first();
        let element = first.and_then(|word| word.text.split_once('['));
        if element.is_some_and(|(name, _)| is_assignment(&format!("{name}="))) {
            self.unread("assigns an element of an array (`name[…]=…`), which is not read here")?;
        }
        // To some shells, these begin commands of their own.
        let begins = std::mem::take(&mut part.begins);
        let mut from = 0;
        let several = begins.iter().any(|at| *at < command.words.len());
        for to in begins.iter().copied().chain([command.words.len()]) {
            let words = command.words.get(from..to).unwrap_or_default();
            if several && !words.is_empty() {
                let words = self.work.copied(words)?;
                self.keep(Command {
                    words,
                    ..Command::default()
                })?;
            }
            from = to;
        }
        self.keep(command)
    }

    pub(super) fn keep(&mut self, command: Command) -> Result<(), String> {
        // `for x in a b` runs nothing by itself.
        let first = command.words.first().map(|word| word.text.as_str());
        let nothing = command.words.is_empty() || first == Some("for");
        if nothing
            && command.unknown.is_none()
            && command.writes.is_empty()
            && command.inputs.is_empty()
        {
            return Ok(());
        }
        if self.found.len() >= MAX_COMMANDS {
            return Err(format!("has more than {MAX_COMMANDS} commands"));
        }
        self.found.push(command);
        Ok(())
    }

    /// The patterns of `case` end in a bracket that closes a substitution as well, to a reader that does not know them.
    pub(super) fn no_case_within(&self, part: &Part, close: Option<char>) -> Result<(), String> {
        let Some(word) = part.word.as_ref().filter(|_| close.is_some()) else {
            return Ok(());
        };
        let first = part.command.words.first().map(|word| word.text.as_str());
        let begins = matches!(first, None | Some("time" | "coproc" | "function"));
        let ends = self.peek(0).is_some_and(|c| c.is_whitespace() || c == '\\');
        if begins && ends && !word.quoted && word.text == "case" {
            return Err("has `case` inside of a substitution; write it outside of it".to_owned());
        }
        Ok(())
    }
}
