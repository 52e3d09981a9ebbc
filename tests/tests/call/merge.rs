//! The merge pack's limits, and whose they are.

use aport_gate::testing::assert_allowed;
use serde_json::json;

use crate::desk::{Till, passport};

#[tokio::test]
async fn merges_are_bounded_by_repository_branch_and_day() {
    let session = Till::open(true).await;
    let merge = |repository: &str, branch: &str| {
        session.call(
            "merge",
            json!({"repository": repository, "pr_number": 1, "base_branch": branch}),
        )
    };
    assert_eq!(
        merge("my-org/repo", "release/1").await.text(),
        "my-org/repo#1 -> release/1"
    );
    assert!(
        merge("other/repo", "main")
            .await
            .codes()
            .contains(&"oap.repository_not_allowed")
    );
    assert!(
        merge("my-org/repo", "develop")
            .await
            .codes()
            .contains(&"oap.branch_not_allowed")
    );
    assert_allowed!(merge("my-org/repo", "main").await);
    assert_eq!(
        merge("my-org/repo", "main").await.codes(),
        ["oap.limit_exceeded"]
    );
}

/// A passport that may merge, with `limits` for some branch under two capabilities.
fn twice_limited(other: &str) -> serde_json::Value {
    let limits = |branch: &str| {
        json!({"allowed_repositories": ["my-org/*"],
        "allowed_base_branches": [branch], "max_merges_per_day": 9})
    };
    let mut document = passport();
    document["capabilities"] = json!([{"id": "repo.pr.create"}, {"id": "repo.merge"}]);
    document["limits"] = json!({other: limits("**"), "repo.merge": limits("main")});
    document
}

#[tokio::test]
async fn limits_of_a_wider_capability_do_not_govern_a_merge() {
    let session = Till::open(true).await;
    session.set_passport(twice_limited("repo.pr.create"));
    let merge = |branch: &str| {
        session.call(
            "merge",
            json!({"repository": "my-org/repo", "pr_number": 1, "base_branch": branch}),
        )
    };
    assert_allowed!(merge("main").await);
    assert_eq!(merge("feature/x").await.codes(), ["oap.branch_not_allowed"]);
}

#[tokio::test]
async fn limits_of_a_capability_that_was_taken_away_allow_nothing_and_uncover_nothing() {
    let session = Till::open(true).await;
    session.set_passport(twice_limited("code.repository.merge"));
    for branch in ["main", "feature/x"] {
        let merge = json!({"repository": "my-org/repo", "pr_number": 1, "base_branch": branch});
        let denied = session.call("merge", merge).await;
        assert!(denied.codes().contains(&"oap.branch_not_allowed"));
    }
    assert!(session.outcomes().await.is_empty());
}

#[tokio::test]
async fn a_null_does_not_hide_an_approval_and_a_class_does_not_cross_a_slash() {
    let session = Till::open(true).await;
    let merge = || {
        session.call(
            "merge",
            json!({"repository": "my-org/repo", "pr_number": 1, "base_branch": "release/x"}),
        )
    };
    let mut document = passport();
    document["limits"]["approval_required"] = json!(true);
    document["limits"]["code.repository.merge"]["approval_required"] = json!(null);
    session.set_passport(document);
    assert_eq!(merge().await.codes(), ["oap.approval_required"]);

    let mut document = passport();
    document["limits"]["code.repository.merge"]["allowed_base_branches"] = json!(["release[/]x"]);
    session.set_passport(document);
    assert_eq!(merge().await.codes(), ["oap.policy_error"]);
}
