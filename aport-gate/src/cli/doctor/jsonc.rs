//! JSON with comments and trailing commas, as VS Code reads it.

/// The same document as plain JSON. What is taken out becomes spaces, so that an error is told at its place.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => in_quotes(rest),
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest
                .get(2..)
                .and_then(|comment| comment.find("*/"))
                .map_or(rest.len(), |end| end.saturating_add(4)),
            ',' | ']' | '}' => 1,
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        match first {
            '/' if length > 1 => {
                plain.extend(
                    token
                        .chars()
                        .map(|letter| if letter == '\n' { '\n' } else { ' ' }),
                );
            }
            ']' | '}' => {
                let before = plain.trim_end().len();
                if plain.trim_end().ends_with(',') {
                    plain.replace_range(before.saturating_sub(1)..before, " ");
                }
                plain.push_str(token);
            }
            _ => plain.push_str(token),
        }
        rest = after;
    }
    plain
}

/// Bytes of the text in quotes that this begins with.
fn in_quotes(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at.saturating_add(1),
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_trailing_commas_go_and_texts_stay() {
        let text =
            "{ // one\n \"a\": \"//no, \\\" /*no*/ ,}\", /* two\n, */ \"b\": [1, 2, ], // é\n}";
        let read: serde_json::Value = serde_json::from_str(&plain(text)).unwrap();
        let wanted = serde_json::json!({ "a": "//no, \" /*no*/ ,}", "b": [1, 2] });
        assert_eq!(read, wanted);
        for broken in ["{\"a", "/*", "//", "{,,}", "\"\\"] {
            let _ = plain(broken);
        }
    }
}
