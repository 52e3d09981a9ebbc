//! A merge of the very commit that was decided on, and what became of it when the answer was lost.

use std::time::Duration;

use octocrab::models::pulls;
use tokio::time::{Instant, sleep, timeout_at};

use super::GitHubHost;
use super::facts::is_merged;
use super::failure::Failure;
use super::repository::Repository;
use crate::transport::SendError;
use crate::{DeskError, Merge, Merged};

/// A merge of one commit cannot happen twice, so it is asked for again when nobody knows what became of it.
const ATTEMPTS: u32 = 2;
const PAUSE: Duration = Duration::from_millis(500);

impl GitHubHost {
    /// # Errors
    /// It was not merged, or nobody knows.
    pub(super) async fn merge_once(
        &self,
        repository: &Repository,
        merge: Merge,
        deadline: Instant,
    ) -> Result<Merge, DeskError> {
        let Some(head) = merge.head.clone() else {
            let problem = "no commit was decided on";
            return Err(DeskError::NothingDone(problem.into()));
        };
        self.unchanged(repository, &merge, &head, deadline).await?;
        // What may have been done by the attempts so far.
        let mut unknown: Option<String> = None;
        let mut not_sent = None;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                if Instant::now() + PAUSE >= deadline {
                    break;
                }
                sleep(PAUSE).await;
            }
            match self.put(repository, merge.pr_number, &head, deadline).await {
                Ok(done) if done.merged => {
                    return Ok(Merge {
                        commit: done.sha,
                        ..merge
                    });
                }
                Ok(_) => unknown = Some("GitHub did not say that it is merged".to_owned()),
                Err(Failure::NotAsItIs(message)) if unknown.is_none() => {
                    return Err(self.merged_or(repository, &merge, message, deadline).await);
                }
                // After an attempt whose answer was lost, a refusal may be about what that attempt did.
                Err(Failure::Refused(message)) if unknown.is_none() => {
                    return Err(DeskError::Refused(message));
                }
                Err(Failure::NotSent(problem)) if unknown.is_none() => {
                    not_sent = Some(problem);
                    continue;
                }
                Err(
                    Failure::Refused(problem)
                    | Failure::NotAsItIs(problem)
                    | Failure::NotSent(problem)
                    | Failure::Unknown(problem),
                ) => unknown = Some(unknown.unwrap_or(problem)),
            }
            if let Ok(found) = self.get(repository, merge.pr_number, deadline).await
                && is_merged(&found)
                && found.head.sha == head
                && found.base.ref_field == merge.base_branch
            {
                return Ok(Merge {
                    commit: found.merge_commit_sha,
                    ..merge
                });
            }
        }
        Err(match (unknown, not_sent) {
            (None, Some(problem)) => DeskError::NothingDone(format!("GitHub: {problem}").into()),
            (unknown, _) => DeskError::Unclear(
                format!(
                    "GitHub: {}; look at pull request #{} of `{repository}`",
                    unknown.unwrap_or_else(|| "there was no time to ask".to_owned()),
                    merge.pr_number
                )
                .into(),
            ),
        })
    }

    /// GitHub compares the commit itself when it merges, but not the branch that the pull request goes into.
    async fn unchanged(
        &self,
        repository: &Repository,
        merge: &Merge,
        head: &str,
        deadline: Instant,
    ) -> Result<(), DeskError> {
        let found = self.get(repository, merge.pr_number, deadline).await;
        let found = found.map_err(Failure::nothing_done)?;
        if is_merged(&found) {
            return Err(already_merged(merge, found));
        }
        if found.base.ref_field != merge.base_branch {
            return Err(DeskError::OtherBase {
                expected: merge.base_branch.clone(),
                found: found.base.ref_field,
            });
        }
        if found.head.sha != head {
            return Err(DeskError::Refused(
                "there was a push since it was decided on; call again for a new decision"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// Why GitHub would not merge it, though no attempt of ours can have: it is merged, which another delivery of
    /// the same call may have done a moment ago; or else what GitHub said.
    async fn merged_or(
        &self,
        repository: &Repository,
        merge: &Merge,
        said: String,
        deadline: Instant,
    ) -> DeskError {
        match self.get(repository, merge.pr_number, deadline).await {
            Ok(found) if is_merged(&found) => already_merged(merge, found),
            _ => DeskError::Refused(said),
        }
    }

    async fn put(
        &self,
        repository: &Repository,
        number: u64,
        head: &str,
        deadline: Instant,
    ) -> Result<pulls::Merge, Failure> {
        let pulls = self.github.pulls(&repository.owner, &repository.name);
        let asking = pulls.merge(number).sha(head).method(self.method).send();
        match timeout_at(deadline, asking).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(SendError::Late.into()),
        }
    }
}

/// Whether it was merged as it was decided on is told by head and base branch, and by nothing else.
fn already_merged(merge: &Merge, found: pulls::PullRequest) -> DeskError {
    let (head, base_branch) = (found.head.sha, found.base.ref_field);
    let as_decided = merge.head.as_ref() == Some(&head) && base_branch == merge.base_branch;
    DeskError::AlreadyMerged {
        repository: merge.repository.clone(),
        pr_number: merge.pr_number,
        base_branch,
        merged: if as_decided {
            Merged::AsDecided(Some(head))
        } else {
            Merged::Otherwise(head)
        },
    }
}
