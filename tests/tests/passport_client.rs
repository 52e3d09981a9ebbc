//! The client and the example server in processes of their own, the server killed at any moment.
#![allow(missing_docs)]

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aport_gate::{ClientError, Intention, PassportClient, Retry, StoredIntention, Strategy};
use aport_gate_tests::{
    AGENT, Home, HttpServerProcess, passport, refund_arguments, server_command,
};
use serde_json::{Map, Value, json};
use tokio::process::{Child, Command};

const ROUNDS: u64 = 12;
const CALLS: u64 = 6;

fn persistent() -> Retry {
    Retry {
        base_delay: Duration::from_millis(20),
        attempt_timeout: Some(Duration::from_secs(20)),
        ..Retry::default()
    }
}

fn arguments(amount: u64, key: &str) -> Map<String, Value> {
    let Value::Object(mut arguments) = refund_arguments(amount, key) else {
        unreachable!()
    };
    arguments.remove("idempotency_key");
    arguments
}

fn rich() -> Home {
    let home = Home::new();
    let mut rich = passport();
    rich["limits"]["finance.payment.refund"]["currency_limits"]["USD"]["daily_cap"] =
        json!(1_000_000);
    home.write_passport(rich.to_string());
    home
}

/// Payments with this idempotency key.
fn paid(home: &Home, key: &str) -> usize {
    let payments = home.payments();
    payments
        .iter()
        .filter(|payment| payment["idempotency_key"] == key)
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_between_call_and_answer_pays_each_intention_at_most_once() {
    let home = rich();
    let running: Arc<Mutex<Option<Child>>> = Arc::default();
    let start = {
        let (running, path) = (Arc::clone(&running), home.path().to_owned());
        move || {
            let command = server_command(&path, &[("APORT_AGENT_ID", AGENT)]);
            let running = Arc::clone(&running);
            async move {
                let mut command = Command::from(command);
                let mut child = command.stderr(Stdio::null()).kill_on_drop(true).spawn()?;
                let pipes = child.stdout.take().zip(child.stdin.take());
                *running.lock().unwrap() = Some(child);
                pipes.ok_or_else(|| std::io::Error::other("the server has no pipes"))
            }
        }
    };
    let client = Arc::new(PassportClient::with_connector(start, AGENT).await.unwrap());
    let (mut succeeded, mut ended) = (0, Vec::new());
    for round in 0..ROUNDS {
        let calls: Vec<_> = (0..CALLS)
            .map(|call| {
                let client = Arc::clone(&client);
                let key = format!("kill-{round}-{call}");
                tokio::spawn(async move {
                    let intention =
                        Intention::with_key("process_refund", arguments(100, &key), &key);
                    let outcome = client.carry_out(&intention, &persistent()).await;
                    (key, outcome)
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(round * 3)).await;
        let child = running.lock().unwrap().take();
        if let Some(mut child) = child {
            child.kill().await.unwrap();
        }
        for call in calls {
            ended.push(call.await.unwrap());
        }
    }
    for (key, outcome) in &ended {
        let payments = paid(&home, key);
        assert!(payments <= 1, "{key}: {payments} payments");
        match outcome {
            Ok(_) => {
                succeeded += 1;
                assert_eq!(payments, 1, "{key}");
            }
            Err(error) => {
                assert!(error.may_have_run() || payments == 0, "{key}: {error}");
            }
        }
    }
    assert!(succeeded > ROUNDS, "{succeeded} of {}", ended.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_http_a_call_outlasts_a_server_that_is_away_for_a_moment() {
    let home = rich();
    let envs = [("APORT_AGENT_ID", AGENT)];
    let mut server = HttpServerProcess::start(&home, &[], &envs);
    let url = format!("http://{}/mcp", server.address());
    let client = PassportClient::connect_http(&url, None, AGENT)
        .await
        .unwrap();
    let tools = client.list_tools().await.unwrap();
    let consumed = |name: &str| {
        let tool = tools.iter().find(|tool| tool.name == name).unwrap();
        tool.policy.as_ref().unwrap().idempotency.clone()
    };
    assert_eq!(
        consumed("process_refund").as_deref(),
        Some("idempotency_key")
    );
    assert_eq!(consumed("merge_pull_request"), None);
    let first = Intention::new("process_refund", arguments(100, "a"));
    let reply = client.carry_out(&first, &persistent()).await.unwrap();
    assert!(reply.decision.is_some_and(|decision| decision.allow));
    // Nothing listens: what did not get there is sent again, under a deadline.
    server.kill();
    let second = Intention::new("process_refund", arguments(100, "b"));
    let hasty = Retry {
        max_attempts: 3,
        ..persistent()
    };
    let mut error = client.carry_out(&second, &hasty).await.unwrap_err();
    if let ClientError::Uncertain { .. } = error {
        // The connection that was kept broke under the first attempt; now there is none to keep.
        error = client.carry_out(&second, &hasty).await.unwrap_err();
    }
    assert!(matches!(error, ClientError::NotSent { .. }), "{error:?}");
    assert!(!error.may_have_run());
    let port = server.address().port();
    let again = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(300));
        let listen = format!("127.0.0.1:{port}");
        (HttpServerProcess::start_at(&home, &listen, &envs), home)
    });
    let patient = Retry {
        max_attempts: 50,
        longest_delay: Duration::from_millis(500),
        ..persistent()
    };
    let reply = client.carry_out(&second, &patient).await.unwrap();
    assert!(reply.attempts > 1);
    let (_server, home) = again.await.unwrap();
    assert_eq!(
        (paid(&home, first.key()), paid(&home, second.key())),
        (1, 1)
    );
    // One answer lost, on purpose, is what the books tell of a used key.
    let error = client.carry_out(&second, &persistent()).await.unwrap_err();
    assert!(error.denial().unwrap().key_was_used(), "{error:?}");
}

#[tokio::test]
async fn over_http_a_denial_is_adjusted_under_the_same_key() {
    let home = Home::new();
    let server = HttpServerProcess::start(&home, &[], &[("APORT_AGENT_ID", AGENT)]);
    let url = format!("http://{}/mcp", server.address());
    let client = PassportClient::connect_http(&url, None, AGENT)
        .await
        .unwrap();
    let intention = Intention::new("process_refund", arguments(90_000, "a"));
    let retry = Retry {
        strategy: Some(Strategy::ClampToLimit),
        ..persistent()
    };
    let reply = client.carry_out(&intention, &retry).await.unwrap();
    assert_eq!(
        (reply.denials.len(), &reply.arguments["amount"]),
        (1, &json!(5000))
    );
    assert_eq!(reply.arguments["idempotency_key"], intention.key());
    assert_eq!(paid(&home, intention.key()), 1);
}

#[tokio::test]
async fn a_later_start_says_what_an_earlier_one_may_have_done_and_sends_only_what_a_key_keeps_from_running_twice()
 {
    let home = rich();
    let server = HttpServerProcess::start(&home, &[], &[("APORT_AGENT_ID", AGENT)]);
    let url = format!("http://{}/mcp", server.address());
    let client = PassportClient::connect_http(&url, None, AGENT)
        .await
        .unwrap();
    // The pack of merges consumes no key. The first start is killed after its call ran.
    let Value::Object(merge) = json!({ "repository": "my-org/shop", "pr_number": 1 }) else {
        unreachable!()
    };
    let file = home.path().join("merge.json");
    let start =
        || StoredIntention::load_or_new(&file, "merge_pull_request", merge.clone()).unwrap();
    client.carry_out(&start(), &persistent()).await.unwrap();
    let decided = || {
        let list = ["audit", "list", "--json", "--kind", "decision"];
        home.operate(&list).exits(0).lines().count()
    };
    assert_eq!(decided(), 1);
    let second = start();
    let error = client.carry_out(&second, &persistent()).await.unwrap_err();
    assert!(error.may_have_run(), "{error:?}");
    assert!(error.to_string().contains("an earlier start"), "{error}");
    assert_eq!(decided(), 1);

    // That of refunds does. Before the second start somebody suspends the passport.
    let file = home.path().join("refund.json");
    let start =
        || StoredIntention::load_or_new(&file, "process_refund", arguments(100, "later")).unwrap();
    client.carry_out(&start(), &persistent()).await.unwrap();
    let mut suspended = passport();
    suspended["status"] = json!("suspended");
    home.write_passport(suspended.to_string());
    let second = start();
    let outcome = client.carry_out(&second, &persistent()).await;
    assert!(!second.settle(&outcome).unwrap() && file.exists());
    let error = outcome.unwrap_err();
    assert!(error.may_have_run(), "{error:?}");
    assert_eq!(error.idempotency_key(), Some(second.key()));
    let told = error.to_string();
    assert!(
        told.contains("an earlier start") && told.contains("suspended"),
        "{told}"
    );
    assert_eq!(paid(&home, second.key()), 1);
}
