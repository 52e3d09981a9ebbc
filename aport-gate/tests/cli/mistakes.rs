//! Every command with what is wrong with it: the exit code, what is named, and what to do next, for people and
//! for machines.

use serde_json::Value;

use crate::support::{Place, Run, in_crate};

/// A folder with a passport and a ledger-less home.
fn place() -> Place {
    let place = Place::new();
    place
        .run(&[
            "passport",
            "issue",
            "--id",
            "ap_desk",
            "--owner",
            "org_shop",
            "--level",
            "L2",
            "--capability",
            "finance.payment.refund",
        ])
        .exits(0);
    place.write("broken.json", "{ \"a\": 1, ");
    place.write("twice.json", "{ \"a\": 1, \"a\": 2 }");
    place.write("list.json", "[1]");
    place.write("kept", "a file that is there");
    place
}

/// What it says on standard error, of a run that answers nothing, in text and as JSON.
fn told(text: Run, json: Run, case: &str) -> (String, String, String) {
    let said = text.fails();
    let document = json.fails();
    let error: Value = serde_json::from_str(document.trim())
        .unwrap_or_else(|error| panic!("{case}: {error}: {document}"));
    let part = |name: &str| {
        let text = error["error"][name].as_str().unwrap_or_default();
        assert!(!text.trim().is_empty(), "{case}: no `{name}` in {document}");
        text.to_owned()
    };
    (said, part("message"), part("next"))
}

#[test]
fn each_mistake_is_named_with_what_to_do_about_it() {
    let place = place();
    let refund = "finance.payment.refund.v1";
    // What is asked, and what the message names.
    let cases: &[(&[&str], &[&str])] = &[
        (&["policy", "check", "none.json"], &["none.json"]),
        (&["policy", "check", "."], &["`.`"]),
        (&["policy", "show", "none.v1"], &["none.v1", refund]),
        (&["policy", "show", "broken.json"], &["broken.json"]),
        (
            &[
                "policy",
                "test",
                refund,
                "--passport",
                "none.json",
                "--contexts",
                "none.jsonl",
                "--expected",
                "none.jsonl",
            ],
            &["none.json"],
        ),
        (
            &["decide", "none.v1", "--agent", "ap_desk", "--context", "{}"],
            &["none.v1"],
        ),
        (&["decide", refund, "--context", "{}"], &["agent"]),
        (
            &["decide", refund, "--agent", "ap_desk", "--context", "{"],
            &["--context", "line 1"],
        ),
        (
            &["decide", refund, "--agent", "ap_desk", "--context", "[]"],
            &["object"],
        ),
        (
            &[
                "decide",
                refund,
                "--agent",
                "ap_desk",
                "--context",
                "@none.json",
            ],
            &["none.json"],
        ),
        (
            &[
                "decide",
                refund,
                "--agent",
                "ap_desk",
                "--context",
                "@twice.json",
            ],
            &["twice.json", "`a` appears twice"],
        ),
        (
            &[
                "decide",
                refund,
                "--agent",
                "ap_desk",
                "--context",
                "{\"agent_id\":\"ap_x\"}",
            ],
            &["ap_x", "ap_desk"],
        ),
        (
            &[
                "decide",
                refund,
                "--agent",
                "ap_desk",
                "--context",
                "{\"amount\":9007199254740993}",
            ],
            &["amount"],
        ),
        (&["passport", "show", "ap_nobody"], &["ap_nobody"]),
        (&["passport", "suspend", "ap_nobody"], &["ap_nobody"]),
        (&["passport", "check", "none.json"], &["none.json"]),
        (&["passport", "issue", "list.json"], &["list.json"]),
        (
            &[
                "passport",
                "issue",
                "--id",
                "ap_desk",
                "--owner",
                "org_shop",
                "--level",
                "L2",
                "--capability",
                "x.y",
            ],
            &["ap_desk"],
        ),
        (&["audit", "list"], &["ledger"]),
        (&["audit", "verify"], &["ledger"]),
        (&["audit", "show", "dec_1"], &["ledger"]),
        (&["ledger", "prune"], &["ledger"]),
        (&["ledger", "backup", "copy.sqlite3"], &["ledger"]),
        (&["token", "revoke", "nobody"], &["nobody"]),
        (&["registry", "key", "revoke", "nobody"], &["nobody"]),
        (&["doctor", "--client", "none.json"], &["none.json"]),
        (&["doctor", "--client", "broken.json"], &["broken.json"]),
    ];
    for (arguments, named) in cases {
        let case = arguments.join(" ");
        let json = [*arguments, &["--json"]].concat();
        let (said, message, next) = told(place.run(arguments), place.run(&json), &case);
        assert!(said.starts_with("error: "), "{case}: {said}");
        assert!(said.contains("\n  next: "), "{case}: {said}");
        for name in *named {
            assert!(
                said.contains(name) && message.contains(name),
                "{case}: no `{name}` in {said}"
            );
        }
        // What to do is not what was wrong once more.
        assert!(!message.contains(&next), "{case}: {next}");
        assert!(!said.contains('\u{1b}'), "{case}: colour in a pipe");
    }
}

