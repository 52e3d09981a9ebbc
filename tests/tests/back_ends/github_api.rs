//! GitHub, as far as one pull request goes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aport_gate_tests::{AGENT, Answer as Called, Home, ServerProcess};
use serde_json::{Value, json};

use crate::api::{Answer, Api, Seen};

pub(crate) const TOKEN: &str = "github_pat_hunter2hunter2";
pub(crate) const HEAD: &str = "6dcb09b5b57875f334f61aebed695e2e4193db5e";
pub(crate) const PUSHED: &str = "aaaabbbbccccddddeeeeffff0000111122223333";
const BASE: &str = "c3d0be41ecbe669545ee3e94d31ed9a4bc91ee3c";

/// One pull request, `my-org/my-repo#7`.
pub(crate) struct State {
    pub(crate) head: &'static str,
    pub(crate) base: &'static str,
    pub(crate) fields: Value,
    pub(crate) reviews: Vec<Value>,
    pub(crate) diff: Answer,
    pub(crate) merged: u32,
    /// What goes wrong with the next merges, and whether they happen all the same.
    pub(crate) faults: VecDeque<(bool, Answer)>,
    /// What goes wrong with the next look-ups.
    pub(crate) lookups: VecDeque<Answer>,
    /// How long the first delivery of the next merge takes, where something on the way delivers it twice.
    pub(crate) other_delivery: Option<Duration>,
    /// From when on it is merged: another delivery of the same request is at work.
    merged_at: Option<Instant>,
    /// Happens once, when the pull request has been looked up.
    pub(crate) then: Option<fn(&mut State)>,
}

pub(crate) struct GitHub {
    pub(crate) api: Api,
    pub(crate) state: Arc<Mutex<State>>,
}

