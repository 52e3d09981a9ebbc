//! Connections of clients that do not go on.

use std::io::Write as _;
use std::net::TcpStream;

use crate::support::{PACK, Place, Server, question};

const MOST: usize = 8;
/// Nothing here ends by itself.
const BOUNDS: [&str; 6] = [
    "--connections",
    "8",
    "--io-timeout",
    "600",
    "--rate-limit",
    "off",
];

fn crowd(server: &Server, request: &str) -> Vec<TcpStream> {
    (0..MOST + 2)
        .map(|_| {
            let mut one = server.connect();
            // The server may take no more than a part, or close it for the next.
            one.set_nonblocking(true).unwrap();
            let _ = one.write_all(request.as_bytes());
            one
        })
        .collect()
}

/// Asks it to end, and asserts that nothing had to be cut off for that.
#[cfg(unix)]
fn ends_at_once(mut server: Server) {
    server.terminate();
    assert!(server.wait().success());
    let log = server.stop();
    assert!(!log.contains("are cut off"), "{log}");
}

#[cfg(not(unix))]
fn ends_at_once(server: Server) {
    drop(server);
}

#[test]
fn answers_that_strangers_do_not_read_keep_nobody_out() {
    let place = Place::new();
    let key = format!("Bearer {}", place.key("root", true));
    let server = place.serve(&[&["--behind-tls"][..], &BOUNDS].concat());
    let request = format!(
        "GET /openapi.json HTTP/1.1\r\nHost: {}\r\n\r\n",
        server.address
    );
    // More answers than the system keeps for somebody who does not read.
    let crowd = crowd(&server, &request.repeat(2000));
    server.get("/healthz").is(200);
    let body = question("ap_1", 1, "refund-0001");
    server.verify(&[("Authorization", &key)], &body).is(200);
    ends_at_once(server);
    drop(crowd);
}

#[test]
fn bodies_that_do_not_come_keep_nobody_out() {
    let place = Place::new();
    let server = place.serve(&[&["--dev"][..], &BOUNDS].concat());
    let half = format!(
        "POST /api/verify/policy/{PACK} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 200\r\n\r\n{{",
        server.address
    );
    let crowd = crowd(&server, &half);
    server.get("/healthz").is(200);
    let agent = server.agent();
    let decided = server
        .verify(&[], &question(&agent, 1, "refund-0001"))
        .is(200);
    assert_eq!(decided["allow"], true);
    ends_at_once(server);
    drop(crowd);
}