#[test]
fn a_wrong_command_line_is_told_as_the_rest() {
    let place = place();
    let cases: &[(&[&str], &[&str])] = &[
        (&[], &[]),
        (&["polcy"], &["polcy"]),
        (&["policy"], &[]),
        (&["policy", "check"], &["FILE"]),
        (&["policy", "list", "--nope"], &["--nope"]),
        (&["policy", "test", "x"], &["--passport"]),
        (&["decide", "x"], &["--context"]),
        (
            &["decide", "x", "--agent", "not an id", "--context", "{}"],
            &["not an id"],
        ),
        (&["audit", "list", "--limit", "many"], &["many", "--limit"]),
        (&["audit", "list", "--since", "yesterday"], &["yesterday"]),
        (&["audit", "export", "--after", "-1"], &["-1"]),
        (&["ledger", "prune", "--key-days", "0"], &["--key-days"]),
        (&["token", "create"], &["--agent"]),
        (
            &["token", "create", "--agent", "ap_desk", "--expires", "soon"],
            &["soon"],
        ),
        (&["registry", "--listen", "here"], &["here"]),
        (&["doctor", "--entry", "x"], &["--client"]),
    ];
    for (arguments, named) in cases {
        let case = arguments.join(" ");
        let json = [*arguments, &["--json"]].concat();
        let (said, message, _) = told(place.run(arguments), place.run(&json), &case);
        for name in *named {
            assert!(said.contains(name), "{case}: no `{name}` in {said}");
            assert!(message.contains(name), "{case}: no `{name}` in {message}");
        }
    }
}

#[test]
fn surroundings_that_cannot_be_used_are_named() {
    let place = place();
    let kept = place.path("kept").display().to_string();
    let file = format!("sqlite:{kept}");
    for (arguments, variable, value, named) in [
        (
            vec!["keys", "rotate"],
            "APORT_HOME",
            kept.as_str(),
            kept.as_str(),
        ),
        (
            vec!["audit", "list"],
            "APORT_DATABASE_URL",
            file.as_str(),
            "kept",
        ),
        (
            vec!["audit", "list"],
            "APORT_DATABASE_URL",
            "mysql://x",
            "APORT_DATABASE_URL",
        ),
        (
            vec!["policy", "list"],
            "APORT_TIMEOUT_MS",
            "soon",
            "APORT_TIMEOUT_MS",
        ),
        (
            vec!["token", "list"],
            "APORT_AGENT_ID",
            "${AGENT}",
            "APORT_AGENT_ID",
        ),
        (vec!["passport", "list"], "APORT_HOME", "", "APORT_HOME"),
    ] {
        let case = format!("{arguments:?} with {variable}={value}");
        let run = |more: &[&str]| {
            let mut command = place.command(&arguments);
            let output = command.args(more).env(variable, value).output().unwrap();
            Run {
                code: output.status.code().unwrap(),
                stdout: String::from_utf8(output.stdout).unwrap(),
                stderr: String::from_utf8(output.stderr).unwrap(),
            }
        };
        let (said, message, _) = told(run(&[]), run(&["--json"]), &case);
        assert!(said.contains("\n  next: "), "{case}: {said}");
        assert!(message.contains(named), "{case}: no `{named}` in {message}");
    }
}

#[test]
#[cfg(unix)]
fn a_file_that_may_not_be_read_is_named_with_whose_it_is_to_change() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = place();
    let file = place.write("secret.json", "{}");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&file).is_ok() {
        eprintln!("skipped: nothing is forbidden to this user");
        return;
    }
    let arguments = ["policy", "check", &file];
    let (said, message, next) = told(
        place.run(&arguments),
        place.run(&[&arguments[..], &["--json"]].concat()),
        "no permission",
    );
    assert!(
        said.contains("secret.json") && message.contains("secret.json"),
        "{said}"
    );
    assert!(next.contains("permission"), "{next}");
}

#[test]
fn what_is_found_wrong_is_an_answer_and_no_error() {
    let place = place();
    let refund = in_crate("oap/packs/finance.payment.refund.v1.json");
    let nobody = [
        "decide",
        &refund,
        "--agent",
        "ap_nobody",
        "--context",
        "{}",
        "--json",
    ];
    assert_eq!(place.run(&nobody).json(1)["allow"], false);
    for arguments in [
        ["policy", "check", "broken.json", "--json"],
        ["policy", "check", "list.json", "--json"],
        ["passport", "check", "broken.json", "--json"],
        ["passport", "check", "twice.json", "--json"],
    ] {
        assert_eq!(place.run(&arguments).json(1)["ok"], false, "{arguments:?}");
    }
}
