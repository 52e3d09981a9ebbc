//! What is told of a pull request that is merged already, by this call or by another.

use std::process::Command;
use std::time::Duration;

use aport_gate_tests::{AGENT, Home, client_binary, server_binary};
use serde_json::{Value, json};

use crate::api::Answer;
use crate::github_api::{GitHub, HEAD, PUSHED, State, TOKEN, merge, problem};
use crate::trail::settled;

/// A request that something on the way delivers twice is refused for what its first delivery did.
#[test]
fn a_merge_that_github_refuses_after_it_was_done_counts_as_done() {
    for refusal in [
        problem(405, "Pull Request is not mergeable"),
        problem(
            409,
            "Head branch was modified. Review and try the merge again.",
        ),
        problem(401, "Bad credentials"),
        problem(403, "Resource not accessible by personal access token"),
        problem(404, "Not Found"),
        problem(422, "Validation Failed"),
        problem(429, "Too many requests").with("retry-after", "60"),
        problem(301, "Moved Permanently").with("location", "/repositories/1"),
    ] {
        let (home, github) = (Home::new(), GitHub::new());
        github.change(|state| state.faults.push_back((true, refusal.clone())));
        let merged = merge(&github.server(&home));
        assert!(merged.is_ok(), "{refusal:?}: {merged:?}");
        for part in ["e5bd3914", "this call, or another that was faster"] {
            assert!(merged.text().contains(part), "{part}: {merged:?}");
        }
        assert_eq!(settled(&home, &merged), "committed", "{refusal:?}");
        assert_eq!(github.api.seen("PUT", "/merge").len(), 1, "{refusal:?}");
    }
}

/// The second delivery is refused while the first one is at work: not merged at this moment is no answer yet.
#[test]
fn a_merge_that_github_is_still_working_on_is_waited_for_and_else_held() {
    let in_progress = "Merge already in progress";
    let changed = "Head branch was modified. Review and try the merge again.";
    for (status, message, takes, becomes) in [
        (405, in_progress, 400, "committed"),
        (409, in_progress, 1500, "committed"),
        (409, changed, 1500, "committed"),
        // Beyond all patience, and still on its way.
        (405, in_progress, 60_000, "held"),
        (409, in_progress, 60_000, "held"),
        // GitHub's own reason why it does not merge.
        (409, changed, 60_000, "released"),
    ] {
        let (home, github) = (Home::new(), GitHub::new());
        github.change(|state| {
            state.other_delivery = Some(Duration::from_millis(takes));
            state.faults.push_back((false, problem(status, message)));
        });
        let told = merge(&github.server(&home));
        assert_eq!(
            settled(&home, &told),
            becomes,
            "{status} {message}: {told:?}"
        );
        assert_eq!(told.is_ok(), becomes == "committed", "{told:?}");
        let is_unclear = told.text().contains("not known whether");
        assert_eq!(is_unclear, becomes == "held", "{told:?}");
        assert!(!is_unclear || told.text().contains(in_progress), "{told:?}");
        assert_eq!(github.api.seen("PUT", "/merge").len(), 1, "{told:?}");
    }
}

#[test]
fn a_merge_that_is_delivered_twice_is_told_as_merged_already_by_this_very_commit() {
    // Another delivery was faster, before this one asked for anything.
    let (home, github) = (Home::new(), GitHub::new());
    github.change(|state| state.then = Some(|state| state.merged = 1));
    let told = merge(&github.server(&home));
    let said = format!(
        "already merged into `main` by the very commit that was decided on, `{HEAD}`: nothing was done anew"
    );
    assert!(told.text().contains(&said), "{told:?}");
    assert_eq!(settled(&home, &told), "released");
    assert!(github.api.seen("PUT", "/merge").is_empty());
    // While it asked: GitHub refuses, and nobody can tell which delivery it was. So it counts.
    let (home, github) = (Home::new(), GitHub::new());
    github.change(|state| {
        state.then = Some(|state| state.then = Some(|state| state.merged = 1));
    });
    let told = merge(&github.server(&home));
    assert!(told.is_ok(), "{told:?}");
    assert_eq!(settled(&home, &told), "committed");
    assert_eq!(github.api.seen("PUT", "/merge").len(), 1);
    // Again after an answer that was lost: nothing is left to decide on, and that is what is said.
    let (home, github) = (Home::new(), GitHub::new());
    let server = github.server(&home);
    assert!(merge(&server).is_ok());
    let told = merge(&server);
    assert_eq!(told.codes(), ["gate.facts_refused"], "{told:?}");
    let said = format!(
        "already merged into `main` with its commit `{HEAD}`: there is nothing left to merge"
    );
    assert!(told.text().contains(&said), "{told:?}");
    assert_eq!(github.api.seen("PUT", "/merge").len(), 1);
}

