//! The variables of the gate: what they say, and those that nothing reads.

use super::Check;
use super::variables::Variables;
use crate::config::VARIABLES;

pub(super) fn checks(variables: &Variables) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut unset = Vec::new();
    for (name, default) in VARIABLES {
        match variables.get(name) {
            Some(value) => checks.push(Check::good(
                "variable",
                format!("{name} is {}", shown(name, &value.to_string_lossy())),
            )),
            None => unset.push(format!("{name} ({default})")),
        }
    }
    checks.extend(unexpanded_home(variables));
    if !unset.is_empty() {
        checks.push(Check::good("defaults", unset.join(", ")));
    }
    for name in variables.names() {
        if VARIABLES.iter().any(|(known, _)| *known == name) {
            continue;
        }
        let found = format!("{name} is set, but nothing reads it");
        checks.push(Check::doubtful("variable", found).next(match meant(&name) {
            Some(meant) => format!("did you mean {meant}?"),
            None => "correct its name, or remove it".to_owned(),
        }));
    }
    checks
}

/// A home that only a shell would understand: the server would make a folder of that name.
fn unexpanded_home(variables: &Variables) -> Option<Check> {
    let home = variables.get("APORT_HOME")?.to_string_lossy();
    let of_shell = home.starts_with('~') || (home.starts_with('$') && !home.contains("${"));
    if !of_shell {
        return None;
    }
    let rest = home.split_once('/').map_or("", |(_, rest)| rest);
    let whole = etcetera::home_dir().ok().map(|home| home.join(rest));
    let whole = whole.map_or_else(String::new, |whole| {
        format!(", such as `{}`", whole.display())
    });
    let found = format!("APORT_HOME is `{home}`, and nobody but a shell makes a folder of that");
    Some(Check::bad("environment", found).next(format!("write the whole path{whole}")))
}

/// The known name that a misspelt one is next to.
fn meant(wrong: &str) -> Option<&'static str> {
    VARIABLES
        .iter()
        .map(|(known, _)| (distance(wrong, known), *known))
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map(|(_, known)| known)
}

/// How many letters have to be added, removed or replaced.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, letter) in from.chars().enumerate() {
        let mut diagonal = at;
        let mut left = at.saturating_add(1);
        let mut next = vec![left];
        for (above, other) in row.iter().skip(1).zip(&to) {
            let replaced = diagonal.saturating_add(usize::from(letter != *other));
            left = replaced
                .min(left.saturating_add(1))
                .min(above.saturating_add(1));
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// A value that may be printed and pasted into a report: without secrets.
fn shown(name: &str, value: &str) -> String {
    if name == "APORT_API_KEY" {
        return "set (not shown)".to_owned();
    }
    // postgres://user:password@host/database?password=…
    let Some((scheme, rest)) = value.split_once("://") else {
        return format!("`{value}`");
    };
    let (place, more) = rest
        .split_once('?')
        .map_or((rest, ""), |(place, _)| (place, "?(not shown)"));
    let (user, host) = place
        .rsplit_once('@')
        .map_or(("", place), |(_, host)| ("(not shown)@", host));
    format!("`{scheme}://{user}{host}{more}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        for (wrong, right) in [
            ("APORT_AGENT", Some("APORT_AGENT_ID")),
            ("APORT_APIKEY", Some("APORT_API_KEY")),
            ("APORT_BASEURL", Some("APORT_BASE_URL")),
            ("APORT_SOMETHING_ELSE", None),
        ] {
            assert_eq!(meant(wrong), right, "{wrong}");
        }
    }
}
