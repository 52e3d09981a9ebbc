//! Merges through GitHub's API.

use aport_gate_tests::{Home, passport};
use serde_json::{Value, json};

use crate::github_api::{GitHub, HEAD, PUSHED, State, diff, merge, problem, review};
use crate::trail::{records, settled};

#[test]
fn a_merge_is_decided_on_what_github_knows_and_merges_that_commit() {
    let (home, github) = (Home::new(), GitHub::new());
    let server = github.server(&home);
    let merged = merge(&server);
    assert!(merged.is_ok(), "{merged:?}");
    for part in [HEAD, "e5bd3914", "merged to main in my-org/my-repo"] {
        assert!(
            merged.text().contains(part),
            "`{part}` is not in {merged:?}"
        );
    }
    assert!(!merged.text().contains("simulated"), "{merged:?}");
    assert!(!merged.text().contains("another"), "{merged:?}");
    assert_eq!(settled(&home, &merged), "committed");
    assert_eq!(github.merged(), 1);
    let puts = github.api.seen("PUT", "/merge");
    let asked: Value = serde_json::from_str(&puts[0].body).unwrap();
    assert_eq!(asked, json!({"sha": HEAD, "merge_method": "merge"}));
    let decisions = records(&home, "decision");
    assert_eq!(
        decisions[0]["facts"]["fields"],
        json!({
            "branch": "main", "size_kb": 1, "lines_added": 100, "lines_removed": 3, "review_state": "approved",
            "approvals": 1, "head": HEAD, "mergeable": true,
        })
    );
    assert!(!server.log().contains("hunter2"), "{}", server.log());
    assert!(
        server.log().contains("git host: GitHub at"),
        "{}",
        server.log()
    );
}

#[test]
fn a_branch_a_size_or_a_repository_over_the_limits_is_denied() {
    let (home, github) = (Home::new(), GitHub::new());
    let mut limited = passport();
    limited["limits"]["code.repository.merge"]["max_pr_size_kb"] = json!(2);
    home.write_passport(limited.to_string());
    let server = github.server(&home);
    github.change(|state| state.base = "production");
    assert_eq!(merge(&server).codes(), ["oap.branch_not_allowed"]);
    github.change(|state| state.base = "main");
    // A byte over two kilobytes; then what GitHub shows no difference of, and what is no text.
    for unreadable in [
        diff(&"+".repeat(2049)),
        diff(&"+".repeat(5 * 1024 * 1024)),
        diff("Binary files a/x and b/x differ\n"),
        problem(
            406,
            "Sorry, the diff exceeded the maximum number of lines (20000)",
        ),
    ] {
        github.change(|state| state.diff = unreadable);
        let denied = merge(&server);
        assert!(
            !denied.is_ok() && !denied.decision_id().is_empty(),
            "{denied:?}"
        );
    }
    github.change(|state| state.diff = diff(&"+".repeat(2048)));
    for repository in ["my-org/../../user", "my-org/x?y", "my-org"] {
        let call = json!({"repository": repository, "pr_number": 7});
        let refused = server.call_tool("merge_pull_request", call, None);
        assert!(!refused.is_ok(), "{refused:?}");
        assert!(github.api.seen("GET", "user").is_empty());
    }
    assert_eq!(github.merged(), 0);
    assert!(merge(&server).is_ok());
}

#[test]
fn what_is_not_open_for_a_merge_is_refused_before_a_decision() {
    let (home, github) = (Home::new(), GitHub::new());
    let server = github.server(&home);
    for (fields, told) in [
        (json!({"state": "closed"}), "is not open"),
        (
            json!({"draft": true, "mergeable_state": "draft"}),
            "is a draft",
        ),
        (
            json!({"mergeable": false, "mergeable_state": "dirty"}),
            "conflicts",
        ),
        (json!({"merged": true, "state": "closed"}), "already merged"),
    ] {
        github.change(|state| state.fields = fields);
        let refused = merge(&server);
        assert_eq!(refused.codes(), ["gate.facts_refused"], "{refused:?}");
        assert!(refused.text().contains(told), "{refused:?}");
    }
    assert!(github.api.seen("PUT", "").is_empty());
}

#[test]
fn only_the_last_word_of_people_with_a_say_on_the_last_commit_counts() {
    let cases = [
        (vec![review(1, "APPROVED", PUSHED, "MEMBER")], "pending", 0),
        (vec![review(1, "APPROVED", HEAD, "NONE")], "pending", 0),
        (
            vec![review(1, "APPROVED", HEAD, "CONTRIBUTOR")],
            "pending",
            0,
        ),
        (
            vec![
                review(1, "APPROVED", HEAD, "OWNER"),
                review(1, "DISMISSED", HEAD, "OWNER"),
            ],
            "pending",
            0,
        ),
        (
            vec![
                review(1, "APPROVED", HEAD, "OWNER"),
                review(1, "COMMENTED", HEAD, "OWNER"),
            ],
            "approved",
            1,
        ),
        (
            vec![
                review(1, "APPROVED", HEAD, "OWNER"),
                review(2, "CHANGES_REQUESTED", PUSHED, "MEMBER"),
            ],
            "changes_requested",
            1,
        ),
        (
            vec![
                review(1, "CHANGES_REQUESTED", PUSHED, "OWNER"),
                review(1, "APPROVED", HEAD, "OWNER"),
            ],
            "approved",
            1,
        ),
        (
            (0..250)
                .map(|by| review(by, "APPROVED", HEAD, "COLLABORATOR"))
                .collect(),
            "approved",
            250,
        ),
    ];
    let mut many = passport();
    many["limits"]["code.repository.merge"]["max_merges_per_day"] = json!(100);
    for (number, (reviews, state, approvals)) in cases.into_iter().enumerate() {
        let (home, github) = (Home::new(), GitHub::new());
        home.write_passport(many.to_string());
        github.change(|github| github.reviews = reviews);
        let answer = merge(&github.server(&home));
        let fields = &records(&home, "decision")[0]["facts"]["fields"];
        assert_eq!(
            (&fields["review_state"], &fields["approvals"]),
            (&json!(state), &json!(approvals)),
            "{number}: {answer:?}"
        );
    }
    // More than are read: a look-up has an end.
    let (home, github) = (Home::new(), GitHub::new());
    github.change(|state| {
        state.reviews = (0..1001)
            .map(|by| review(by, "COMMENTED", HEAD, "NONE"))
            .collect()
    });
    let refused = merge(&github.server(&home));
    assert!(
        refused.text().contains("more than 1000 reviews"),
        "{refused:?}"
    );
}

#[test]
fn a_push_or_another_base_after_the_decision_is_not_merged() {
    // Seen on the way to the merge, and by GitHub itself.
    type Change = fn(&mut State);
    let changes: [(Change, &str); 2] = [
        (|state| state.head = PUSHED, "a push"),
        (|state| state.base = "production", "goes into `production`"),
    ];
    for (change, told) in changes {
        let (home, github) = (Home::new(), GitHub::new());
        github.change(|state| state.then = Some(change));
        let refused = merge(&github.server(&home));
        assert!(refused.text().contains(told), "{refused:?}");
        assert_eq!(settled(&home, &refused), "released");
        assert_eq!(github.merged(), 0);
    }
    let (home, github) = (Home::new(), GitHub::new());
    github.change(|state| {
        state.then = Some(|state| state.then = Some(|state| state.head = PUSHED));
    });
    let refused = merge(&github.server(&home));
    assert!(
        refused.text().contains("Head branch was modified"),
        "{refused:?}"
    );
    assert_eq!(settled(&home, &refused), "released");
    assert_eq!(github.merged(), 0);
}
