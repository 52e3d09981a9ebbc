//! Every message of the attribute is explained in the guide.

const GUIDE: &str = include_str!("../../aport-gate/docs/errors.md");

/// The first line of the first error in a trybuild file, as far as it does not name a place.
fn message(stderr: &str) -> &str {
    let error = stderr
        .lines()
        .find(|line| line.starts_with("error"))
        .unwrap();
    // What else could be written grows with the attribute; where a file is depends on the machine.
    let ends = [" expected one of", "$WORKSPACE", "$DIR"].map(|end| error.find(end));
    let end = ends.into_iter().flatten().min();
    &error[..end.unwrap_or(error.len())]
}

#[test]
fn every_error_has_a_before_and_an_after() {
    let cases = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/fail");
    let mut unexplained = Vec::new();
    for entry in std::fs::read_dir(cases).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "stderr")
        {
            let stderr = std::fs::read_to_string(&path).unwrap();
            if !GUIDE.contains(message(&stderr)) {
                unexplained.push(format!("{}: {}", path.display(), message(&stderr)));
            }
        }
    }
    assert!(
        unexplained.is_empty(),
        "add these to aport-gate/docs/errors.md, with what causes them and what builds:\n{}",
        unexplained.join("\n")
    );
}
