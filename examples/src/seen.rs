//! Foreign words on a terminal: what a tool, a model or a server wrote cannot steer it or forge a line.

/// The text as one line, without what a reader cannot see.
pub(crate) fn line(text: &str) -> String {
    text.chars()
        .map(|c| if is_unseen(c) { ' ' } else { c })
        .collect()
}

/// The text with its own lines and tabs.
pub(crate) fn lines(text: &str) -> String {
    let clean = |c: char| match c {
        '\n' | '\t' => c,
        c if is_unseen(c) => ' ',
        c => c,
    };
    text.replace("\r\n", "\n").chars().map(clean).collect()
}

fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_turned_text_are_gone_and_lines_stay() {
        let foreign = "a\r\nb\tc\u{1b}[2J\u{9b}K\u{7}\u{202e}é";
        assert_eq!(lines(foreign), "a\nb\tc [2J K  é");
        assert_eq!(line(foreign), "a  b c [2J K  é");
    }
}
