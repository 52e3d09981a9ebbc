//! Pull requests on GitHub, or on a GitHub Enterprise server.

mod facts;
mod failure;
mod merge;
mod own_word;
mod repository;
mod service;

use std::time::Duration;

use octocrab::Octocrab;
use octocrab::params::pulls::MergeMethod;
use tokio::time::Instant;

use self::repository::Repository;
use crate::setting::{Base, Environment};
use crate::transport::Transport;
use crate::{DeskFuture, GitHost, Merge, PullRequest, SettingError};

const TOKEN: &str = "GITHUB_TOKEN";
const API: &str = "GITHUB_API_URL";
const METHOD: &str = "GITHUB_MERGE_METHOD";
const TIMEOUT: &str = "GITHUB_TIMEOUT_MS";
/// The address of GitHub's own API.
const GITHUB: &str = "https://api.github.com";
/// Longest time for one merge or look-up, retries included, in milliseconds. With the decision before it a call
/// then ends within the 30 seconds that a client waits for one.
pub(crate) const DEFAULT_TIMEOUT: u64 = 20_000;

/// Merges pull requests through GitHub's REST API.
///
/// It tells the gate about a pull request what GitHub knows, and merges the very commit that was decided on: after a
/// push in between GitHub refuses. What became of a merge whose answer was lost is looked up; where that cannot be
/// told, it is held.
pub struct GitHubHost {
    github: Octocrab,
    transport: Transport,
    base: Base,
    method: MergeMethod,
    timeout: Duration,
}

impl GitHubHost {
    /// The host of `GITHUB_TOKEN`, at `GITHUB_API_URL`; none without a token.
    ///
    /// # Errors
    /// A variable is set and of no use.
    pub(crate) fn from_environment(
        environment: &Environment<'_>,
    ) -> Result<Option<Self>, SettingError> {
        let Some(token) = environment.secret(TOKEN)? else {
            // `GITHUB_API_URL` alone is no mistake: every job of GitHub Actions has it.
            return Ok(None);
        };
        let base = environment.base(API, GITHUB)?;
        let method = match environment.text(METHOD)?.as_deref() {
            None | Some("merge") => MergeMethod::Merge,
            Some("squash") => MergeMethod::Squash,
            Some("rebase") => MergeMethod::Rebase,
            Some(_) => {
                return Err(SettingError::new(
                    METHOD,
                    "is none of `merge`, `squash` and `rebase`",
                ));
            }
        };
        let timeout = environment.milliseconds(TIMEOUT, DEFAULT_TIMEOUT)?;
        let transport = Transport::new(&base, &token)
            .map_err(|problem| SettingError::new(TOKEN, format!("cannot be used: {problem}")))?;
        Ok(Some(Self {
            // A request that hangs leaves time to look what became of it.
            github: service::octocrab(transport.clone(), base.clone(), timeout / 3),
            transport,
            base,
            method,
            timeout,
        }))
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }
}

impl std::fmt::Debug for GitHubHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitHubHost")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl GitHost for GitHubHost {
    fn pull_request(&self, repository: &str, number: u64) -> DeskFuture<'_, PullRequest> {
        let repository = Repository::parse(repository);
        Box::pin(async move { self.look_up(&repository?, number, self.deadline()).await })
    }

    fn merge(&self, merge: Merge) -> DeskFuture<'_, Merge> {
        Box::pin(async move {
            let repository = Repository::parse(&merge.repository)?;
            self.merge_once(&repository, merge, self.deadline()).await
        })
    }

    fn describe(&self) -> String {
        format!("GitHub at {}", self.base)
    }
}
