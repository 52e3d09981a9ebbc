//! Text to tokens.

use super::parser::ConditionError;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Word(String),
    Int(i128),
    Float(f64),
    Str(String),
    /// An operator or a bracket.
    Mark(&'static str),
    End,
}

/// A token and the byte offset it starts at.
pub(super) type Placed = (usize, Token);

/// Longest first, so that `==` is not read out of `===`.
const MARKS: [&str; 23] = [
    "===", "!==", "==", "!=", "<=", ">=", "&&", "||", "=>", "<", ">", "!", "+", "-", "*", "/", "(",
    ")", "[", "]", ",", ".", "?",
];

/// Names that reach into the object model of JavaScript hosts that share these packs.
const REFUSED: [&str; 3] = ["__proto__", "prototype", "constructor"];

pub(super) fn tokens(source: &str) -> Result<Vec<Placed>, ConditionError> {
    let mut tokens = Vec::new();
    let mut rest = source;
    loop {
        rest = rest.trim_start();
        let at = source.len() - rest.len();
        let fail = |message: String| ConditionError::new(source, at, message);
        let Some(first) = rest.chars().next() else {
            tokens.push((at, Token::End));
            return Ok(tokens);
        };
        let (token, length) = if first.is_ascii_alphabetic() || matches!(first, '_' | '$') {
            let length = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '$'))
                .unwrap_or(rest.len());
            let word = rest.get(..length).unwrap_or_default();
            refuse(word).map_err(fail)?;
            (Token::Word(word.to_owned()), length)
        } else if first.is_ascii_digit() {
            number(rest).map_err(fail)?
        } else if matches!(first, '\'' | '"') {
            let (text, length) = string(rest, first).map_err(fail)?;
            refuse(&text).map_err(fail)?;
            (Token::Str(text), length)
        } else if let Some(mark) = MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            (Token::Mark(mark), mark.len())
        } else {
            return Err(fail(match first {
                '=' | '&' | '|' => {
                    let meant = if first == '=' {
                        "==".to_owned()
                    } else {
                        format!("{first}{first}")
                    };
                    format!("expected `{meant}`, found `{first}`")
                }
                _ => format!("unexpected character `{first}`"),
            }));
        };
        tokens.push((at, token));
        rest = rest.get(length..).unwrap_or_default();
    }
}

fn refuse(word: &str) -> Result<(), String> {
    if REFUSED.contains(&word) {
        Err(format!("`{word}` is not allowed in a condition"))
    } else {
        Ok(())
    }
}

fn number(rest: &str) -> Result<(Token, usize), String> {
    let digits = |from: usize| {
        let tail = rest.get(from..).unwrap_or_default();
        from + tail
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(tail.len())
    };
    let byte = |at: usize| rest.as_bytes().get(at).copied().unwrap_or(0);
    let whole = digits(0);
    let mut end = whole;
    if byte(end) == b'.' && byte(end + 1).is_ascii_digit() {
        end = digits(end + 1);
    }
    if matches!(byte(end), b'e' | b'E') {
        let sign = usize::from(matches!(byte(end + 1), b'+' | b'-'));
        if byte(end + 1 + sign).is_ascii_digit() {
            end = digits(end + 1 + sign);
        }
    }
    if byte(end).is_ascii_alphabetic() || byte(end) == b'_' {
        return Err("a name cannot start with a digit".to_owned());
    }
    let text = rest.get(..end).unwrap_or_default();
    let token = if end == whole {
        text.parse().ok().map(Token::Int)
    } else {
        text.parse()
            .ok()
            .filter(|float: &f64| float.is_finite())
            .map(Token::Float)
    };
    token
        .map(|token| (token, end))
        .ok_or_else(|| format!("number `{text}` is out of range"))
}

fn string(rest: &str, quote: char) -> Result<(String, usize), String> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Ok((text, at + c.len_utf8()));
        }
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next().map(|(_, escaped)| escaped) {
            Some(escaped @ ('\\' | '\'' | '"' | '/')) => text.push(escaped),
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            _ => {
                return Err(
                    "unknown escape: expected one of `\\\\ \\' \\\" \\/ \\n \\t \\r`".to_owned(),
                );
            }
        }
    }
    Err(format!("string without a closing {quote}"))
}
