//! Where a condition does not parse, and why.

/// A condition that does not parse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at byte {offset}\n  {source_line}\n  {caret}")]
pub struct ConditionError {
    /// What was wrong and what was expected.
    pub message: String,
    /// Where, in bytes from the start of the condition.
    pub offset: usize,
    source_line: String,
    caret: String,
}

impl ConditionError {
    pub(in crate::condition) fn new(source: &str, offset: usize, message: String) -> Self {
        // Long conditions show the part around the mistake only.
        let before: Vec<char> = source.get(..offset).unwrap_or_default().chars().collect();
        let shown_before: String = before
            .iter()
            .skip(before.len().saturating_sub(60))
            .collect();
        let after: String = source
            .get(offset..)
            .unwrap_or_default()
            .chars()
            .take(60)
            .collect();
        let flat = |text: String| text.replace(|c: char| c.is_control(), " ");
        let caret = format!("{}^", " ".repeat(shown_before.chars().count()));
        Self {
            message,
            offset,
            source_line: flat(shown_before + &after),
            caret,
        }
    }

    /// The part of the condition around the mistake, and below it a caret.
    #[cfg(feature = "evaluate")]
    pub(crate) fn snippet(&self) -> String {
        format!("{}\n{}", self.source_line, self.caret)
    }
}
