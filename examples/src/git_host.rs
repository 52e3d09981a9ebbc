//! The host that merges pull requests.

use std::path::Path;

use aport_gate::PolicyFacts;
use serde::{Deserialize, Serialize};

use crate::{
    DeskError, DeskFuture, Merged,
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
    /// The commit that was decided on and merged, where the host has commits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// The commit that it became, once it is merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// It was asked for, and found merged as it was decided on: by this call, or by another that was faster.
    #[serde(skip)]
    pub is_looked_up: bool,
    /// The decision that allowed it.
    pub decision_id: String,
}

/// What the host itself knows about a pull request: the policy decides on this, not on what an
/// agent says.
#[derive(Debug, Clone, PartialEq, Eq, PolicyFacts)]
pub struct PullRequest {
    /// Branch it merges into.
    pub branch: String,
    /// Size of the change in kilobytes; not known of one that is too large to be read, or is not text.
    pub size_kb: Option<u64>,
    /// Lines added.
    pub lines_added: Option<u64>,
    /// Lines removed.
    pub lines_removed: Option<u64>,
    /// Where its review stands: no rule of the pack asks for it, the audit record has it.
    #[policy_facts(record_only)]
    pub review_state: ReviewState,
    /// How many people approve of its last commit.
    #[policy_facts(record_only)]
    pub approvals: Option<u64>,
    /// Its last commit: what is decided on, and the only one that is merged.
    #[policy_facts(record_only)]
    pub head: Option<String>,
    /// Whether it merges without conflict, where the host knows by now.
    #[policy_facts(record_only)]
    pub mergeable: Option<bool>,
}

/// Where a review stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    /// A person agreed.
    Approved,
    /// Somebody wants it changed.
    ChangesRequested,
    /// Nobody agreed yet.
    Pending,
}

/// Merges pull requests. A real forge implements this.
pub trait GitHost: Send + Sync + 'static {
    /// Looks a pull request up.
    fn pull_request(&self, repository: &str, number: u64) -> DeskFuture<'_, PullRequest>;

    /// Merges a pull request once, as it was when it was decided on, or not at all.
    fn merge(&self, merge: Merge) -> DeskFuture<'_, Merge>;

    /// What it is, for the log: where it is, and whether it is real.
    fn describe(&self) -> String;

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
                size_kb: Some(12),
                lines_added: Some(120),
                lines_removed: Some(30),
                review_state: ReviewState::Approved,
                approvals: Some(1),
                head: None,
                mergeable: Some(true),
            }
        } else {
            PullRequest {
                branch: "production".to_owned(),
                size_kb: Some(4096),
                lines_added: Some(40_000),
                lines_removed: Some(2000),
                review_state: ReviewState::Pending,
                approvals: Some(0),
                head: None,
                mergeable: None,
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
                    base_branch: merge.base_branch,
                    // Its pull requests never change, so it was merged as it is.
                    merged: Merged::AsDecided(merge.head),
                }),
            }
        })
    }

    fn describe(&self) -> String {
        "simulated; set GITHUB_TOKEN to merge on GitHub".to_owned()
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
            head: None,
            commit: None,
            is_looked_up: false,
            decision_id: "dec-1".into(),
        };
        host.merge(merge.clone()).await.unwrap();
        let error = host.merge(merge).await.unwrap_err();
        assert!(matches!(
            error,
            DeskError::AlreadyMerged { pr_number: 123, .. }
        ));
        let told = error.to_string();
        assert!(told.contains("already merged into `main`"), "{told}");
        assert!(told.contains("nothing was done anew"), "{told}");
    }
}