impl GitHub {
    pub(crate) fn new() -> Self {
        let state = Arc::new(Mutex::new(State {
            head: HEAD,
            base: "main",
            fields: json!({}),
            reviews: vec![review(1, "APPROVED", HEAD, "MEMBER")],
            diff: diff("diff --git a/x b/x\n+y\n"),
            merged: 0,
            faults: VecDeque::new(),
            lookups: VecDeque::new(),
            other_delivery: None,
            merged_at: None,
            then: None,
        }));
        let own = Arc::clone(&state);
        let api = Api::answering(move |seen| answer(seen, &mut own.lock().unwrap()));
        Self { api, state }
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    pub(crate) fn merged(&self) -> u32 {
        self.state.lock().unwrap().merged
    }

    pub(crate) fn server(&self, home: &Home) -> ServerProcess {
        server(home, &self.api.url())
    }
}

pub(crate) fn server(home: &Home, base: &str) -> ServerProcess {
    let envs = [
        ("APORT_AGENT_ID", AGENT),
        ("APORT_TIMEOUT_MS", "20000"),
        ("GITHUB_TOKEN", TOKEN),
        ("GITHUB_API_URL", base),
        ("GITHUB_TIMEOUT_MS", "4000"),
        ("RUST_LOG", "debug,rmcp=info"),
    ];
    ServerProcess::spawn(home.path(), &envs)
}

pub(crate) fn merge(server: &ServerProcess) -> Called {
    let call = json!({"repository": "my-org/my-repo", "pr_number": 7});
    server.call_tool("merge_pull_request", call, None)
}

pub(crate) fn problem(status: u16, message: &str) -> Answer {
    let body = json!({
        "message": message, "documentation_url": "https://docs.github.com/rest/pulls/pulls", "status": status.to_string(),
    });
    Answer::json(status, &body).with("x-github-request-id", "8B4C:1F2A:69")
}

pub(crate) fn diff(text: &str) -> Answer {
    Answer::Whole {
        status: 200,
        headers: vec![(
            "content-type",
            "application/vnd.github.diff; charset=utf-8".to_owned(),
        )],
        body: text.to_owned(),
    }
}

fn user(id: u64) -> Value {
    let url = format!("https://api.github.com/users/user{id}");
    json!({
        "login": format!("user{id}"), "id": id, "node_id": "MDQ6VXNlcjE=", "gravatar_id": "",
        "avatar_url": "https://github.com/images/error/octocat_happy.gif", "url": url, "html_url": url,
        "followers_url": url, "following_url": url, "gists_url": url, "starred_url": url,
        "subscriptions_url": url, "organizations_url": url, "repos_url": url, "events_url": url,
        "received_events_url": url, "type": "User", "site_admin": false,
    })
}

pub(crate) fn review(by: u64, state: &str, commit: &str, association: &str) -> Value {
    json!({
        "id": 80, "node_id": "MDE3Ol", "user": user(by), "body": "Looks right", "state": state,
        "html_url": "https://github.com/my-org/my-repo/pull/7#pullrequestreview-80",
        "pull_request_url": "https://api.github.com/repos/my-org/my-repo/pulls/7",
        "submitted_at": "2026-01-17T17:06:00Z", "commit_id": commit, "author_association": association,
    })
}

fn pull_request(state: &State) -> Value {
    let repository = json!({
        "id": 1_296_269, "node_id": "MDEw", "name": "my-repo", "full_name": "my-org/my-repo", "private": false,
        "owner": user(9), "url": "https://api.github.com/repos/my-org/my-repo", "default_branch": "main",
    });
    let mut found = json!({
        "url": "https://api.github.com/repos/my-org/my-repo/pulls/7", "id": 1, "node_id": "MDEx", "number": 7,
        "html_url": "https://github.com/my-org/my-repo/pull/7", "state": "open", "locked": false,
        "title": "Amazing new feature", "user": user(5), "body": "Please pull", "labels": [],
        "created_at": "2026-01-10T19:01:12Z", "updated_at": "2026-01-17T17:01:12Z", "closed_at": null,
        "merged_at": null, "merge_commit_sha": "e5bd3914e2e596debea16f433f57875b5b90bcd6",
        "head": {"label": "user5:topic", "ref": "topic", "sha": state.head, "user": user(5), "repo": null},
        "base": {"label": "my-org:main", "ref": state.base, "sha": BASE, "user": user(9), "repo": repository},
        "author_association": "CONTRIBUTOR", "auto_merge": null, "draft": false, "merged": state.merged > 0,
        "mergeable": true, "rebaseable": true, "mergeable_state": "clean", "merged_by": null, "comments": 1,
        "review_comments": 0, "maintainer_can_modify": true, "commits": 3, "additions": 100, "deletions": 3,
        "changed_files": 5,
    });
    if state.merged > 0 {
        found["state"] = json!("closed");
        found["merged_at"] = json!("2026-01-18T00:00:00Z");
    }
    for (name, value) in state.fields.as_object().unwrap() {
        found[name] = value.clone();
    }
    found
}

fn answer(seen: &Seen, state: &mut State) -> Answer {
    let header = |name: &str| {
        seen.headers
            .get(name)
            .map(String::as_str)
            .unwrap_or_default()
    };
    if header("authorization") != format!("Bearer {TOKEN}") {
        return problem(401, "Bad credentials");
    }
    assert_eq!(header("x-github-api-version"), "2022-11-28");
    assert!(header("user-agent").starts_with("aport-gate"), "{seen:?}");
    let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
    let Some(rest) = path.strip_prefix("/repos/my-org/my-repo/") else {
        return problem(404, "Not Found");
    };
    if state
        .merged_at
        .take_if(|at| *at <= Instant::now())
        .is_some()
    {
        state.merged += 1;
    }
    match (seen.method.as_str(), rest) {
        ("GET", "pulls/7") => {
            if let Some(fault) = state.lookups.pop_front() {
                return fault;
            }
            let found = Answer::json(200, &pull_request(state));
            if let Some(then) = state.then.take() {
                then(state);
            }
            found
        }
        ("GET", "pulls/7/reviews") => page(query, &state.reviews),
        ("GET", compared) if compared.starts_with("compare/") => {
            assert_eq!(header("accept"), "application/vnd.github.diff");
            assert_eq!(compared, format!("compare/{BASE}...{HEAD}"));
            state.diff.clone()
        }
        ("PUT", "pulls/7/merge") => put(seen, state),
        _ => problem(404, "Not Found"),
    }
}

fn page(query: &str, reviews: &[Value]) -> Answer {
    let number = |name: &str| -> usize {
        let found = query
            .split('&')
            .find_map(|pair| pair.strip_prefix(&format!("{name}=")));
        found.unwrap().parse().unwrap()
    };
    let (size, page) = (number("per_page"), number("page"));
    let found: Vec<_> = reviews.iter().skip(size * (page - 1)).take(size).collect();
    let answer = Answer::json(200, &json!(found));
    if reviews.len() > size * page {
        let next = format!(
            "<https://api.github.com/x?per_page={size}&page={}>; rel=\"next\"",
            page + 1
        );
        return answer.with("link", next);
    }
    answer
}

fn put(seen: &Seen, state: &mut State) -> Answer {
    let asked: Value = serde_json::from_str(&seen.body).unwrap();
    let fault = state.faults.pop_front();
    if let Some((false, given)) = fault {
        // The other delivery came first, and takes its time.
        if let Some(takes) = state.other_delivery.take() {
            state.merged_at = Some(Instant::now() + takes);
        }
        return given;
    }
    if state.merged > 0 {
        return problem(405, "Pull Request is not mergeable");
    }
    if asked["sha"] != state.head {
        return problem(
            409,
            "Head branch was modified. Review and try the merge again.",
        );
    }
    state.merged += 1;
    let done = Answer::json(
        200,
        &json!({
            "sha": "e5bd3914e2e596debea16f433f57875b5b90bcd6", "merged": true,
            "message": "Pull Request successfully merged",
        }),
    );
    fault.map_or(done, |(_, given)| given)
}
