//! Brace expansion: `{rm,-rf,x}` is three words to a shell. Plain ones among the arguments are written out, as long as
//! none of them could be an option; others are refused, since what runs cannot be read from the one word.

use super::Reader;
use super::command::{Part, Word};

/// Most unquoted braces in one script.
const MAX_BRACES: usize = 200;

/// Most words that one word is written out as.
const MAX_EXPANDED: usize = 64;

impl Reader<'_> {
    /// At an unquoted `{` within a word. Whether the word was written out and is over. Each is read ahead from, so
    /// there are not many.
    pub(super) fn brace(&mut self, part: &mut Part) -> Result<bool, String> {
        self.braces += 1;
        if self.braces > MAX_BRACES {
            return Err(format!("has more than {MAX_BRACES} braces"));
        }
        let rest = self.chars.get(self.at..).unwrap_or_default();
        self.work.spend(rest.len())?;
        if !expands(rest) {
            return Ok(false);
        }
        let refused = || "builds words from `{…,…}`; write them out".to_owned();
        let tail: String = rest.iter().take_while(|c| is_plain(**c)).collect();
        let end = rest.get(tail.len()).copied();
        let ends =
            end.is_none_or(|c| c.is_whitespace() || matches!(c, ';' | '&' | '|' | ')' | '`'));
        let head = match &part.word {
            None => "",
            Some(word) if !word.quoted && !word.dynamic && word.text.chars().all(is_plain) => {
                word.text.as_str()
            }
            Some(_) => return Err(refused()),
        };
        // The name of a program, a file that is written, and an assignment are read by other rules.
        let argument = part.target.is_none() && has_program(&part.command.words);
        if !argument || !ends {
            return Err(refused());
        }
        self.work.spend(MAX_EXPANDED * (head.len() + tail.len()))?;
        let words = written_out(&format!("{head}{tail}"), 0).ok_or_else(refused)?;
        if words
            .iter()
            .any(|word| word.is_empty() || word.starts_with('-'))
        {
            return Err(refused());
        }
        self.at += tail.len();
        part.word = None;
        for text in words {
            // Where it turns out to be a program's name, it is one that the line does not say.
            part.word = Some(Word {
                text,
                dynamic: true,
                ..Word::default()
            });
            self.end_word(part)?;
        }
        Ok(true)
    }
}

fn has_program(words: &[Word]) -> bool {
    words
        .iter()
        .any(|word| !crate::validator::wrapper::is_assignment(&word.text))
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(
            c,
            '_' | '-' | '.' | '/' | '+' | ':' | '@' | '%' | '=' | ',' | '{' | '}'
        )
}

/// The numbers of `1..9`, up or down.
fn range(text: &str) -> Option<Vec<String>> {
    let (from, to) = text.split_once("..")?;
    let number = |text: &str| {
        // With zeros in front, shells do not agree.
        let plain = text == "0" || !text.starts_with(['0', '+']);
        text.parse::<u32>().ok().filter(|_| plain)
    };
    let (from, to) = (number(from)?, number(to)?);
    if from.abs_diff(to) >= MAX_EXPANDED as u32 {
        return None;
    }
    let all = from.min(to)..=from.max(to);
    Some(if from > to {
        all.rev().map(|number| number.to_string()).collect()
    } else {
        all.map(|number| number.to_string()).collect()
    })
}

/// The words that a shell makes of a plain one; none where that is not known here (`{a..c}`, `{x}`) or too much.
fn written_out(text: &str, depth: usize) -> Option<Vec<String>> {
    let Some((head, rest)) = text.split_once('{') else {
        return (!text.contains('}')).then(|| vec![text.to_owned()]);
    };
    if depth > super::MAX_NESTING {
        return None;
    }
    let (mut open, mut start) = (0_usize, 0);
    let mut parts = Vec::new();
    let mut end = None;
    for (at, c) in rest.char_indices() {
        match c {
            '{' => open += 1,
            '}' if open > 0 => open -= 1,
            '}' => {
                end = Some(at);
                break;
            }
            ',' if open == 0 => {
                parts.push(rest.get(start..at)?);
                start = at + 1;
            }
            _ => {}
        }
    }
    let end = end?;
    parts.push(rest.get(start..end)?);
    let numbers;
    if parts.len() < 2 {
        numbers = range(rest.get(..end)?)?;
        parts = numbers.iter().map(String::as_str).collect();
    }
    let tails = written_out(rest.get(end + 1..)?, depth + 1)?;
    let mut words = Vec::new();
    for part in parts {
        for middle in written_out(part, depth + 1)? {
            for tail in &tails {
                if words.len() >= MAX_EXPANDED {
                    return None;
                }
                words.push(format!("{head}{middle}{tail}"));
            }
        }
    }
    Some(words)
}

/// Whether a shell would make several words of the one whose unquoted `{` comes first here.
fn expands(rest: &[char]) -> bool {
    let mut depth = 0_usize;
    let mut closed = false;
    let mut several = false;
    // A substitution may hold blanks without an end of the word.
    let mut substitution = false;
    let mut at = 0;
    while let Some(&c) = rest.get(at) {
        let next = rest.get(at + 1).copied();
        match c {
            '\\' => at += 1,
            '\'' => at += past(rest, at, '\''),
            '"' => at += past(rest, at, '"'),
            '`' => substitution = true,
            '$' if next == Some('(') => substitution = true,
            '$' if next == Some('{') => at += past(rest, at, '}'),
            '{' => depth += 1,
            ',' => several = true,
            '.' if next == Some('.') => several = true,
            '}' => {
                if several && (depth == 0 || (depth == 1 && !closed)) {
                    return true;
                }
                depth = depth.saturating_sub(1);
                closed |= depth == 0;
            }
            ' ' | '\t' | '\n' | '\r' | ';' | '&' | '|' | '(' | ')' | '<' | '>' if !substitution => {
                return false;
            }
            _ => {}
        }
        at += 1;
    }
    false
}

/// How far the character that closes is from the one that opens.
fn past(rest: &[char], at: usize, close: char) -> usize {
    let mut length = 1;
    while let Some(&c) = rest.get(at + length) {
        if c == close {
            break;
        }
        length += if c == '\\' && close == '"' { 2 } else { 1 };
    }
    length
}
