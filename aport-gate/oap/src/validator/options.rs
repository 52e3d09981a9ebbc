//! Options as programs read them from their words: long ones cut short, short ones in bundles.

use super::shell::Word;

/// The values of an option: `--name value`, `--name=value`, `-n value`, `-nvalue`.
pub(super) fn values<'w>(words: &'w [Word], option: &str) -> impl Iterator<Item = &'w str> {
    let words_after = |at: usize| words.get(at + 1).map(|word| word.text.as_str());
    let long = option.starts_with("--");
    words
        .iter()
        .take_while(|word| word.text != "--")
        .enumerate()
        .filter_map(move |(at, word)| {
            let text = word.text.as_str();
            if long {
                let (name, value) = match text.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None => (text, None),
                };
                // Two dashes and a letter: shorter ones name no option.
                let means = name.len() > 2 && option.starts_with(name);
                return means.then(|| value.or_else(|| words_after(at))).flatten();
            }
            match text.strip_prefix(option)? {
                "" => words_after(at),
                value => Some(value.strip_prefix('=').unwrap_or(value)),
            }
        })
}

/// The values of a short option behind others in one word: `-ix value`, `-ixvalue`. `taking` are the letters that
/// take the rest of such a word as their own value.
pub(super) fn bundled<'w>(
    words: &'w [Word],
    letter: char,
    taking: &'static str,
) -> impl Iterator<Item = &'w str> {
    words
        .iter()
        .take_while(|word| word.text != "--")
        .enumerate()
        .filter_map(move |(at, word)| {
            let letters = word.text.strip_prefix('-')?;
            if letters.starts_with('-') {
                return None;
            }
            let (position, found) = letters
                .char_indices()
                .find(|(_, c)| *c == letter || taking.contains(*c))?;
            // As the first letter it is an option of its own.
            if found != letter || position == 0 {
                return None;
            }
            match letters.get(position + letter.len_utf8()..)? {
                "" => words.get(at + 1).map(|word| word.text.as_str()),
                value => Some(value),
            }
        })
}
