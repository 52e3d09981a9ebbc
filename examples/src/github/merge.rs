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
/// How often it is looked up after a refusal, where another delivery of the same request may still be at work.
const LOOKS: u32 = 6;

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
        let mut looks = 1;
        let mut is_merging = false;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                if Instant::now() + PAUSE >= deadline {
                    break;
                }
                sleep(PAUSE).await;
            }
            let refusal = match self.put(repository, merge.pr_number, &head, deadline).await {
                Ok(done) if done.merged => {
                    return Ok(Merge {
                        commit: done.sha,
                        ..merge
                    });
                }
                Ok(_) => {
                    unknown.get_or_insert("GitHub did not say that it is merged".to_owned());
                    None
                }
                Err(Failure::NotSent(problem)) if unknown.is_none() => {
                    not_sent = Some(problem);
                    continue;
                }
                Err(refused @ (Failure::Refused(_) | Failure::NotNow(_))) if unknown.is_none() => {
                    Some(refused.nothing_done())
                }
                Err(Failure::Unsettled {
                    problem,
                    is_merging: says_so,
                }) if unknown.is_none() => {
                    (looks, is_merging) = (LOOKS, says_so);
                    Some(DeskError::Refused(problem))
                }
                // After an attempt whose answer was lost, a refusal may be about what that attempt did.
                Err(failure) => {
                    unknown.get_or_insert(failure.problem());
                    None
                }
            };
            // After a refusal, too: a request that something on the way delivers twice is refused for what its
            // first delivery did.
            match (
                self.looked_up(repository, merge.pr_number, looks, deadline)
                    .await,
                refusal,
            ) {
                (Ok(found), _) if is_merged(&found) && is_as_decided(&merge, &found) => {
                    return Ok(Merge {
                        commit: found.merge_commit_sha,
                        is_looked_up: true,
                        ..merge
                    });
                }
                (Ok(found), refusal) if is_merged(&found) => {
                    let said = refusal.map(|refusal| refusal.to_string()).or(unknown);
                    return Err(merged_otherwise(&merge, &found, &said.unwrap_or_default()));
                }
                (Ok(_), Some(refusal)) if is_merging => {
                    unknown = Some(format!(
                        "{refusal}; it was not merged yet when last looked up"
                    ));
                    break;
                }
                (Ok(_), Some(refusal)) => return Err(refusal),
                (Err(failure), Some(refusal)) => {
                    let problem = failure.problem();
                    unknown = Some(format!("{refusal}; and it cannot be looked up: {problem}"));
                    break;
                }
                (_, None) => {}
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

    /// As it is when it is merged, or after so many looks.
    async fn looked_up(
        &self,
        repository: &Repository,
        number: u64,
        looks: u32,
        deadline: Instant,
    ) -> Result<pulls::PullRequest, Failure> {
        let mut found = self.get(repository, number, deadline).await?;
        for _ in 1..looks {
            if is_merged(&found) || Instant::now() + PAUSE >= deadline {
                break;
            }
            sleep(PAUSE).await;
            found = self.get(repository, number, deadline).await?;
        }
        Ok(found)
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

/// Told by head and base branch, and by nothing else.
fn is_as_decided(merge: &Merge, found: &pulls::PullRequest) -> bool {
    merge.head.as_ref() == Some(&found.head.sha) && found.base.ref_field == merge.base_branch
}

/// Before anything was asked for.
fn already_merged(merge: &Merge, found: pulls::PullRequest) -> DeskError {
    let as_decided = is_as_decided(merge, &found);
    let head = found.head.sha;
    DeskError::AlreadyMerged {
        repository: merge.repository.clone(),
        pr_number: merge.pr_number,
        base_branch: found.base.ref_field,
        merged: if as_decided {
            Merged::AsDecided(Some(head))
        } else {
            Merged::Otherwise(head)
        },
    }
}

/// After it was asked for: who changes the branch on the way lets GitHub merge into it, so it may have been us.
fn merged_otherwise(merge: &Merge, found: &pulls::PullRequest, said: &str) -> DeskError {
    DeskError::Unclear(
        format!(
            "GitHub: {said}; pull request #{} of `{}` is already merged into `{}` with its commit `{}`, which is not what was decided on: look who merged it",
            merge.pr_number, merge.repository, found.base.ref_field, found.head.sha
        )
        .into(),
    )
}
