//! Command lines read as a shell reads them, far enough to see every program that would run: chains, pipes,
//! substitutions, quotes. Nothing is expanded; what only an expansion could tell is marked.

use super::work::Work;

mod brace;
mod expansion;

/// Most nested substitutions and wrapped scripts.
pub(super) const MAX_NESTING: usize = 8;

/// Most programs in one command line.
pub(super) const MAX_COMMANDS: usize = 200;

/// Most unquoted braces in one script.
const MAX_BRACES: usize = 200;

/// A word of a command, with its quotes read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Word {
    pub(super) text: String,
    /// Whether a variable, a substitution or a wildcard decides what it is.
    pub(super) dynamic: bool,
    /// Whether the output of another command is in it.
    pub(super) output: bool,
}

/// A program and its arguments.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Command {
    pub(super) words: Vec<Word>,
    /// Whether its input is the output of the one before.
    pub(super) piped: bool,
    /// Whether anything in the line is piped or read from elsewhere, so that its input may be.
    pub(super) fed: bool,
    /// Files that its output is redirected to.
    pub(super) writes: Vec<Word>,
    /// For a program that is run without the line saying which: why it is.
    pub(super) unknown: Option<String>,
}

/// What the word after a redirection is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Target {
    /// A file that is written.
    File,
    /// A file that is read, or text.
    Input,
}

impl Command {
    pub(super) fn text(&self) -> String {
        let words: Vec<&str> = self.words.iter().map(|word| word.text.as_str()).collect();
        words.join(" ")
    }
}

/// Words of the grammar that come before a program.
const OPENERS: [&str; 9] = [
    "if", "then", "elif", "else", "while", "until", "do", "!", "{",
];
/// Words that stand for nothing that runs.
const CLOSERS: [&str; 5] = ["fi", "done", "esac", "}", ";;"];

/// Every program in the line, those in substitutions included.
///
/// # Errors
/// What a reader cannot be sure about: open quotes, encoded characters, too much nesting.
pub(super) fn commands(work: &Work, line: &str) -> Result<Vec<Command>, String> {
    let mut reader = Reader::new(work, line, 0)?;
    reader.script(None)?;
    let feeds = reader.feeds;
    let fed = |mut command: Command| {
        command.fed |= feeds;
        command
    };
    Ok(reader.found.into_iter().map(fed).collect())
}

struct Reader<'w> {
    work: &'w Work,
    chars: Vec<char>,
    at: usize,
    found: Vec<Command>,
    depth: usize,
    braces: usize,
    /// Whether there was a pipe, a redirected input or a process substitution.
    feeds: bool,
}

