//! Calls under way when their server, or their client, goes away.

use std::sync::atomic::Ordering;
use std::time::Duration;

use aport_gate_tests::{AGENT, Home, HttpServerProcess, refund_arguments};
use serde_json::Value;

use crate::crowd::Kept;
use crate::desk::{Desk, answer, gate, send, serve};

/// What became of the bodies, in the words of the audit trail.
fn outcomes(home: &Home) -> Vec<String> {
    let listed = home.operate(&["audit", "list", "--json"]).exits(0);
    let mut all: Vec<String> = Vec::new();
    for line in listed.lines() {
        let value: Value = serde_json::from_str(line).unwrap_or_default();
        collect(&value, &mut all);
    }
    if all.is_empty() {
        collect(&serde_json::from_str(&listed).unwrap_or_default(), &mut all);
    }
    all
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(outcome) = members.get("outcome").and_then(Value::as_str) {
                found.push(outcome.to_owned());
            }
            members.values().for_each(|value| collect(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_finishes_calls_under_way_and_takes_no_more() {
    let (home, desk) = (Home::new(), Desk::new());
    let served = serve(gate(&home).await, desk.clone(), |options| options).await;
    let call = send(served.address, 100, "key-under-way");
    desk.until_begun(1).await;
    served.stop.send(()).unwrap();
    while std::net::TcpStream::connect(served.address).is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!served.ended.is_finished());
    desk.go_on.add_permits(1);
    let answer = answer(call).await.answer();
    assert!(answer.is_ok() && answer.text() == "paid 100", "{answer:?}");
    served.ended.await.unwrap();
    assert_eq!(outcomes(&home).last().map(String::as_str), Some("ok"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_does_not_end_is_cut_off_and_what_it_took_stays_taken() {
    let (home, desk) = (Home::new(), Desk::new());
    let first = gate(&home).await;
    let short = Duration::from_millis(200);
    let served = serve(first.clone(), desk.clone(), |options| options.grace(short)).await;
    let call = send(served.address, 5000, "key-never-ends");
    desk.until_begun(1).await;
    served.stop.send(()).unwrap();
    served.ended.await.unwrap();
    let answer_then = answer(call).await;
    assert_eq!(answer_then.status, 503, "{answer_then:?}");
    assert_eq!(answer_then.json()["error"], "cut_off", "{answer_then:?}");
    assert!(answer_then.body.contains("may have run"), "{answer_then:?}");
    assert_eq!(answer_then.header("retry-after"), None);
    assert_eq!(desk.paid.load(Ordering::SeqCst), 0);
    let desk = Desk::new();
    desk.go_on.add_permits(9);
    let served = serve(first, desk.clone(), |options| options).await;
    let again = answer(send(served.address, 5000, "key-after-the-cut")).await;
    assert!(again.answer().is_ok());
    let over = answer(send(served.address, 100, "key-over-the-cap")).await;
    assert!(
        !over.answer().is_ok(),
        "the call that was cut off counts: {over:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_requests_do_not_delay_the_end_and_calls_under_way_do() {
    let (home, desk) = (Home::new(), Desk::new());
    let long = Duration::from_secs(600);
    let patient = |options: aport_gate::http::HttpOptions| options.grace(long).io_timeout(long);
    let served = serve(gate(&home).await, desk.clone(), patient).await;
    let mut silent = Kept::open(served.address);
    let mut kept = Kept::open(served.address);
    assert_eq!(kept.get("/healthz"), Some(200));
    let mut half_head = Kept::open(served.address);
    half_head.send("POST /mcp HTTP/1.1\r\nHo");
    let mut half_body = Kept::open(served.address);
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nContent-Length: 900\r\n\r\n{{\"jsonrpc",
        served.address
    );
    half_body.send(&head);
    let call = send(served.address, 100, "key-under-way");
    desk.until_begun(1).await;
    served.stop.send(()).unwrap();
    for unfinished in [&mut silent, &mut kept, &mut half_head] {
        assert_eq!(unfinished.status(), None);
    }
    assert_eq!(half_body.status(), Some(503));
    assert!(!served.ended.is_finished());
    desk.go_on.add_permits(1);
    assert!(answer(call).await.answer().is_ok());
    served.ended.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_ends_its_call_and_what_it_took_stays_taken() {
    let (home, desk) = (Home::new(), Desk::new());
    let one = |options: aport_gate::http::HttpOptions| options.most_calls(1);
    let served = serve(gate(&home).await, desk.clone(), one).await;
    let call = send(served.address, 5000, "key-of-who-leaves");
    desk.until_begun(1).await;
    let busy = answer(send(served.address, 100, "key-of-the-next")).await;
    assert_eq!(busy.status, 503, "{busy:?}");
    assert_eq!(busy.header("retry-after"), Some("1"));
    drop(call);
    // Its place is free when it has ended; a call that is denied asks for it without paying.
    while answer(send(served.address, 1_000_000, "key-of-who-waits"))
        .await
        .status
        == 503
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    desk.go_on.add_permits(9);
    let again = answer(send(served.address, 5000, "key-afterwards")).await;
    assert!(again.answer().is_ok());
    assert_eq!(desk.paid.load(Ordering::SeqCst), 1);
    let over = answer(send(served.address, 100, "key-over-the-cap")).await;
    assert!(!over.answer().is_ok(), "{over:?}");
}

#[cfg(unix)]
#[test]
fn several_signals_end_a_server_once_and_in_order() {
    let home = Home::new();
    let mut server = HttpServerProcess::start(&home, &[], &[("APORT_AGENT_ID", AGENT)]);
    let arguments = refund_arguments(100, "key-before-the-end");
    assert!(
        server
            .call(&[], "process_refund", &arguments)
            .answer()
            .is_ok()
    );
    for signal in ["-TERM", "-INT", "-TERM", "-TERM"] {
        let id = server.id().to_string();
        let sent = std::process::Command::new("kill")
            .args([signal, &id])
            .output();
        assert!(sent.is_ok());
    }
    assert_eq!(server.ended().code(), Some(0), "{}", server.log());
    assert!(server.log().contains("stopping"), "{}", server.log());
}

#[test]
fn a_server_killed_among_calls_leaves_a_sound_trail_and_no_cap_exceeded() {
    let home = Home::new();
    for round in 0..3 {
        let mut server = HttpServerProcess::start(&home, &[], &[("APORT_AGENT_ID", AGENT)]);
        let address = server.address();
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                std::thread::spawn(move || {
                    for call in 0..50 {
                        let key = format!("key-{round}-{thread}-{call}");
                        if !one_refund(address, &key) {
                            break;
                        }
                    }
                })
            })
            .collect();
        while home.payments().len() <= round {
            std::thread::sleep(Duration::from_millis(1));
        }
        server.kill();
        for thread in threads {
            thread.join().unwrap();
        }
    }
    let paid: u64 = home
        .payments()
        .iter()
        .map(|paid| paid["amount"].as_u64().unwrap())
        .sum();
    assert!((300..=10_000).contains(&paid), "{paid}");
    let _ = home.operate(&["audit", "verify"]).exits(0);
}

/// Whether the server was still there.
fn one_refund(address: std::net::SocketAddr, key: &str) -> bool {
    use std::io::{Read as _, Write as _};
    let params =
        serde_json::json!({ "name": "process_refund", "arguments": refund_arguments(300, key) });
    let body =
        serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let body = body.to_string();
    let Ok(mut stream) = std::net::TcpStream::connect(address) else {
        return false;
    };
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .is_ok_and(|read| read > 0)
}
