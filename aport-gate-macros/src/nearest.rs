//! The nearest known name, for messages about unknown ones.

/// The name in `known` that `wrong` most likely meant, if one is near enough.
pub(crate) fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|name| (distance(wrong, name), *name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// "unknown `what` `wrong`", with the nearest name and the list of those that exist.
pub(crate) fn unknown(what: &str, wrong: &str, known: &[&str]) -> String {
    let meant = match nearest(wrong, known) {
        Some(name) => format!(": did you mean `{name}`? "),
        None => ": ".to_owned(),
    };
    format!(
        "unknown {what} `{wrong}`{meant}expected one of {}",
        quoted(known)
    )
}

/// A list of names for a message.
pub(crate) fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Edits between two names: insert, remove, replace (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, a) in left.chars().enumerate() {
        let mut next = vec![index + 1];
        let mut previous = index + 1;
        for (b, pair) in right.iter().zip(row.windows(2)) {
            let [diagonal, above] = pair else { continue };
            previous = (diagonal + usize::from(a != *b))
                .min(above + 1)
                .min(previous + 1);
            next.push(previous);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_slip_finds_its_name() {
        let keys = ["pack", "name", "title", "description"];
        assert_eq!(nearest("pak", &keys), Some("pack"));
        assert_eq!(nearest("descripton", &keys), Some("description"));
        assert_eq!(nearest("policy", &keys), None);
    }
}
