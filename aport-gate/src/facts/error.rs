//! Why the facts of a call cannot be had, and who may read it.

use std::any::Any;
use std::fmt::{self, Display};

/// Why the facts of a call cannot be had.
///
/// The function of `facts = …` may fail with any error that implements [`Display`]: its text goes to
/// the log and to the audit record, and the caller reads only that there are no facts, since the text
/// may tell of your systems what an agent should not know. With this type the function chooses what
/// the caller reads, and whether asking again can help. `?` makes one of any [`std::error::Error`].
///
/// | made by | the caller reads | code | the same call again |
/// | --- | --- | --- | --- |
/// | [`internal`](Self::internal), `?` | that there are no facts | `gate.facts_unavailable` | may pass |
/// | [`for_caller`](Self::for_caller) | the text as well | `gate.facts_unavailable` | may pass |
/// | [`refused`](Self::refused) | the text as well | `gate.facts_refused` | cannot pass |
///
/// ```
/// use aport_gate::{FactsError, PolicyFacts};
///
/// #[derive(PolicyFacts)]
/// struct PullRequest {
///     branch: String,
/// }
///
/// async fn pull_request(pr_number: &u64) -> Result<PullRequest, FactsError> {
///     // For log and record only.
///     let known = std::fs::read_to_string("/var/lib/host/pull-requests")?;
///     let branch = known.lines().nth(usize::try_from(*pr_number)?);
///     // For the caller too, who need not ask again.
///     let branch = branch.ok_or_else(|| FactsError::refused("no such pull request"))?;
///     Ok(PullRequest { branch: branch.to_owned() })
/// }
/// ```
pub struct FactsError {
    text: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Internal,
    ForCaller,
    Refused,
}

impl FactsError {
    /// For log and audit record only.
    pub fn internal(problem: impl Display) -> Self {
        Self::of_kind(Kind::Internal, problem)
    }

    /// For the caller to read as well. The facts cannot be had now, and may be had in a moment: a client
    /// tries again.
    pub fn for_caller(problem: impl Display) -> Self {
        Self::of_kind(Kind::ForCaller, problem)
    }

    /// For the caller to read as well. What is known rules the call out: there is nothing of that name, or it
    /// is closed. Nothing about that changes by itself, so no client tries again.
    pub fn refused(problem: impl Display) -> Self {
        Self::of_kind(Kind::Refused, problem)
    }

    fn of_kind(kind: Kind, problem: impl Display) -> Self {
        Self {
            text: problem.to_string(),
            kind,
        }
    }

    /// Whatever a function of `facts = …` failed with.
    pub(crate) fn of<E: Display + 'static>(error: E) -> Self {
        let mut error = Some(error);
        let own: &mut dyn Any = &mut error;
        if let Some(own) = own.downcast_mut::<Option<Self>>().and_then(Option::take) {
            return own;
        }
        error.map_or_else(|| Self::internal("no reason is known"), Self::internal)
    }

    pub(crate) fn is_for_caller(&self) -> bool {
        self.kind != Kind::Internal
    }

    pub(crate) fn is_refusal(&self) -> bool {
        self.kind == Kind::Refused
    }
}

impl Display for FactsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for FactsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text may quote an argument that is redacted.
        f.debug_struct("FactsError")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl<E: std::error::Error> From<E> for FactsError {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            text.push_str(": ");
            text.push_str(&inner.to_string());
            source = inner.source();
        }
        Self::internal(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_read_it_survives_the_way_through_any_error_type() {
        let own = FactsError::of(FactsError::for_caller("closed"));
        assert!(own.is_for_caller());
        assert_eq!(own.to_string(), "closed");
        assert!(!own.is_refusal());
        assert!(!FactsError::of("closed").is_for_caller());
        let refused = FactsError::of(FactsError::refused("closed"));
        assert!(refused.is_for_caller() && refused.is_refusal());
        assert_eq!(format!("{refused:?}"), "FactsError { kind: Refused, .. }");
    }
}
