//! Brace expansion: `{rm,-rf,x}` is three words to a shell, so what runs cannot be read from the one.

/// Whether a shell would make several words of the one whose unquoted `{` comes first here.
pub(super) fn expands(rest: &[char]) -> bool {
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