impl<'w> Reader<'w> {
    /// A reader of text at this depth. Its characters are paid for.
    fn new(work: &'w Work, text: &str, depth: usize) -> Result<Self, String> {
        work.spend(size_of::<char>().saturating_mul(text.len()))?;
        Ok(Self {
            work,
            chars: text.chars().collect(),
            at: 0,
            found: Vec::new(),
            depth,
            braces: 0,
            feeds: false,
        })
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    /// Reads up to the closing character, or to the end.
    fn script(&mut self, close: Option<char>) -> Result<(), String> {
        if self.depth > MAX_NESTING {
            return Err("is nested too deeply".to_owned());
        }
        let mut command = Command::default();
        let mut word: Option<Word> = None;
        let mut target: Option<Target> = None;
        while let Some(c) = self.peek(0) {
            if Some(c) == close {
                self.at += 1;
                self.end_word(&mut command, &mut word, &mut target)?;
                self.end_command(command)?;
                return Ok(());
            }
            match c {
                ' ' | '\t' => self.end_word(&mut command, &mut word, &mut target)?,
                '#' if word.is_none() => {
                    while self.peek(1).is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                '\n' | '\r' | ';' | '&' | '|' | '(' | ')' => {
                    // `2>&1` and `&>file` are redirections.
                    if c == '&' && (target.is_some() || self.peek(1) == Some('>')) {
                        self.at += 1;
                        continue;
                    }
                    self.end_word(&mut command, &mut word, &mut target)?;
                    let pipe = c == '|' && self.peek(1) != Some('|');
                    self.feeds |= pipe;
                    while matches!(self.peek(1), Some('&' | '|' | ';'))
                        && matches!(c, '&' | '|' | ';')
                    {
                        self.at += 1;
                    }
                    let piped = std::mem::replace(
                        &mut command,
                        Command {
                            piped: pipe,
                            ..Command::default()
                        },
                    );
                    self.end_command(piped)?;
                }
                '<' | '>' => {
                    if self.peek(1) == Some('(') {
                        self.at += 2;
                        self.nested(')')?;
                        self.feeds = true;
                        let word = word.get_or_insert_default();
                        // What a shell puts in its place.
                        word.text.push_str("/dev/fd/");
                        (word.dynamic, word.output) = (true, true);
                        continue;
                    }
                    // A number before it is the one that is redirected.
                    if word
                        .as_ref()
                        .is_some_and(|word| word.text.chars().all(|c| c.is_ascii_digit()))
                    {
                        word = None;
                    }
                    self.end_word(&mut command, &mut word, &mut target)?;
                    let mut writes = c == '>';
                    while let Some(next @ ('<' | '>' | '|' | '-')) = self.peek(1) {
                        writes |= next == '>';
                        self.at += 1;
                    }
                    self.feeds |= c == '<';
                    target = Some(if writes { Target::File } else { Target::Input });
                }
                '\'' => {
                    let text = word.get_or_insert_default();
                    self.at += 1;
                    loop {
                        match self.peek(0) {
                            None => return Err("has an open quote".to_owned()),
                            Some('\'') => break,
                            Some(c) => text.text.push(c),
                        }
                        self.at += 1;
                    }
                }
                '"' => {
                    self.at += 1;
                    let mut text = word.take().unwrap_or_default();
                    self.quoted(&mut text)?;
                    word = Some(text);
                    continue;
                }
                '\\' => {
                    self.at += 1;
                    match self.peek(0) {
                        None => return Err("ends in a backslash".to_owned()),
                        Some('\n') => {}
                        Some(c) => word.get_or_insert_default().text.push(c),
                    }
                }
                '`' | '$' => {
                    let mut text = word.take().unwrap_or_default();
                    self.expansion(&mut text)?;
                    word = Some(text);
                    continue;
                }
                '*' | '?' | '[' | '{'
                    if c != '{' || self.peek(1).is_some_and(|c| !c.is_whitespace()) =>
                {
                    if c == '{' {
                        self.brace()?;
                    }
                    let text = word.get_or_insert_default();
                    text.text.push(c);
                    text.dynamic = true;
                }
                other => word.get_or_insert_default().text.push(other),
            }
            self.at += 1;
        }
        if close.is_some() {
            return Err("has an open bracket".to_owned());
        }
        self.end_word(&mut command, &mut word, &mut target)?;
        self.end_command(command)
    }

    /// An unquoted `{` within a word. Each is read ahead from, so there are not many.
    fn brace(&mut self) -> Result<(), String> {
        self.braces += 1;
        if self.braces > MAX_BRACES {
            return Err(format!("has more than {MAX_BRACES} braces"));
        }
        let rest = self.chars.get(self.at..).unwrap_or_default();
        self.work.spend(rest.len())?;
        if brace::expands(rest) {
            return Err("builds words from `{…,…}`".to_owned());
        }
        Ok(())
    }

    fn end_word(
        &self,
        command: &mut Command,
        word: &mut Option<Word>,
        target: &mut Option<Target>,
    ) -> Result<(), String> {
        let Some(word) = word.take() else {
            return Ok(());
        };
        self.work.word(&word)?;
        if let Some(target) = target.take() {
            if target == Target::File {
                command.writes.push(word);
            }
            return Ok(());
        }
        if command.words.is_empty() && !word.dynamic {
            let text = word.text.as_str();
            if OPENERS.contains(&text) || CLOSERS.contains(&text) {
                return Ok(());
            }
        }
        command.words.push(word);
        Ok(())
    }

    fn end_command(&mut self, command: Command) -> Result<(), String> {
        // `for x in a b` runs nothing by itself.
        let first = command.words.first().map(|word| word.text.as_str());
        let nothing = command.words.is_empty() || first == Some("for");
        if nothing && command.writes.is_empty() {
            return Ok(());
        }
        if self.found.len() >= MAX_COMMANDS {
            return Err(format!("has more than {MAX_COMMANDS} commands"));
        }
        self.found.push(command);
        Ok(())
    }

    fn nested(&mut self, close: char) -> Result<(), String> {
        self.depth += 1;
        let read = self.script(Some(close));
        self.depth -= 1;
        read
    }
}
