//! More connections than are served at once, of clients that wait.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use aport_gate::http::HttpOptions;
use aport_gate_tests::Home;
use serde_json::json;

use crate::desk::{Desk, answer, gate, send, serve};

/// A connection that stays open between requests.
pub(crate) struct Kept {
    address: SocketAddr,
    stream: TcpStream,
}

impl Kept {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        let long = Some(Duration::from_secs(60));
        stream.set_read_timeout(long).unwrap();
        Self { address, stream }
    }

    pub(crate) fn send(&mut self, text: &str) {
        let _ = self.stream.write_all(text.as_bytes());
    }

    /// The status of the next answer; none where the server closed instead.
    ///
    /// # Panics
    /// It does neither.
    pub(crate) fn status(&mut self) -> Option<u16> {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            match self.stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    panic!("neither answered nor closed")
                }
                _ => return None,
            }
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap();
        let length = length.split("\r\n").next().unwrap().parse().unwrap();
        self.stream.read_exact(&mut vec![0; length]).unwrap();
        Some(head.split(' ').nth(1).unwrap().parse().unwrap())
    }

    pub(crate) fn get(&mut self, path: &str) -> Option<u16> {
        let host = self.address;
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        self.status()
    }

    fn list(&mut self) -> Option<u16> {
        let (host, body) = (
            self.address,
            json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} }).to_string(),
        );
        self.send(&format!(
            "POST /mcp HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        self.status()
    }
}

const MOST: usize = 8;

fn few(options: HttpOptions) -> HttpOptions {
    // Nothing here ends by itself.
    let long = Duration::from_secs(600);
    options.most_connections(MOST).io_timeout(long)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_that_asks_for_health_or_sends_half_a_request_keeps_nobody_out() {
    let (home, desk) = (Home::new(), Desk::new());
    let served = serve(gate(&home).await, desk.clone(), few).await;
    let mut known = Kept::open(served.address);
    assert_eq!(known.list(), Some(200));
    let mut crowd: Vec<Kept> = Vec::new();
    for number in 0..3 * MOST {
        let mut one = Kept::open(served.address);
        match number % 3 {
            0 => assert_eq!(one.get("/healthz"), Some(200)),
            1 => one.send("POST /mcp HTTP/1.1\r\nHo"),
            _ => one.send(&half_a_call(served.address)),
        }
        crowd.push(one);
    }
    let mut probe = Kept::open(served.address);
    assert_eq!(probe.get("/readyz"), Some(200));
    desk.go_on.add_permits(1);
    let call = answer(send(served.address, 100, "key-in-the-crowd")).await;
    assert!(call.answer().is_ok());
    // Who was let in is not put out for those who were not.
    assert_eq!(known.list(), Some(200));
}

fn half_a_call(host: SocketAddr) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nContent-Length: 200\r\n\r\n{{"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_half_calls_keeps_nobody_out() {
    let (home, desk) = (Home::new(), Desk::new());
    let served = serve(gate(&home).await, desk.clone(), few).await;
    let crowd: Vec<Kept> = (0..MOST)
        .map(|_| {
            let mut one = Kept::open(served.address);
            one.send(&half_a_call(served.address));
            one
        })
        .collect();
    assert_eq!(Kept::open(served.address).get("/healthz"), Some(200));
    desk.go_on.add_permits(1);
    let call = answer(send(served.address, 100, "key-in-the-crowd")).await;
    assert!(call.answer().is_ok());
    drop(crowd);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_under_way_is_never_closed_for_another_connection() {
    let (home, desk) = (Home::new(), Desk::new());
    let one = |options: HttpOptions| few(options).most_connections(1);
    let served = serve(gate(&home).await, desk.clone(), one).await;
    let call = send(served.address, 100, "key-under-way");
    desk.until_begun(1).await;
    let mut next = Kept::open(served.address);
    next.send(&format!(
        "GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n",
        served.address
    ));
    // As long as a second connection would be looked for, and longer.
    tokio::time::sleep(Duration::from_millis(200)).await;
    desk.go_on.add_permits(1);
    assert!(answer(call).await.answer().is_ok());
    assert_eq!(next.status(), Some(200));
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_that_do_not_end_fill_no_memory_and_keep_no_ordinary_call_out() {
    let (home, desk) = (Home::new(), Desk::new());
    let most = |options: HttpOptions| {
        let long = Duration::from_secs(600);
        options
            .most_body_bytes(0)
            .largest_body(100_000)
            .io_timeout(long)
    };
    let served = serve(gate(&home).await, desk.clone(), most).await;
    let head = |length: usize| {
        format!(
            "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nConnection: close\r\n\
             Content-Length: {length}\r\n\r\n",
            served.address
        )
    };
    let large = || {
        let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} });
        let body = format!("{}{list}", " ".repeat(70_000));
        let mut one = Kept::open(served.address);
        one.send(&format!("{}{body}", head(body.len())));
        aport_gate_tests::read_answer(one.stream)
    };
    // There is always room for one of the largest.
    assert_eq!(large().status, 200);
    let mut crowd = Vec::new();
    let refused = loop {
        let mut one = Kept::open(served.address);
        one.send(&format!("{}{}", head(99_000), " ".repeat(80_000)));
        crowd.push(one);
        let answer = large();
        if answer.status != 200 {
            break answer;
        }
        assert!(crowd.len() < 100, "all of it is kept");
    };
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    assert_eq!(refused.json()["error"], "unavailable");
    desk.go_on.add_permits(1);
    let call = answer(send(served.address, 100, "key-beside-them")).await;
    assert!(call.answer().is_ok());
    drop(crowd);
    let mut looks = 0;
    while large().status != 200 {
        looks += 1;
        assert!(looks < 100, "what they took is never free again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
