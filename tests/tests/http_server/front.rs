//! What does not reach the gate.

use std::io::Write as _;
use std::net::TcpStream;

use aport_gate_tests::{
    AGENT, Home, HttpServerProcess, read_answer, refund_arguments, server_command,
};
use serde_json::json;

fn bound(home: &Home) -> HttpServerProcess {
    HttpServerProcess::start(home, &[], &[("APORT_AGENT_ID", AGENT)])
}

fn refund() -> String {
    let params =
        json!({ "name": "process_refund", "arguments": refund_arguments(100, "key-front-1") });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string()
}

#[test]
fn other_hosts_names_and_other_sites_pages_are_refused() {
    let home = Home::new();
    let server = bound(&home);
    let own = format!("Origin: http://{}", server.address());
    let port = server.address().port();
    for (headers, status) in [
        (vec!["Host: evil.example"], 403),
        (vec!["Host: 127.0.0.1.evil.example"], 403),
        (vec!["Host: 0.0.0.0"], 403),
        (vec!["Host: localhost", "Host: localhost"], 400),
        (vec!["Host: "], 400),
        (vec!["Host: evil.example@127.0.0.1"], 400),
        (vec!["Host: [127.0.0.1]"], 400),
        (vec!["Origin: https://evil.example"], 403),
        (vec!["Origin: null"], 403),
        (vec![own.as_str(), own.as_str()], 400),
        (vec!["Origin: http://localhost:1"], 403),
    ] {
        let answer = server.request("POST", "/mcp", &headers, &refund());
        assert_eq!(answer.status, status, "{headers:?}: {answer:?}");
    }
    assert!(home.payments().is_empty());
    let localhost = format!("Host: localhost:{port}");
    let answer = server.request("POST", "/mcp", &[&localhost], &refund());
    assert!(answer.answer().is_ok(), "{answer:?}");
    let answer = server.request("POST", "/mcp", &[&own], &refund());
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn a_target_that_names_a_host_must_name_that_of_the_header() {
    let home = Home::new();
    let server = bound(&home);
    let own = server.address().to_string();
    for (target, host, status) in [
        ("http://evil.example/mcp", own.as_str(), 400),
        ("http://evil.example/mcp", "evil.example", 403),
        (&format!("http://x@{own}/mcp"), own.as_str(), 400),
        ("http://localhost:1/mcp", own.as_str(), 400),
    ] {
        let host = format!("Host: {host}");
        let answer = server.request("POST", target, &[&host], &refund());
        assert_eq!(answer.status, status, "{target}: {answer:?}");
    }
    assert!(home.payments().is_empty());
    let answer = server.request("POST", &format!("http://{own}/mcp"), &[], &refund());
    assert!(answer.answer().is_ok(), "{answer:?}");
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    let home = Home::new();
    let server = bound(&home);
    let (old, new) = (
        "MCP-Protocol-Version: 2025-06-18",
        "MCP-Protocol-Version: 2026-07-28",
    );
    for headers in [
        &[old, new][..],
        &["Mcp-Name: process_refund", "Mcp-Name: merge_pull_request"],
        &["Mcp-Param-amount: 1", "Mcp-Param-amount: 2"],
    ] {
        let answer = server.request("POST", "/mcp", headers, &refund());
        assert_eq!(answer.status, 400, "{headers:?}: {answer:?}");
        assert!(answer.body.contains("once only"), "{answer:?}");
    }
    let body = refund();
    let send = |codings: &str| {
        server.raw(
            format!(
                "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
                 Accept: application/json, text/event-stream\r\n{codings}\r\n\
                 {:x}\r\n{body}\r\n0\r\n\r\n",
                server.address(),
                body.len()
            )
            .as_bytes(),
        )
    };
    for codings in [
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: identity, chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
    ] {
        let answer = send(codings);
        assert_eq!(answer.status, 400, "{codings}: {answer:?}");
    }
    assert!(home.payments().is_empty());
    // Without `Connection: close` in the request: reading to the end shows that the server closes.
    let both = "Content-Length: 5\r\nTransfer-Encoding: Chunked\r\n";
    let answer = send(both);
    assert!(answer.answer().is_ok(), "{answer:?}");
    assert_eq!(answer.header("connection"), Some("close"));
}

#[test]
fn what_is_no_message_is_refused_with_what_is_wrong() {
    let home = Home::new();
    let server = bound(&home);
    let twice = refund().replace("\"amount\":100", "\"amount\":100,\"amount\":5000");
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    for (body, code) in [
        ("", -32700),
        ("{", -32700),
        (twice.as_str(), -32700),
        (deep.as_str(), -32700),
        ("[]", -32600),
        (&format!("[{}]", refund()), -32600),
        ("7", -32600),
        ("{\"method\":\"tools/list\"}", -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":{}}", -32600),
    ] {
        let answer = server.request("POST", "/mcp", &[], body);
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        assert_eq!(answer.json()["error"]["code"], code, "{body}: {answer:?}");
    }
    let form = ["Content-Type: text/plain"];
    assert_eq!(server.request("POST", "/mcp", &form, &refund()).status, 415);
    let kinds = ["Content-Type: application/json", "Content-Type: text/plain"];
    assert_eq!(
        server.request("POST", "/mcp", &kinds, &refund()).status,
        400
    );
    assert!(home.payments().is_empty());
}

#[test]
fn a_body_is_bounded_in_size_and_time() {
    let home = Home::new();
    let server =
        HttpServerProcess::start(&home, &["--io-timeout", "1"], &[("APORT_AGENT_ID", AGENT)]);
    let huge = refund().replace("customer-1", &"x".repeat(1024 * 1024));
    assert_eq!(server.request("POST", "/mcp", &[], &huge).status, 413);
    let head = |length: &str| {
        format!(
            "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\n{length}\r\n\r\n",
            server.address()
        )
    };
    let mut slow = TcpStream::connect(server.address()).unwrap();
    let body = refund();
    let length = format!("Content-Length: {}", body.len());
    slow.write_all(head(&length).as_bytes()).unwrap();
    slow.write_all(&body.as_bytes()[..10]).unwrap();
    assert_eq!(read_answer(slow).status, 408);
    let mut chunked = TcpStream::connect(server.address()).unwrap();
    chunked
        .write_all(head("Transfer-Encoding: chunked").as_bytes())
        .unwrap();
    let _ = chunked.write_all(format!("{:x}\r\n{huge}\r\n0\r\n\r\n", huge.len()).as_bytes());
    assert_eq!(read_answer(chunked).status, 413);
    assert!(home.payments().is_empty());
    assert!(
        server
            .request("POST", "/mcp", &[], &refund())
            .answer()
            .is_ok()
    );
}

#[test]
fn an_address_that_others_reach_is_not_listened_on_just_so() {
    let home = Home::new();
    for address in ["0.0.0.0:0", "[::]:0"] {
        let output = server_command(home.path(), &[])
            .args(["--http", address])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(log.contains("reachable by others"), "{log}");
        assert!(output.stdout.is_empty());
    }
}
