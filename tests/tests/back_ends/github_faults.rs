//! What becomes of a merge when GitHub refuses, fails or falls silent.

use aport_gate_tests::Home;
use serde_json::json;

use crate::api::{Answer, nobody};
use crate::github_api::{GitHub, merge, problem, server};
use crate::trail::{records, settled};

#[test]
fn a_merge_whose_answer_was_lost_is_looked_up() {
    for (number, lost) in [
        Answer::Broken,
        Answer::Truncated(json!({"sha": "e5bd", "merged": true}).to_string()),
        Answer::Hangs,
        problem(500, "Server Error"),
        problem(502, "Bad Gateway"),
        Answer::json(200, &json!({"merged": false, "message": "?"})),
    ]
    .into_iter()
    .enumerate()
    {
        let (home, github) = (Home::new(), GitHub::new());
        let server = github.server(&home);
        github.change(|state| state.faults.push_back((true, lost)));
        let merged = merge(&server);
        assert!(merged.is_ok(), "{number}: {merged:?}");
        assert_eq!(settled(&home, &merged), "committed", "{number}");
        assert_eq!(github.merged(), 1, "{number}");
    }
}

#[test]
fn a_refusal_that_cannot_be_looked_up_is_held() {
    let (home, github) = (Home::new(), GitHub::new());
    github.change(|state| {
        state
            .faults
            .push_back((true, problem(405, "Pull Request is not mergeable")));
        // Nothing can be looked up any more, from the merge on.
        state.then = Some(|state| {
            state.then = Some(|state| state.lookups.push_back(problem(401, "Bad credentials")));
        });
    });
    let unclear = merge(&github.server(&home));
    for part in ["not known whether", "is not mergeable", "pull request #7"] {
        assert!(unclear.text().contains(part), "{part}: {unclear:?}");
    }
    assert_eq!(settled(&home, &unclear), "held");
    assert_eq!(github.api.seen("PUT", "/merge").len(), 1);
}

/// What a firewall, a gateway or a sign-on page says is told neither as GitHub's refusal nor to the agent.
#[test]
fn an_answer_that_is_not_github_s_own_is_looked_up_and_else_held() {
    let foreign = [
        Answer::page(403, "<html>no</html>"),
        Answer::page(401, "<html>no</html>").with("x-github-request-id", "8B4C:1F2A:69"),
        Answer::json(404, &json!({"message": "<html>no</html>"})),
        Answer::json(405, &json!({"message": "<html>no</html>"})),
        Answer::json(429, &json!({"message": "<html>no</html>"})).with("retry-after", "7"),
        Answer::page(302, "<html>no</html>").with("location", "/sign-on"),
        Answer::page(307, "<html>no</html>").with("location", "/sign-on"),
    ];
    for answer in foreign {
        let (home, github) = (Home::new(), GitHub::new());
        github.change(|state| state.faults.push_back((true, answer.clone())));
        let merged = merge(&github.server(&home));
        assert!(merged.is_ok(), "{answer:?}: {merged:?}");
        assert_eq!(settled(&home, &merged), "committed", "{answer:?}");
        assert_eq!(github.api.seen("PUT", "/merge").len(), 1, "{answer:?}");

        let (home, github) = (Home::new(), GitHub::new());
        github.change(|state| {
            state
                .faults
                .extend([(false, answer.clone()), (false, answer.clone())])
        });
        let unclear = merge(&github.server(&home));
        assert!(unclear.text().contains("not known whether"), "{unclear:?}");
        assert!(
            unclear.text().contains("not in GitHub's form"),
            "{unclear:?}"
        );
        assert!(!unclear.text().contains("<html>"), "{unclear:?}");
        assert_eq!(settled(&home, &unclear), "held", "{answer:?}");
    }
}

#[test]
fn a_merge_that_did_not_happen_is_asked_for_once_more() {
    let (home, github) = (Home::new(), GitHub::new());
    github.change(|state| state.faults.push_back((false, problem(503, "Unavailable"))));
    let merged = merge(&github.server(&home));
    assert!(merged.is_ok(), "{merged:?}");
    assert_eq!(github.merged(), 1);
    assert_eq!(github.api.seen("PUT", "/merge").len(), 2);
}

