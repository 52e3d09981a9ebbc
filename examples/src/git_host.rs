//! The host that merges pull requests.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    DeskError, DeskFuture,
    journal::{Entry, Journal},
};

/// A merge that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merge {
    /// Repository, `owner/name`.
    pub repository: String,
    /// Number of the pull request.
    pub pr_number: u64,
    /// Branch it was merged into.
    pub base_branch: String,
    /// The decision that allowed it.
    pub decision_id: String,
}

/// Merges pull requests. A real forge implements this.
pub trait GitHost: Send + Sync + 'static {
    /// Merges a pull request once.
    fn merge(&self, merge: Merge) -> DeskFuture<'_, Merge>;

    /// What a reader of the result must know about this host, if anything.
    fn notice(&self) -> Option<&'static str> {
        None
    }
}

/// Books merges into a file and touches no repository.
#[derive(Debug)]
pub struct SimulatedGitHost {
    journal: Journal,
}

impl SimulatedGitHost {
    /// Keeps its books in `simulated-merges.jsonl` in `home`.
    pub fn new(home: &Path) -> Self {
        Self {
            journal: Journal::new(home.join("simulated-merges.jsonl")),
        }
    }
}

impl GitHost for SimulatedGitHost {
    fn merge(&self, merge: Merge) -> DeskFuture<'_, Merge> {
        Box::pin(async move {
            let same_request =
                |a: &Merge, b: &Merge| a.repository == b.repository && a.pr_number == b.pr_number;
            match self.journal.add_once(merge, same_request).await? {
                Entry::Added(merge) => Ok(merge),
                Entry::Existing(merge) => Err(DeskError::AlreadyMerged {
                    repository: merge.repository,
                    pr_number: merge.pr_number,
                }),
            }
        })
    }

    fn notice(&self) -> Option<&'static str> {
        Some("The git host is simulated: no repository was changed.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_pull_request_is_merged_once() {
        let dir = tempfile::tempdir().unwrap();
        let host = SimulatedGitHost::new(dir.path());
        let merge = Merge {
            repository: "my-org/my-repo".into(),
            pr_number: 123,
            base_branch: "main".into(),
            decision_id: "dec-1".into(),
        };
        host.merge(merge.clone()).await.unwrap();
        let error = host.merge(merge).await.unwrap_err();
        assert!(matches!(
            error,
            DeskError::AlreadyMerged { pr_number: 123, .. }
        ));
    }
}
