//! What a model asks for twice.

use serde_json::{Value, json};

use crate::fake::{Api, BOTH, Fake, Say};
use crate::{home, refund, refunds, run, said};

fn keyed(amount: u64, key: &str) -> Value {
    let mut arguments = refund(amount);
    arguments["idempotency_key"] = json!(key);
    arguments
}

#[tokio::test]
async fn identical_calls_of_one_turn_pay_once_and_the_rest_are_told_as_repeats() {
    for api in BOTH {
        for arguments in [refund(100), keyed(100, "same-key")] {
            let home = home();
            let call = |id| (id, "process_refund", arguments.clone());
            let script = [Say::Calls(vec![call("a"), call("b"), call("c")])];
            let fake = Fake::start(api, script).await;
            let output = run(&fake, home.path(), &[]).await;
            assert!(output.status.success(), "{}", said(&output));
            assert_eq!(refunds(home.path()), 1, "{api:?} {arguments}");
            let results = fake.results();
            assert!(results[0].get("repeat_of").is_none(), "{results:?}");
            for repeat in &results[1..] {
                assert_eq!(repeat["repeat_of"], "a", "{repeat}");
                assert_eq!(repeat["decision_id"], results[0]["decision_id"]);
            }
        }
    }
}

#[tokio::test]
async fn one_key_is_one_intention_also_with_other_arguments_and_in_later_turns() {
    let home = home();
    let call = |id, amount| Say::Calls(vec![(id, "process_refund", keyed(amount, "k"))]);
    // Denied, so that the key is free; done; the same; something else.
    let script = [
        call("a", 100_000),
        call("b", 50_000),
        call("c", 50_000),
        call("d", 40_000),
    ];
    let fake = Fake::start(Api::OpenAi, script).await;
    let output = run(&fake, home.path(), &[]).await;
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(fake.statuses(), ["denied", "ok", "ok", "not_called"]);
    let results = fake.results();
    assert_eq!(results[2]["repeat_of"], "b", "{results:?}");
    let told = results[3]["text"].as_str().unwrap();
    assert!(told.contains("call b"), "{told}");
    assert_eq!(refunds(home.path()), 1);
}

#[tokio::test]
async fn the_same_in_a_later_turn_is_another_one_and_told_as_that() {
    let home = home();
    let call = |id| Say::Calls(vec![(id, "process_refund", refund(100))]);
    let fake = Fake::start(Api::OpenAi, [call("a"), call("b")]).await;
    run(&fake, home.path(), &[]).await;
    let results = fake.results();
    assert!(results[0].get("note").is_none(), "{results:?}");
    let note = results[1]["note"].as_str().unwrap();
    assert!(note.contains("a, was made before"), "{note}");
    assert_ne!(results[0]["idempotency_key"], results[1]["idempotency_key"]);
    assert_eq!(refunds(home.path()), 2);
    let offered = json!(fake.tools()).to_string();
    assert!(
        offered.contains("Identical calls in one turn are made once"),
        "{offered}"
    );
}

#[tokio::test]
async fn calls_without_ids_get_some() {
    for api in BOTH {
        let home = home();
        let script = [
            Say::Calls(vec![
                ("", "process_refund", refund(100)),
                ("", "process_refund", refund(200)),
            ]),
            Say::Calls(vec![("", "process_refund", refund(300))]),
        ];
        let fake = Fake::start(api, script).await;
        // It checks that each call is sent back with an id, and each result with the same.
        let output = run(&fake, home.path(), &[]).await;
        assert!(output.status.success(), "{}", said(&output));
        assert_eq!(fake.statuses(), ["ok", "ok", "ok"], "{api:?}");
        assert_eq!(refunds(home.path()), 3, "{api:?}");
    }
}

#[tokio::test]
async fn a_call_with_a_key_and_the_same_without_are_one_in_either_order() {
    for (first, second) in [
        (refund(100), keyed(100, "k")),
        (keyed(100, "k"), refund(100)),
    ] {
        let home = home();
        let script = [
            Say::Calls(vec![
                ("a", "process_refund", first),
                ("b", "process_refund", second),
            ]),
            Say::Calls(vec![("c", "process_refund", keyed(100, "k"))]),
        ];
        let fake = Fake::start(Api::OpenAi, script).await;
        let output = run(&fake, home.path(), &[]).await;
        assert!(output.status.success(), "{}", said(&output));
        assert_eq!(refunds(home.path()), 1, "{:?}", fake.results());
    }
}
