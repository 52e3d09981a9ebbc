//! Where words may be coloured.

use std::ffi::OsString;
use std::io::IsTerminal;

/// Whether words on this stream may be coloured: somebody looks at it, or asked for colour by
/// `CLICOLOR_FORCE`, and nobody asked for plain text by `NO_COLOR`, `CLICOLOR=0` or `TERM=dumb`.
///
/// Sources: <https://no-color.org>, <https://bixense.com/clicolors>.
#[must_use]
pub fn is_coloured(stream: &impl IsTerminal) -> bool {
    coloured_by(stream.is_terminal(), |name| std::env::var_os(name))
}

fn coloured_by(is_terminal: bool, get: impl Fn(&str) -> Option<OsString>) -> bool {
    let filled = |name| get(name).filter(|value| !value.is_empty());
    if filled("NO_COLOR").is_some() {
        return false;
    }
    if filled("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    let plain = filled("CLICOLOR").is_some_and(|value| value == "0")
        || filled("TERM").is_some_and(|value| value == "dumb");
    is_terminal && !plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_people_who_want_it() {
        let with = |is_terminal, set: &[(&str, &str)]| {
            coloured_by(is_terminal, |name| {
                let found = set.iter().find(|(set, _)| *set == name);
                found.map(|(_, value)| value.into())
            })
        };
        assert!(with(true, &[]));
        assert!(with(true, &[("NO_COLOR", "")]));
        assert!(with(true, &[("CLICOLOR", "1")]));
        assert!(with(false, &[("CLICOLOR_FORCE", "1")]));
        assert!(!with(false, &[]));
        assert!(!with(false, &[("CLICOLOR_FORCE", "0")]));
        assert!(!with(true, &[("NO_COLOR", "1")]));
        assert!(!with(true, &[("CLICOLOR", "0")]));
        assert!(!with(true, &[("TERM", "dumb")]));
        assert!(!with(true, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]));
    }
}
