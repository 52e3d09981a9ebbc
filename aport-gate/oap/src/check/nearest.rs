//! The nearest known name, for messages about unknown ones.

/// The name in `known` that `wrong` most likely meant, if one is near enough.
pub(crate) fn meant<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = |name: &str| (name.len() / 3).max(1);
    known
        .iter()
        // Names come from documents of any size; far ones are not worth a comparison.
        .filter(|name| name.len() <= 100 && wrong.len().abs_diff(name.len()) <= 2 * near(name))
        .take(100)
        .map(|name| (distance(wrong, name), *name))
        .filter(|(distance, name)| *distance <= near(name))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Edits between two names: insert, remove, replace (Levenshtein).
pub(crate) fn distance(left: &str, right: &str) -> usize {
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