#[test]
fn what_stays_unknown_is_held() {
    for fault in [
        Answer::Broken,
        problem(500, "Server Error"),
        problem(408, "Request Timeout"),
        Answer::json(200, &json!([])),
    ] {
        let (home, github) = (Home::new(), GitHub::new());
        let server = github.server(&home);
        github.change(|state| {
            state
                .faults
                .extend([(false, fault.clone()), (false, fault.clone())]);
        });
        let unclear = merge(&server);
        assert!(
            unclear.text().contains("not known whether"),
            "{fault:?}: {unclear:?}"
        );
        assert_eq!(settled(&home, &unclear), "held", "{fault:?}: {unclear:?}");
        assert_eq!(github.api.seen("PUT", "/merge").len(), 2);
    }
}

#[test]
fn a_refused_merge_is_given_back_and_says_why() {
    let (home, github) = (Home::new(), GitHub::new());
    let server = github.server(&home);
    let limited = |answer: Answer| {
        answer
            .with("x-ratelimit-remaining", "0")
            .with("x-ratelimit-reset", "4102444800")
    };
    for (refusal, told) in [
        (
            problem(401, "Bad credentials"),
            "does not accept this server's token",
        ),
        (
            problem(403, "Resource not accessible by personal access token"),
            "Resource not accessible",
        ),
        (
            limited(problem(403, "API rate limit exceeded for user ID 1.")),
            "rate limit is used up; try again in",
        ),
        (
            problem(403, "You have exceeded a secondary rate limit.").with("retry-after", "60"),
            "try again in 60 seconds",
        ),
        (problem(429, "Too many requests"), "rate limit is used up"),
        (problem(404, "Not Found"), "may not see it"),
        (
            problem(405, "Merge commits are not allowed on this repository."),
            "Merge commits are not allowed",
        ),
        (
            problem(
                409,
                "Head branch was modified. Review and try the merge again.",
            ),
            "call again for a new decision",
        ),
        (problem(422, "Validation Failed"), "422"),
        (
            problem(301, "Moved Permanently").with("location", "/repositories/1"),
            "has moved",
        ),
    ] {
        github.change(|state| state.faults.push_back((false, refusal)));
        let refused = merge(&server);
        assert!(refused.text().contains(told), "`{told}`: {refused:?}");
        assert!(!refused.text().contains("hunter2"), "{refused:?}");
        assert_eq!(settled(&home, &refused), "released", "{told}");
    }
    assert_eq!(github.merged(), 0);
    // Three a day, and none of them is spent.
    assert!(merge(&server).is_ok());
}

#[test]
fn a_look_up_is_tried_again_and_then_refuses_the_call() {
    let (home, github) = (Home::new(), GitHub::new());
    let server = github.server(&home);
    github.change(|state| {
        state
            .lookups
            .extend([problem(502, "Bad Gateway"), Answer::Broken])
    });
    assert!(merge(&server).is_ok());

    let (home, github) = (Home::new(), GitHub::new());
    let server = github.server(&home);
    let passing = "gate.facts_unavailable";
    for (faults, told, code) in [
        (vec![problem(500, "Server Error: db-7"); 3], None, passing),
        (vec![Answer::Truncated("{}".repeat(40)); 3], None, passing),
        (
            vec![Answer::json(200, &json!({"number": 7})); 3],
            None,
            passing,
        ),
        (vec![Answer::Hangs; 3], None, passing),
        // Not GitHub's word: something on the way.
        (vec![Answer::page(404, "db-7"); 3], None, passing),
        (
            vec![problem(404, "Not Found")],
            Some("knows no such pull request"),
            "gate.facts_refused",
        ),
        (
            vec![problem(403, "API rate limit exceeded").with("retry-after", "9")],
            Some("in 9 seconds"),
            passing,
        ),
    ] {
        github.change(|state| state.lookups.extend(faults.clone()));
        let refused = merge(&server);
        assert_eq!(refused.codes(), [code], "{faults:?}: {refused:?}");
        assert!(!refused.text().contains("db-7"), "{refused:?}");
        assert!(
            told.is_none_or(|told| refused.text().contains(told)),
            "{refused:?}"
        );
        assert!(
            refused.text().ends_with("The tool was not run."),
            "{refused:?}"
        );
    }
    assert_eq!(records(&home, "refusal").len(), 7);
    assert!(github.api.seen("PUT", "").is_empty());
    assert!(merge(&server).is_ok());
}

#[test]
fn a_github_that_cannot_be_reached_costs_nothing() {
    let home = Home::new();
    let refused = merge(&server(&home, &nobody()));
    assert_eq!(refused.codes(), ["gate.facts_unavailable"], "{refused:?}");
    assert!(!refused.text().contains("127.0.0.1"), "{refused:?}");
}
