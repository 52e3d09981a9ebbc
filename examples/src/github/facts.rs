//! What GitHub knows about a pull request.

use std::collections::HashMap;
use std::time::Duration;

use http::{Method, Request};
use octocrab::models::pulls::{self, Review};
use octocrab::models::{AuthorAssociation, IssueState, UserId};
use tokio::time::{Instant, sleep, timeout_at};

use super::failure::Failure;
use super::own_word::own_word;
use super::repository::Repository;
use super::{GitHubHost, service};
use crate::transport::SendError;
use crate::{DeskError, Merged, PullRequest, ReviewState};

/// Pages of 100 reviews that are read.
const MOST_PAGES: u32 = 10;
/// A look-up changes nothing, so it is tried again after an error of GitHub's.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(600)];

impl GitHubHost {
    /// # Errors
    /// It cannot be looked up, or it is not open for a merge.
    pub(super) async fn look_up(
        &self,
        repository: &Repository,
        number: u64,
        deadline: Instant,
    ) -> Result<PullRequest, DeskError> {
        let found = self.get(repository, number, deadline).await;
        let found = found.map_err(Failure::nothing_done)?;
        open_for_merge(repository, &found)?;
        let head = found.head.sha.clone();
        let (reviews, size_kb) = tokio::try_join!(
            self.reviews(repository, number, deadline),
            self.size_kb(repository, &found.base.sha, &head, deadline),
        )?;
        let (review_state, approvals) = standing(&reviews, &head);
        Ok(PullRequest {
            branch: found.base.ref_field,
            size_kb,
            lines_added: found.additions,
            lines_removed: found.deletions,
            review_state,
            approvals: Some(approvals),
            head: Some(head),
            mergeable: found.mergeable,
        })
    }

    /// The pull request itself.
    pub(super) async fn get(
        &self,
        repository: &Repository,
        number: u64,
        deadline: Instant,
    ) -> Result<pulls::PullRequest, Failure> {
        let pulls = self.github.pulls(&repository.owner, &repository.name);
        let found = again(deadline, || pulls.get(number)).await?;
        let full_name = found
            .base
            .repo
            .as_ref()
            .and_then(|repo| repo.full_name.as_deref());
        if found.number != number || full_name.is_some_and(|name| !repository.is(name)) {
            return Err(Failure::Refused(
                "GitHub answered about another pull request".to_owned(),
            ));
        }
        // It becomes part of an address.
        for sha in [&found.head.sha, &found.base.sha] {
            if !(40..=64).contains(&sha.len()) || !sha.bytes().all(|byte| byte.is_ascii_hexdigit())
            {
                return Err(Failure::Unknown("a commit has no id".to_owned()));
            }
        }
        Ok(found)
    }

    async fn reviews(
        &self,
        repository: &Repository,
        number: u64,
        deadline: Instant,
    ) -> Result<Vec<Review>, DeskError> {
        let pulls = self.github.pulls(&repository.owner, &repository.name);
        let mut reviews = Vec::new();
        for page in 1..=MOST_PAGES {
            let ask = || pulls.list_reviews(number).per_page(100).page(page).send();
            let found = again(deadline, ask).await.map_err(Failure::nothing_done)?;
            let is_last = found.next.is_none();
            reviews.extend(found.items);
            if is_last {
                return Ok(reviews);
            }
        }
        Err(DeskError::Refused(format!(
            "it has more than {} reviews, which are not all read",
            MOST_PAGES * 100
        )))
    }

    /// The size of what the commits change, by their ids: a push meanwhile changes nothing about it. None where
    /// GitHub shows no whole difference, or a part is no text: then it is larger than what is shown.
    async fn size_kb(
        &self,
        repository: &Repository,
        base: &str,
        head: &str,
        deadline: Instant,
    ) -> Result<Option<u64>, DeskError> {
        let Repository { owner, name } = repository;
        let url = self
            .base
            .at(&format!("/repos/{owner}/{name}/compare/{base}...{head}"));
        let mut pauses = PAUSES.into_iter();
        loop {
            let request = Request::builder()
                .method(Method::GET)
                .uri(&url)
                .body(Vec::new());
            let request = request.map_err(|error| DeskError::NothingDone(Box::new(error)))?;
            let request = service::prepared(request, "application/vnd.github.diff");
            let failed: Failure = match self.transport.send(request, deadline).await {
                Ok(answer) if answer.status().is_success() => return Ok(size_of(answer.body())),
                Err(SendError::TooLarge) => return Ok(None),
                Ok(answer) => match own_word(&answer) {
                    // So does GitHub answer where a difference is too large to be shown.
                    Ok(_) if matches!(answer.status().as_u16(), 406 | 422) => return Ok(None),
                    Ok(said) => Failure::of_answer(answer.status(), Some(answer.headers()), &said),
                    Err(foreign) => foreign.into(),
                },
                Err(error) => error.into(),
            };
            match (failed, pauses.next()) {
                (Failure::Unknown(_) | Failure::NotSent(_), Some(pause))
                    if Instant::now() + pause < deadline =>
                {
                    sleep(pause).await;
                }
                (failed, _) => return Err(failed.nothing_done()),
            }
        }
    }
}

