//! The table: one fault a row, each against a gate of its own.

use std::time::Duration;

use serde_json::{Value, json};

use crate::desk::{Till, allow, allow_but, at, gate};
use crate::server::{Registry, Seen, Step, http, json as answer};

/// A fault, what the server does, and the code of the refusal.
type Row = (&'static str, fn(&Seen) -> Vec<Step>, &'static str);

const BAD_ANSWER: &str = "gate.bad_answer";
const BAD_DECISION: &str = "gate.bad_decision";
const UNREACHABLE: &str = "gate.registry_unreachable";
const TIMEOUT: &str = "gate.registry_timeout";
const UNAVAILABLE: &str = "gate.registry_unavailable";
const REFUSED: &str = "gate.registry_refused";
const UNAUTHORIZED: &str = "gate.registry_unauthorized";

/// The head of an answer that promises more than it holds.
const HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n";
const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

const ROWS: &[Row] = &[
    // The network.
    (
        "reset before the headers",
        |_| vec![Step::Reset],
        UNREACHABLE,
    ),
    (
        "closed before the headers",
        |_| vec![Step::Close],
        UNREACHABLE,
    ),
    (
        "reset within the headers",
        |_| {
            vec![
                Step::Send(b"HTTP/1.1 200 OK\r\ncontent-ty".to_vec()),
                Step::Reset,
            ]
        },
        UNREACHABLE,
    ),
    (
        "reset after the headers",
        |_| vec![Step::Send(HEAD.to_vec()), Step::Reset],
        UNREACHABLE,
    ),
    (
        "closed within a body that was an allow so far",
        |seen| {
            vec![
                Step::Send(HEAD.to_vec()),
                Step::Send(bytes(seen)),
                Step::Close,
            ]
        },
        UNREACHABLE,
    ),
    ("never answers", |_| vec![Step::Hang], TIMEOUT),
    (
        "one byte at a time",
        |seen| vec![Step::Drip(whole(seen))],
        TIMEOUT,
    ),
    (
        "headers, then nothing",
        |_| vec![Step::Send(HEAD.to_vec()), Step::Hang],
        TIMEOUT,
    ),
    (
        "an allow, but not all that was promised",
        |seen| {
            vec![
                Step::Send(HEAD.to_vec()),
                Step::Send(bytes(seen)),
                Step::Hang,
            ]
        },
        TIMEOUT,
    ),
    (
        "endless body",
        |_| {
            let chunk = [b"1000\r\n".to_vec(), vec![b' '; 0x1000], b"\r\n".to_vec()].concat();
            vec![Step::Send(CHUNKED.to_vec()), Step::Endless(chunk)]
        },
        BAD_ANSWER,
    ),
    (
        "endless headers",
        |_| {
            vec![
                Step::Send(b"HTTP/1.1 200 OK\r\n".to_vec()),
                Step::Endless(b"a: b\r\n".repeat(1000)),
            ]
        },
        "gate.registry_unreachable or gate.registry_timeout",
    ),
    (
        "a body larger than any decision",
        |seen| {
            let padding = vec![b' '; 300_000];
            vec![http(200, "", &[bytes(seen), padding].concat())]
        },
        BAD_ANSWER,
    ),
    (
        "no HTTP",
        |_| vec![Step::Send(b"SSH-2.0-x\r\n\r\n\r\n".to_vec()), Step::Close],
        UNREACHABLE,
    ),
    // The body.
    (
        "gzip bomb",
        |_| {
            vec![http(
                200,
                "content-encoding: gzip\r\n",
                include_bytes!("ten_megabytes.json.gz"),
            )]
        },
        BAD_ANSWER,
    ),
    ("empty", |_| vec![http(200, "", b"")], BAD_ANSWER),
    (
        "cut short",
        |seen| vec![http(200, "", &bytes(seen)[..80])],
        BAD_ANSWER,
    ),
    (
        "followed by more",
        |seen| vec![http(200, "", &[bytes(seen), b"{}".to_vec()].concat())],
        BAD_ANSWER,
    ),
    (
        "duplicated key",
        |seen| {
            let text = String::from_utf8(bytes(seen)).unwrap();
            let twice = text.replacen('{', r#"{"allow":false,"#, 1);
            vec![http(200, "", twice.as_bytes())]
        },
        BAD_ANSWER,
    ),
    (
        "not UTF-8",
        |seen| {
            let mut bytes = bytes(seen);
            let at = bytes.windows(4).position(|found| found == b"fine").unwrap();
            bytes[at] = 0xff;
            vec![http(200, "", &bytes)]
        },
        BAD_ANSWER,
    ),
    (
        "HTML",
        |_| {
            vec![http(
                200,
                "content-type: text/html\r\n",
                b"<html>allow</html>",
            )]
        },
        BAD_ANSWER,
    ),
    (
        "an array",
        |seen| vec![answer(200, &json!([allow(seen)]))],
        BAD_ANSWER,
    ),
    (
        "a string",
        |_| vec![answer(200, &json!("allow"))],
        BAD_ANSWER,
    ),
    ("a number", |_| vec![answer(200, &json!(1))], BAD_ANSWER),
    ("true", |_| vec![answer(200, &json!(true))], BAD_ANSWER),
    ("null", |_| vec![answer(200, &Value::Null)], BAD_ANSWER),
    (
        "nested without end",
        |_| vec![http(200, "", &[b'['; 100_000])],
        BAD_ANSWER,
    ),
    // The decision.
    (
        "an empty object",
        |_| vec![answer(200, &json!({}))],
        BAD_DECISION,
    ),
    (
        "`allow` missing",
        |seen| allow_but(seen, "allow", Value::Null),
        BAD_DECISION,
    ),
    (
        "`allow` null",
        |seen| {
            with(seen, |text| {
                text.replace("\"allow\":true", "\"allow\":null")
            })
        },
        BAD_DECISION,
    ),
    (
        "`allow` 1",
        |seen| allow_but(seen, "allow", json!(1)),
        BAD_DECISION,
    ),
    (
        "`allow` \"true\"",
        |seen| allow_but(seen, "allow", json!("true")),
        BAD_DECISION,
    ),
    (
        "`allow` [true]",
        |seen| allow_but(seen, "allow", json!([true])),
        BAD_DECISION,
    ),
    (
        "`Allow` with a capital",
        |seen| {
            with(seen, |text| {
                text.replace("\"allow\":true", "\"Allow\":true")
            })
        },
        BAD_DECISION,
    ),
    (
        "allowed, but the outcome is deny",
        |seen| allow_but(seen, "outcome", json!("deny")),
        BAD_DECISION,
    ),
    (
        "allowed, but the outcome is require_review",
        |seen| allow_but(seen, "outcome", json!("require_review")),
        BAD_DECISION,
    ),
    (
        "allowed, but the outcome is new",
        |seen| allow_but(seen, "outcome", json!("allow_once")),
        BAD_DECISION,
    ),
    (
        "allowed, but the outcome is no text",
        |seen| allow_but(seen, "outcome", json!(true)),
        BAD_DECISION,
    ),
    (
        "no decision id",
        |seen| allow_but(seen, "decision_id", Value::Null),
        BAD_DECISION,
    ),
    (
        "a decision id of two lines",
        |seen| allow_but(seen, "decision_id", json!("a\nb")),
        BAD_DECISION,
    ),
    (
        "`{\"decision\": null}`",
        |_| vec![answer(200, &json!({"decision": null}))],
        BAD_DECISION,
    ),
    (
        "`{\"decision\": null}` beside an allow",
        |seen| with(seen, |text| text.replacen('{', "{\"decision\":null,", 1)),
        BAD_DECISION,
    ),
    (
        "nested allow, outer denial",
        |seen| {
            vec![answer(
                200,
                &json!({"allow": false, "decision": allow(seen)}),
            )]
        },
        BAD_DECISION,
    ),
    (
        "nested denial, outer allow",
        |seen| {
            let mut outer = allow(seen);
            let mut inner = outer.clone();
            inner.insert("allow".to_owned(), json!(false));
            outer.insert("decision".to_owned(), inner.into());
            vec![answer(200, &outer.into())]
        },
        BAD_DECISION,
    ),
    (
        "nested allow, outer outcome deny",
        |seen| {
            let mut inner = allow(seen);
            inner.remove("outcome");
            vec![answer(200, &json!({"outcome": "deny", "decision": inner}))]
        },
        BAD_DECISION,
    ),
    (
        "nested allow, outer `success` false",
        |seen| beside(seen, "success", json!(false)),
        BAD_DECISION,
    ),
    (
        "nested allow, outer `success` \"false\"",
        |seen| beside(seen, "success", json!("false")),
        BAD_DECISION,
    ),
    (
        "nested allow, outer error",
        |seen| beside(seen, "error", json!({"code": "internal", "message": "no"})),
        BAD_DECISION,
    ),
    (
        "an allow with an error in it",
        |seen| allow_but(seen, "error", json!("internal")),
        BAD_DECISION,
    ),
    (
        "an allow that did not succeed",
        |seen| allow_but(seen, "success", json!(false)),
        BAD_DECISION,
    ),
    (
        "an allow whose `_meta` denies",
        |seen| allow_but(seen, "_meta", json!({"decision": {"allow": false}})),
        BAD_DECISION,
    ),
    (
        "nested allow, outer `_meta` that denies",
        |seen| beside(seen, "_meta", json!({"decision": {"outcome": "deny"}})),
        BAD_DECISION,
    ),
    (
        "for another agent, by its `_meta`",
        |seen| {
            let mut decision = allow(seen);
            decision.remove("agent_id");
            let told = json!({"decision": {"agent_id": "ap_other"}});
            decision.insert("_meta".to_owned(), told);
            vec![answer(200, &decision.into())]
        },
        "gate.wrong_agent",
    ),
    (
        "for another agent",
        |seen| allow_but(seen, "agent_id", json!("ap_other")),
        "gate.wrong_agent",
    ),
    (
        "for another agent, beside it",
        |seen| {
            let mut inner = allow(seen);
            inner.remove("agent_id");
            vec![answer(
                200,
                &json!({"agent_id": "ap_other", "decision": inner}),
            )]
        },
        "gate.wrong_agent",
    ),
    (
        "under another pack",
        |seen| allow_but(seen, "policy_id", json!("code.repository.merge.v1")),
        "gate.wrong_policy",
    ),
    (
        "for an older request, by its digest",
        |seen| {
            let digest = "sha256:2222222222222222222222222222222222222222222222222222222222222222";
            allow_but(seen, "context_digest", json!(digest))
        },
        "gate.wrong_request",
    ),
    (
        "for an older request, by its id",
        |seen| {
            let body = Value::Object(allow(seen)).to_string();
            vec![http(200, "x-aport-request-id: 0\r\n", body.as_bytes())]
        },
        "gate.wrong_request",
    ),
    (
        "for another tool",
        |seen| allow_but(seen, "tool", json!("delete_all")),
        "gate.wrong_request",
    ),
    (
        "expired by its length",
        |seen| allow_but(seen, "created_at", json!(at(-3600))),
        "gate.decision_expired",
    ),
    (
        "expired by its end",
        |seen| allow_but(seen, "expires_at", json!(at(-120))),
        "gate.decision_expired",
    ),
    (
        "made in an hour",
        |seen| allow_but(seen, "created_at", json!(at(3600))),
        "gate.decision_not_yet_valid",
    ),
    (
        "made at no time",
        |seen| allow_but(seen, "created_at", json!("yesterday")),
        BAD_DECISION,
    ),
    (
        "expires after no time",
        |seen| allow_but(seen, "expires_in", json!("60")),
        BAD_DECISION,
    ),
    (
        "reasons that are none",
        |seen| allow_but(seen, "reasons", json!("fine")),
        BAD_DECISION,
    ),
    // The status, each with an allow in the body.
    (
        "201",
        |seen| vec![answer(201, &allow(seen).into())],
        REFUSED,
    ),
    (
        "202",
        |seen| vec![answer(202, &allow(seen).into())],
        REFUSED,
    ),
    (
        "204",
        |_| vec![Step::Send(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())],
        REFUSED,
    ),
    (
        "206",
        |seen| vec![answer(206, &allow(seen).into())],
        REFUSED,
    ),
    (
        "300",
        |seen| vec![answer(300, &allow(seen).into())],
        "gate.registry_redirect",
    ),
    (
        "400",
        |seen| vec![answer(400, &allow(seen).into())],
        REFUSED,
    ),
    (
        "401",
        |seen| vec![answer(401, &allow(seen).into())],
        UNAUTHORIZED,
    ),
    (
        "403",
        |seen| vec![answer(403, &allow(seen).into())],
        UNAUTHORIZED,
    ),
    (
        "404",
        |seen| vec![answer(404, &allow(seen).into())],
        REFUSED,
    ),
    (
        "408",
        |seen| vec![answer(408, &allow(seen).into())],
        UNAVAILABLE,
    ),
    (
        "409",
        |seen| vec![answer(409, &allow(seen).into())],
        REFUSED,
    ),
    (
        "429",
        |seen| vec![answer(429, &allow(seen).into())],
        UNAVAILABLE,
    ),
    (
        "429, to come back in an hour",
        |seen| {
            let body = Value::Object(allow(seen)).to_string();
            vec![http(429, "retry-after: 3600\r\n", body.as_bytes())]
        },
        UNAVAILABLE,
    ),
    (
        "500",
        |seen| vec![answer(500, &allow(seen).into())],
        UNAVAILABLE,
    ),
    (
        "503",
        |seen| vec![answer(503, &allow(seen).into())],
        UNAVAILABLE,
    ),
    (
        "500 with a denial",
        |seen| {
            let mut deny = allow(seen);
            deny.insert("allow".to_owned(), json!(false));
            deny.remove("outcome");
            vec![answer(500, &deny.into())]
        },
        UNAVAILABLE,
    ),
];

#[tokio::test]
async fn no_fault_runs_the_body() {
    let mut rows = tokio::task::JoinSet::new();
    for (row, script, code) in ROWS {
        rows.spawn(async move {
            let registry = Registry::answering(*script).await;
            // Where time is not the fault, there is enough of it.
            let patience = match code.contains("timeout") {
                true => Duration::from_millis(400),
                false => Duration::from_secs(5),
            };
            let till = Till::open(gate(&registry.url()).timeout(patience)).await;
            let result = till.refund("key-0000001").await;
            till.assert_refused(&result, code, row).await;
        });
        // As many at once as a small machine can time.
        if rows.len() == 4 {
            rows.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(ended) = rows.join_next().await {
        ended.unwrap();
    }
}

#[tokio::test]
async fn nobody_there_is_told_as_such() {
    let gone = Registry::answering(|_| vec![]).await;
    let url = gone.url();
    drop(gone);
    for (row, url) in [
        ("connection refused", url.as_str()),
        ("no such name", "https://registry.invalid"),
    ] {
        let till = Till::open(gate(url).timeout(Duration::from_millis(1500))).await;
        let result = till.refund("key-0000001").await;
        till.assert_refused(&result, UNREACHABLE, row).await;
    }
}

#[tokio::test]
async fn broken_off_before_it_was_asked() {
    for (row, step) in [
        ("reset on arrival", Step::Reset),
        ("closed on arrival", Step::Close),
    ] {
        let registry = Registry::greeting(step).await;
        let till = Till::open(gate(&registry.url())).await;
        let result = till.refund("key-0000001").await;
        till.assert_refused(&result, UNREACHABLE, row).await;
    }
}

#[tokio::test]
async fn accepted_and_never_read() {
    let registry = Registry::greeting(Step::Hang).await;
    let till = Till::open(gate(&registry.url())).await;
    let result = till.refund("key-0000001").await;
    till.assert_refused(&result, TIMEOUT, "accepted and never read")
        .await;
}

#[tokio::test]
async fn a_redirect_to_a_server_that_allows_is_not_followed() {
    let elsewhere = Registry::answering(|seen| vec![answer(200, &allow(seen).into())]).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: {}/api/verify/policy/x\r\n", elsewhere.url());
        let registry = Registry::answering(move |seen| {
            let body = Value::Object(allow(seen)).to_string();
            vec![http(status, &location, body.as_bytes())]
        })
        .await;
        let till = Till::open(gate(&registry.url())).await;
        let result = till.refund("key-0000001").await;
        let row = format!("status {status}");
        till.assert_refused(&result, "gate.registry_redirect", &row)
            .await;
    }
    assert!(elsewhere.seen().is_empty());
}

/// A nested allow with something beside it.
fn beside(seen: &Seen, field: &str, value: Value) -> Vec<Step> {
    let mut outer = json!({ "decision": allow(seen) });
    outer[field] = value;
    vec![answer(200, &outer)]
}

fn bytes(seen: &Seen) -> Vec<u8> {
    Value::Object(allow(seen)).to_string().into_bytes()
}

fn whole(seen: &Seen) -> Vec<u8> {
    match http(200, "", &bytes(seen)) {
        Step::Send(bytes) => bytes,
        _ => unreachable!(),
    }
}

/// An allow whose text was changed.
fn with(seen: &Seen, change: fn(&str) -> String) -> Vec<Step> {
    let text = change(std::str::from_utf8(&bytes(seen)).unwrap());
    vec![http(200, "", text.as_bytes())]
}