#[test]
fn a_merge_of_another_commit_or_into_another_branch_is_never_told_as_this_one() {
    type Change = fn(&mut State);
    // Once it was asked for, it may have been this call.
    let changes: [(Change, &str, &str, &str); 4] = [
        (
            |state| (state.merged, state.head) = (1, PUSHED),
            PUSHED,
            "`main`",
            "released",
        ),
        (
            |state| (state.merged, state.base) = (1, "production"),
            HEAD,
            "`production`",
            "released",
        ),
        (
            |state| state.then = Some(|state| (state.merged, state.head) = (1, PUSHED)),
            PUSHED,
            "`main`",
            "held",
        ),
        (
            |state| state.then = Some(|state| (state.merged, state.base) = (1, "production")),
            HEAD,
            "`production`",
            "held",
        ),
    ];
    for (change, head, base, reservation) in changes {
        let (home, github) = (Home::new(), GitHub::new());
        github.change(|state| state.then = Some(change));
        let told = merge(&github.server(&home));
        assert!(!told.is_ok(), "{told:?}");
        let said = format!(
            "already merged into {base} with its commit `{head}`, which is not what was decided on"
        );
        assert!(told.text().contains(&said), "{told:?}");
        assert_eq!(settled(&home, &told), reservation);
    }
    // The answer of our own merge was lost, or was not the last one, and its branch had been changed on the way.
    for answer in [
        Answer::Broken,
        problem(502, "Bad Gateway"),
        problem(405, "Pull Request is not mergeable"),
    ] {
        let (home, github) = (Home::new(), GitHub::new());
        github.change(|state| {
            state.then = Some(|state| state.then = Some(|state| state.base = "production"));
            state.faults.push_back((true, answer));
        });
        let told = merge(&github.server(&home));
        assert!(told.text().contains("not known whether"), "{told:?}");
        assert!(told.text().contains("merged into `production`"), "{told:?}");
        assert_eq!(settled(&home, &told), "held");
        assert_eq!(github.api.seen("PUT", "/merge").len(), 1);
    }
}

#[test]
fn a_client_asks_once_about_what_does_not_change_by_itself() {
    let (home, github) = (Home::new(), GitHub::new());
    github.change(|state| state.fields = json!({"merged": true, "state": "closed"}));
    let called = Command::new(client_binary())
        .args(["call", "merge_pull_request", "--json"])
        .arg(json!({"repository": "my-org/my-repo", "pr_number": 7}).to_string())
        .arg("--server")
        .arg(server_binary())
        .env("APORT_HOME", home.path())
        .env("APORT_AGENT_ID", AGENT)
        .env("GITHUB_TOKEN", TOKEN)
        .env("GITHUB_API_URL", github.api.url())
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&called.stdout).unwrap();
    assert!(
        report["text"].as_str().unwrap().contains("already merged"),
        "{report}"
    );
    assert_eq!(
        report["denial"]["reasons"][0]["code"], "gate.facts_refused",
        "{report}"
    );
    assert_eq!(
        report["next"], "correct what its reason tells of: the same call cannot pass",
        "{report}"
    );
    assert_eq!(github.api.seen("GET", "pulls/7").len(), 1);
}