/// Asks what changes nothing, a few times.
async fn again<T, F>(deadline: Instant, ask: impl Fn() -> F) -> Result<T, Failure>
where
    F: Future<Output = octocrab::Result<T>>,
{
    let mut pauses = PAUSES.into_iter();
    loop {
        let failed = match timeout_at(deadline, ask()).await {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(error)) => Failure::from(error),
            Err(_) => return Err(SendError::Late.into()),
        };
        match (&failed, pauses.next()) {
            (Failure::Unknown(_) | Failure::NotSent(_), Some(pause))
                if Instant::now() + pause < deadline =>
            {
                sleep(pause).await;
            }
            _ => return Err(failed),
        }
    }
}

pub(super) fn is_merged(found: &pulls::PullRequest) -> bool {
    found.merged == Some(true) || found.merged_at.is_some()
}

fn open_for_merge(repository: &Repository, found: &pulls::PullRequest) -> Result<(), DeskError> {
    let pr_number = found.number;
    if is_merged(found) {
        return Err(DeskError::AlreadyMerged {
            repository: repository.to_string(),
            pr_number,
            base_branch: found.base.ref_field.clone(),
            merged: Merged::Before(found.head.sha.clone()),
        });
    }
    let problem = if found.state != Some(IssueState::Open) {
        "is not open"
    } else if found.draft == Some(true) {
        "is a draft"
    } else if found.mergeable == Some(false) {
        "conflicts with its base branch"
    } else {
        return Ok(());
    };
    Err(DeskError::Refused(format!(
        "pull request #{pr_number} of `{repository}` {problem}"
    )))
}

/// The last word of each reviewer with a say in the repository; an approval of an earlier commit is none of this one.
fn standing(reviews: &[Review], head: &str) -> (ReviewState, u64) {
    use octocrab::models::pulls::ReviewState as Said;
    let mut last: HashMap<UserId, (Said, bool)> = HashMap::new();
    for review in reviews {
        let has_say = matches!(
            review.author_association,
            Some(
                AuthorAssociation::Owner
                    | AuthorAssociation::Member
                    | AuthorAssociation::Collaborator
            )
        );
        let (Some(user), Some(state), true) = (&review.user, review.state, has_say) else {
            continue;
        };
        // A remark takes nothing back.
        if matches!(
            state,
            Said::Approved | Said::ChangesRequested | Said::Dismissed
        ) {
            last.insert(user.id, (state, review.commit_id.as_deref() == Some(head)));
        }
    }
    let approvals = last
        .values()
        .filter(|said| **said == (Said::Approved, true))
        .count();
    let state = if last
        .values()
        .any(|(state, _)| *state == Said::ChangesRequested)
    {
        ReviewState::ChangesRequested
    } else if approvals > 0 {
        ReviewState::Approved
    } else {
        ReviewState::Pending
    };
    (state, u64::try_from(approvals).unwrap_or(u64::MAX))
}

/// Kilobytes of a difference, rounded up; none where it shows that something is no text.
fn size_of(difference: &[u8]) -> Option<u64> {
    let is_hidden = |line: &[u8]| line.starts_with(b"Binary files ") || line == b"GIT binary patch";
    if difference.split(|byte| *byte == b'\n').any(is_hidden) {
        return None;
    }
    u64::try_from(difference.len())
        .ok()
        .map(|bytes| bytes.div_ceil(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_what_is_no_text_is_not_known() {
        assert_eq!(size_of(b""), Some(0));
        assert_eq!(size_of(&[b'+'; 1025]), Some(2));
        assert_eq!(
            size_of(b"diff --git a/x b/x\nBinary files a/x and b/x differ\n"),
            None
        );
        // A line of the text itself begins with its sign.
        assert_eq!(size_of(b"+Binary files a and b differ\n"), Some(1));
    }
}
