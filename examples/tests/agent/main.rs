//! `aport-gate-agent` against both model APIs, with the example server behind a real gate.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod anthropic;
mod fake;
mod foreign;
mod openai;
mod repeats;

use std::path::Path;
use std::process::Output;

use fake::{Api, BOTH, Fake, KEY, Say};
use serde_json::{Value, json};
use tokio::process::Command;

const SUSPENDED: &str = "ap_5u5pended0demo0agent";

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let passports = home.path().join("passports");
    std::fs::create_dir(&passports).unwrap();
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/passports")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), passports.join(file.file_name())).unwrap();
    }
    home
}

fn agent(home: &Path, provider: &str, envs: &[(String, String)], more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aport-gate-agent"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if ["APORT_", "OPENAI_", "ANTHROPIC_", "STRIPE_", "GITHUB_"]
            .iter()
            .any(|p| name.starts_with(p))
        {
            command.env_remove(name);
        }
    }
    command.arg(provider).arg("refund order 1");
    if !more.contains(&"--http") {
        command.args(["--server", env!("CARGO_BIN_EXE_aport-gate-server")]);
    }
    command
        .arg("--home")
        .arg(home)
        .args(more)
        .envs(envs.iter().cloned())
        .kill_on_drop(true);
    command
}

async fn run(fake: &Fake, home: &Path, more: &[&str]) -> Output {
    let provider = match fake.api {
        Api::OpenAi => "openai",
        Api::Anthropic => "anthropic",
    };
    let output = agent(home, provider, &fake.envs(), more)
        .output()
        .await
        .unwrap();
    assert!(fake.problems().is_empty(), "{:?}", fake.problems());
    assert!(!said(&output).contains(KEY), "{}", said(&output));
    output
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn refund(amount: u64) -> Value {
    json!({ "order_id": "o-1", "customer_id": "c-1", "amount": amount, "currency": "USD",
        "region": "US", "reason_code": "defective_product" })
}

fn refunds(home: &Path) -> usize {
    let books = std::fs::read_to_string(home.join("simulated-refunds.jsonl")).unwrap_or_default();
    books.lines().count()
}

#[tokio::test]
async fn an_allowed_call_is_made_and_its_result_goes_back() {
    for api in BOTH {
        let home = home();
        let calls = Say::Calls(vec![("call_1", "process_refund", refund(5000))]);
        let fake = Fake::start(api, [calls, Say::Text("refunded")]).await;
        let output = run(&fake, home.path(), &[]).await;
        assert!(output.status.success(), "{}", said(&output));
        assert!(said(&output).contains("refunded"));
        let result = &fake.results()[0];
        assert!(
            result["text"]
                .as_str()
                .unwrap()
                .contains("Refund processed"),
            "{result}"
        );
        assert!(result["decision_id"].is_string(), "{result}");
        assert_eq!((refunds(home.path()), fake.requests()), (1, 2), "{api:?}");
    }
}

#[tokio::test]
async fn a_denial_comes_back_as_numbers_that_the_model_can_act_on() {
    for api in BOTH {
        let home = home();
        let first = Say::Calls(vec![("a", "process_refund", refund(100_000))]);
        let second = Say::Calls(vec![("b", "process_refund", refund(50_000))]);
        let fake = Fake::start(api, [first, second]).await;
        let output = run(&fake, home.path(), &[]).await;
        assert!(output.status.success(), "{}", said(&output));
        assert_eq!(fake.statuses(), ["denied", "ok"], "{api:?}");
        let denial = &fake.results()[0];
        assert_eq!(denial["class"], "adjustable");
        let reason = &denial["reasons"][0];
        assert_eq!(reason["code"], "oap.limit_exceeded", "{denial}");
        assert_eq!(
            (
                &reason["details"]["field"],
                &reason["details"]["actual"],
                &reason["details"]["limit"]
            ),
            (&json!("amount"), &json!(100_000), &json!(50_000))
        );
        assert_eq!(refunds(home.path()), 1);
    }
}

#[tokio::test]
async fn a_final_denial_says_that_a_person_decides_and_nothing_is_made() {
    for api in BOTH {
        let home = home();
        let call = Say::Calls(vec![("a", "process_refund", refund(100))]);
        let fake = Fake::start(api, [call, Say::Text("I may not")]).await;
        let output = run(&fake, home.path(), &["--agent", SUSPENDED]).await;
        assert!(output.status.success(), "{}", said(&output));
        let denial = &fake.results()[0];
        assert_eq!(
            (&denial["status"], &denial["class"]),
            (&json!("denied"), &json!("final"))
        );
        assert_eq!(denial["reasons"][0]["code"], "oap.passport_suspended");
        assert_eq!(refunds(home.path()), 0);
    }
}

#[tokio::test]
async fn several_calls_of_a_turn_each_get_their_result_the_wrong_ones_too() {
    for api in BOTH {
        let home = home();
        let merge = json!({ "repository": "my-org/my-repo", "pr_number": 123 });
        let calls = Say::Calls(vec![
            ("a", "process_refund", refund(100)),
            ("b", "merge_pull_request", merge),
            ("c", "no_such_tool", json!({})),
            ("d", "process_refund", json!("{\"amount\": ")),
            ("e", "process_refund", json!({ "amount": "lots" })),
        ]);
        let fake = Fake::start(api, [calls]).await;
        let output = run(&fake, home.path(), &[]).await;
        assert!(output.status.success(), "{}", said(&output));
        let statuses = fake.statuses();
        assert_eq!(
            statuses[..4],
            ["ok", "ok", "not_called", "not_called"],
            "{api:?}"
        );
        assert_ne!(statuses[4], "ok");
        let unknown = fake.results()[2]["text"].as_str().unwrap().to_owned();
        assert!(
            unknown.contains("merge_pull_request, process_refund"),
            "{unknown}"
        );
        assert_eq!(refunds(home.path()), 1);
    }
}

#[tokio::test]
async fn who_calls_and_under_which_key_is_not_the_models_to_say() {
    for api in BOTH {
        let home = home();
        let mut claimed = refund(100);
        claimed["agent_id"] = json!(SUSPENDED);
        claimed["idempotency_key"] = json!("the-models-own-key");
        let again = claimed.clone();
        let script = [
            Say::Calls(vec![("a", "process_refund", claimed)]),
            Say::Calls(vec![("b", "process_refund", again)]),
        ];
        let fake = Fake::start(api, script).await;
        let output = run(&fake, home.path(), &[]).await;
        assert!(output.status.success(), "{}", said(&output));
        // The model's key says that both are one, and the key that was sent is none of its own.
        assert_eq!(fake.statuses(), ["ok", "ok"], "{api:?}");
        let results = fake.results();
        assert_eq!(results[1]["repeat_of"], "a", "{api:?}");
        assert_ne!(results[0]["idempotency_key"], "the-models-own-key");
        assert_eq!(refunds(home.path()), 1, "{api:?}");
        let offered = json!(fake.tools()).to_string();
        assert!(
            offered.contains("process_refund") && !offered.contains("agent_id"),
            "{offered}"
        );
        assert!(!offered.contains("\"idempotency_key\""), "{offered}");
    }
}

#[tokio::test]
async fn turns_are_bounded() {
    for api in BOTH {
        let home = home();
        let call = |id| Say::Calls(vec![(id, "process_refund", refund(1))]);
        let fake = Fake::start(api, ["a", "b", "c", "d"].map(call)).await;
        let output = run(&fake, home.path(), &["--max-turns", "3"]).await;
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output).contains("--max-turns"), "{}", said(&output));
        assert_eq!((fake.requests(), refunds(home.path())), (3, 3));
    }
}

