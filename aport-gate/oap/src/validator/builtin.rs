//! Commands of shells that take text for a script, a list of words to expand or a program, besides `eval` and `trap`.

use super::shell::Word;

/// Names, and the letters of the options that make them so; none where any call does.
const EVALUATING: [(&str, &str); 16] = [
    ("compgen", "WCFV"),
    ("complete", "WCF"),
    ("hash", "p"),
    ("mapfile", "C"),
    ("readarray", "C"),
    ("enable", "f"),
    ("bind", "xfu"),
    ("jobs", "x"),
    ("fc", ""),
    ("emulate", ""),
    ("sched", ""),
    ("zle", ""),
    ("autoload", ""),
    ("zmodload", ""),
    ("vared", ""),
    ("zcompile", ""),
];

/// Why nobody can tell what the command runs, if it evaluates what it is given.
pub(super) fn evaluates(name: &str, rest: &[Word]) -> Option<String> {
    let (_, letters) = EVALUATING.iter().find(|(known, _)| *known == name)?;
    if letters.is_empty() {
        return Some(format!("lets `{name}` run or load what it is given"));
    }
    for word in rest {
        if word.dynamic && !word.text.starts_with('-') {
            return Some(format!(
                "gives `{name}` what may be an option that runs its value"
            ));
        }
        let options = word.text.strip_prefix('-').unwrap_or_default();
        if let Some(letter) = options.chars().find(|letter| letters.contains(*letter)) {
            return Some(format!("lets `{name}` evaluate what its `-{letter}` says"));
        }
    }
    // `bind '"a": "…"'` types the text.
    let types = name == "bind" && rest.iter().any(|word| word.text.contains(':'));
    types.then(|| "lets `bind` type what it is given".to_owned())
}
