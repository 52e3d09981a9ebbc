//! The host that merges pull requests.

use std::path::Path;

use aport_gate::PolicyFacts;
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

/// What the host itself knows about a pull request: the policy decides on this, not on what an
/// agent says.
#[derive(Debug, Clone, PartialEq, Eq, PolicyFacts)]
pub struct PullRequest {
    /// Branch it merges into.
    pub branch: String,
    /// Size of the change in kilobytes.
    pub size_kb: u64,
    /// Where its review stands: no rule of the pack asks for it, the audit record has it.
    #[policy_facts(record_only)]
    pub review_state: ReviewState,
}

/// Where a review stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    /// A person agreed.
    Approved,
    /// Nobody looked yet.
    Pending,
}

/// Merges pull requests. A real forge implements this.
pub trait GitHost: Send + Sync + 'static {
    /// Looks a pull request up.
    fn pull_request(&self, repository: &str, number: u64) -> DeskFuture<'_, PullRequest>;

    /// Merges a pull request once.
    fn merge(&self, merge: Merge) -> DeskFuture<'_, Merge>;

    /// What a reader of the result must know about this host, if anything.
    fn notice(&self) -> Option<&'static str> {
        None
    }
}

/// Books merges into a file and touches no repository.
///
/// Its pull requests are made up: up to number 999 they are small, approved and go into `main`;
/// from 1000 on they are large, unseen and go into `production`.
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
    fn pull_request(&self, _repository: &str, number: u64) -> DeskFuture<'_, PullRequest> {
        let found = if number < 1000 {
            PullRequest {
                branch: "main".to_owned(),
                size_kb: 12,
                review_state: ReviewState::Approved,
            }
        } else {
            PullRequest {
                branch: "production".to_owned(),
                size_kb: 4096,
                review_state: ReviewState::Pending,
            }
        };
        Box::pin(std::future::ready(Ok(found)))
    }

    fn merge(&self, merge: Merge) -> DeskFuture<'_, Merge> {
        Box::pin(async move {
            let found = self
                .pull_request(&merge.repository, merge.pr_number)
                .await?;
            if found.branch != merge.base_branch {
                return Err(DeskError::OtherBase {
                    expected: merge.base_branch,
                    found: found.branch,
                });
            }
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