#[tokio::test]
async fn a_model_that_declines_or_is_cut_off_makes_no_call() {
    for api in BOTH {
        let call = vec![("a", "process_refund", refund(1))];
        for (say, told) in [
            (Say::Refusal, "does not answer"),
            (Say::CutOff(call), "cut off"),
        ] {
            let home = home();
            let fake = Fake::start(api, [say]).await;
            let output = run(&fake, home.path(), &[]).await;
            assert_eq!(output.status.code(), Some(1), "{}", said(&output));
            assert!(said(&output).contains(told), "{}", said(&output));
            assert_eq!((fake.requests(), refunds(home.path())), (1, 0));
        }
    }
}

#[tokio::test]
async fn a_paused_turn_goes_on() {
    let home = home();
    let fake = Fake::start(Api::Anthropic, [Say::Paused, Say::Text("done now")]).await;
    let output = run(&fake, home.path(), &[]).await;
    assert!(
        output.status.success() && said(&output).contains("done now"),
        "{}",
        said(&output)
    );
}

#[tokio::test]
async fn what_the_api_does_not_answer_is_an_error_that_says_what_and_for_how_long() {
    for api in BOTH {
        for (say, told) in [
            (
                Say::Status(429, "slow down"),
                "too often (status 429): slow down; ask again in 7 s",
            ),
            (
                Say::Status(529, "overloaded"),
                "cannot answer now (status 529): overloaded",
            ),
            (Say::Status(401, "bad key"), "_API_KEY"),
            (
                Say::Status(404, "no such model"),
                "status 404: no such model",
            ),
            (Say::Status(302, "elsewhere"), "status 302"),
            (Say::Body("<html>"), "no JSON"),
            (Say::Body("[]"), "no JSON object"),
            (Say::Body("{}"), "it has no"),
            (Say::Silence, "did not answer in time"),
        ] {
            let home = home();
            let silent = matches!(say, Say::Silence);
            let fake = Fake::start(api, [say]).await;
            let mut envs = fake.envs();
            if silent {
                envs.iter_mut()
                    .filter(|env| env.0.ends_with("TIMEOUT_MS"))
                    .for_each(|env| env.1 = "300".into());
            }
            let provider = if api == Api::OpenAi {
                "openai"
            } else {
                "anthropic"
            };
            let output = agent(home.path(), provider, &envs, &[])
                .output()
                .await
                .unwrap();
            assert_eq!(output.status.code(), Some(2), "{}", said(&output));
            assert!(said(&output).contains(told), "{told}: {}", said(&output));
            assert!(!said(&output).contains(KEY) && fake.requests() == 1);
        }
    }
}

