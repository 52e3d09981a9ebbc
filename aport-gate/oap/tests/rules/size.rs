//! Sizes of contents, and directories.

use crate::setting::{allows, denies};
use serde_json::json;

#[test]
fn content_is_measured_and_a_claim_does_not_shrink_it() {
    let name = "validateFileContentSize";
    let limits = json!({ "max_file_size_mb": 0.001 });
    let of = |content: String| json!({ "file_path": "/a", "content": content });
    allows(
        name,
        &limits,
        &[
            of("x".repeat(1048)),
            json!({ "content_length": 1048 }),
            of(String::new()),
        ],
    );
    denies(
        name,
        &limits,
        &[
            of("x".repeat(1049)),
            of("é".repeat(525)),
            json!({ "content_length": 1049 }),
            json!({ "content": "x".repeat(1049), "content_length": 1 }),
            json!({ "content": "x", "content_length": 2000 }),
            json!({ "content": "x".repeat(600), "encoding": "utf-16" }),
            json!({ "file_path": "/a" }),
        ],
        "oap.refused",
    );
    allows(
        name,
        &json!({}),
        &[json!({ "file_path": "/a" }), of("x".repeat(9000))],
    );
    for limit in [
        "max_file_size",
        "max_file_size_bytes",
        "max_content_length",
        "maxFileSizeBytes",
    ] {
        denies(
            name,
            &json!({ limit: 10 }),
            &[of("x".repeat(11))],
            "oap.refused",
        );
        allows(name, &json!({ limit: 10 }), &[of("x".repeat(10))]);
    }
    denies(
        name,
        &json!({ "max_file_size_mb": "1" }),
        &[of("x".to_owned())],
        "oap.policy_error",
    );
    denies(
        name,
        &json!({ "max_file_size_mb": -1 }),
        &[of("x".to_owned())],
        "oap.policy_error",
    );
}

#[test]
fn directories_are_not_made_where_the_passport_forbids_it() {
    let name = "validateParentDirectory";
    let yes = json!({ "file_path": "/a/b", "create_dirs": true });
    allows(
        name,
        &json!({}),
        &[
            json!({ "file_path": "/a/b" }),
            json!({ "file_path": "/a", "create_dirs": false }),
            // A limit that is not set does not restrict.
            yes.clone(),
        ],
    );
    denies(
        name,
        &json!({}),
        &[json!({ "file_path": "/a", "parent_exists": false })],
        "oap.refused",
    );
    allows(
        name,
        &json!({ "allow_create_dirs": true }),
        &[
            yes.clone(),
            json!({ "create_dirs": true, "parent_exists": false }),
        ],
    );
    denies(
        name,
        &json!({ "allow_create_dirs": false }),
        std::slice::from_ref(&yes),
        "oap.refused",
    );
    allows(
        name,
        &json!({ "allow_create_dirs": false }),
        &[json!({ "create_dirs": true, "parent_exists": true })],
    );
    denies(
        name,
        &json!({ "allow_create_dirs": "yes" }),
        &[yes],
        "oap.policy_error",
    );
}

#[test]
fn a_working_directory_lies_in_one_of_those_listed() {
    let name = "validateWorkingDirectory";
    let cwd = |list: &[&str]| {
        list.iter()
            .map(|cwd| json!({ "command": "ls", "cwd": cwd }))
            .collect::<Vec<_>>()
    };
    let limits = json!({ "allowed_directories": ["/workspace", "/srv/*/app", "C:\\work"] });
    allows(
        name,
        &limits,
        &cwd(&[
            "/workspace",
            "/workspace/",
            "/workspace/a/b",
            "/srv/x/app",
            "/srv/x/app/y",
            "C:/Work/x",
        ]),
    );
    allows(name, &limits, &[json!({ "command": "ls" })]);
    let otherwise = json!({ "allowed_paths": ["/workspace"] });
    allows(name, &otherwise, &cwd(&["/workspace/a"]));
    denies(name, &otherwise, &cwd(&["/etc"]), "oap.refused");
    let both = json!({ "allowed_directories": ["/srv"], "allowed_paths": ["/workspace"] });
    denies(name, &both, &cwd(&["/workspace/a"]), "oap.refused");
    denies(
        name,
        &limits,
        &cwd(&[
            "/",
            "/workspaces",
            "/workspace/../etc",
            "/etc",
            "workspace",
            "/srv/x/other",
            "C:\\",
            "~",
        ]),
        "oap.refused",
    );
    allows(name, &json!({}), &cwd(&["/anywhere"]));
    denies(
        name,
        &json!({ "blocked_directories": ["/etc"] }),
        &cwd(&["/etc/x"]),
        "oap.refused",
    );
}
