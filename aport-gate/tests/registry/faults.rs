//! A hostile network, from the other side.

use std::io::Write as _;
use std::time::Duration;

use crate::support::{PACK, Place, question, read};

fn head(address: &str, length: usize) -> String {
    format!(
        "POST /api/verify/policy/{PACK} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
}

#[test]
fn slow_requests_end_and_others_are_served_meanwhile() {
    let place = Place::new();
    let server = place.serve(&["--dev", "--io-timeout", "1"]);
    let agent = server.agent();
    let address = server.address.to_string();
    let mut silent = server.connect();
    let mut half_head = server.connect();
    half_head
        .write_all(b"POST /api/verify HTTP/1.1\r\nHost: ")
        .unwrap();
    let mut half_body = server.connect();
    half_body
        .write_all(head(&address, 1000).as_bytes())
        .unwrap();
    half_body.write_all(b"{\"context\":").unwrap();
    server
        .verify(&[], &question(&agent, 1, "refund-0001"))
        .is(200);
    read(&mut half_body).unwrap().fails(408, "transport_error");
    // Both are ended; a head that never came has no answer of ours.
    let _ = read(&mut silent);
    let _ = read(&mut half_head);
}

#[test]
fn heads_without_end_are_cut_off() {
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let mut long = server.connect();
    let _ = long.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-A: ");
    let _ = long.write_all("x".repeat(100_000).as_bytes());
    let refused = read(&mut long);
    assert!(
        refused.is_none_or(|answer| answer.status == 431),
        "it is no answer"
    );
    let many: String = (0..200).map(|n| format!("X-{n}: a\r\n")).collect();
    let request = format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{many}\r\n");
    let refused = server.raw(request.as_bytes());
    assert!(refused.is_none_or(|answer| answer.status == 431));
    assert!(
        server
            .raw(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
            .is_none_or(|answer| answer.status == 400)
    );
    server.get("/healthz").is(200);
}

#[test]
fn connections_that_ask_nothing_keep_nobody_out() {
    let place = Place::new();
    // Longer than anybody waits for an answer here.
    let server = place.serve(&["--dev", "--connections", "4", "--io-timeout", "600"]);
    let agent = server.agent();
    let mut idle: Vec<_> = (0..32).map(|_| server.connect()).collect();
    for (number, stream) in idle.iter_mut().enumerate() {
        let begun = match number % 3 {
            0 => "",
            1 => "POST /api/verify HTTP/1.1\r\nHost: ",
            _ => "G",
        };
        let _ = stream.write_all(begun.as_bytes());
    }
    for call in 0..4 {
        let key = format!("refund-{call:04}");
        let answer = server.verify(&[], &question(&agent, 1, &key)).is(200);
        assert_eq!(answer["allow"], true);
    }
    drop(idle);
}

#[test]
fn a_client_that_reads_no_answer_is_ended_and_others_are_served() {
    let place = Place::new();
    let bounds = [
        "--connections",
        "1",
        "--io-timeout",
        "1",
        "--rate-limit",
        "off",
    ];
    let server = place.serve(&[&["--dev"][..], &bounds].concat());
    let mut greedy = server.connect();
    let request = format!(
        "GET /openapi.json HTTP/1.1\r\nHost: {}\r\n\r\n",
        server.address
    );
    // More answers than the system keeps for somebody who does not read, and the only connection is theirs.
    greedy.write_all(request.repeat(2000).as_bytes()).unwrap();
    server.get("/healthz").is(200);
    drop(greedy);
}

#[test]
fn many_callers_never_spend_more_than_the_cap() {
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    let allowed: usize = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..8)
            .map(|caller| {
                let (server, agent) = (&server, &agent);
                scope.spawn(move || {
                    (0..10)
                        .filter(|call| {
                            let key = format!("refund-{caller}-{call}");
                            let answer = server.verify(&[], &question(agent, 1000, &key)).is(200);
                            answer["allow"] == true
                        })
                        .count()
                })
            })
            .collect();
        callers.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(allowed, 50, "50000 a day in steps of 1000");
}

#[test]
fn a_killed_registry_loses_no_decision_that_was_answered() {
    let place = Place::new();
    let mut server = place.serve(&["--dev"]);
    let agent = server.agent();
    let mut answered = Vec::new();
    for number in 0..20 {
        let key = format!("refund-{number:04}");
        let answer = server.verify(&[], &question(&agent, 1, &key)).is(200);
        answered.push(answer["decision_id"].as_str().unwrap().to_owned());
    }
    server.kill();
    assert_eq!(place.run(&["audit", "verify"]).0, 0);
    let server = place.serve(&["--dev"]);
    for id in answered {
        assert_eq!(place.run(&["audit", "show", &id]).0, 0, "{id}");
    }
    let again = server
        .verify(&[], &question(&agent, 1, "refund-0000"))
        .is(200);
    assert_eq!(again["reasons"][0]["code"], "oap.idempotency_conflict");
}

#[cfg(unix)]
#[test]
fn a_ledger_that_cannot_be_used_is_told_without_its_place() {
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    std::fs::remove_file(place.home().join("ledger.sqlite3")).unwrap();
    let refused = server.verify(&[], &question(&agent, 1, "refund-0001"));
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert!(
        refused.text.contains("the server's log"),
        "{}",
        refused.text
    );
    let folder = place.folder().display().to_string();
    assert!(!refused.text.contains(&folder), "{}", refused.text);
}

#[cfg(unix)]
#[test]
fn asked_to_end_it_finishes_what_has_begun_and_takes_no_more() {
    let place = Place::new();
    let mut server = place.serve(&["--dev"]);
    let agent = server.agent();
    let body = question(&agent, 1, "refund-0001").to_string();
    let mut begun = server.connect();
    begun
        .write_all(head(&server.address.to_string(), body.len()).as_bytes())
        .unwrap();
    begun.write_all(&body.as_bytes()[..20]).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    server.terminate();
    std::thread::sleep(Duration::from_millis(300));
    assert!(std::net::TcpStream::connect(server.address).is_err());
    begun.write_all(&body.as_bytes()[20..]).unwrap();
    assert_eq!(read(&mut begun).unwrap().is(200)["allow"], true);
    assert!(server.wait().success());
}