#[tokio::test]
async fn what_is_missing_or_unsafe_in_the_environment_is_named() {
    let env = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let home = home();
    for (provider, envs, told) in [
        (
            "anthropic",
            vec![env("ANTHROPIC_MODEL", "m")],
            "`ANTHROPIC_API_KEY` is not set",
        ),
        (
            "anthropic",
            vec![env("ANTHROPIC_API_KEY", KEY)],
            "ANTHROPIC_MODEL",
        ),
        ("openai", vec![], "OPENAI_MODEL"),
        (
            "openai",
            vec![
                env("OPENAI_MODEL", "m"),
                env("OPENAI_API_KEY", KEY),
                env("OPENAI_BASE_URL", "http://models.example.com/v1"),
            ],
            "`OPENAI_BASE_URL` is `http:`",
        ),
    ] {
        let output = agent(home.path(), provider, &envs, &[])
            .output()
            .await
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(told), "{told}: {}", said(&output));
        assert!(!said(&output).contains(KEY));
    }
}

#[tokio::test]
async fn a_transcript_is_one_object_for_machines() {
    let home = home();
    let calls = Say::Calls(vec![("a", "process_refund", refund(100_000))]);
    let fake = Fake::start(Api::OpenAi, [calls, Say::Text("no")]).await;
    let output = run(&fake, home.path(), &["--json"]).await;
    let whole: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(whole["finished"], true);
    assert_eq!(whole["transcript"][0]["called"], "process_refund");
    assert_eq!(whole["transcript"][1]["result"]["status"], "denied");
    assert_eq!(whole["transcript"][2]["said"], "no");
}

#[tokio::test]
async fn a_model_that_falls_silent_after_a_call_leaves_the_transcript_of_it() {
    let home = home();
    let calls = Say::Calls(vec![("a", "process_refund", refund(100))]);
    let fake = Fake::start(Api::OpenAi, [calls, Say::Status(500, "down")]).await;
    let output = run(&fake, home.path(), &["--json"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let whole: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(whole["finished"], false);
    assert!(
        whole["ended"].as_str().unwrap().contains("status 500"),
        "{whole}"
    );
    assert_eq!(whole["transcript"][1]["result"]["status"], "ok", "{whole}");
}
