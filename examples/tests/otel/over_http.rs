//! Over HTTP: the trace is in a header as well, and the server ends when it is asked to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::collector::Collector;
use crate::server::{command, ended, home, refund};

const HEADER: &str = "00-11111111111111111111111111111111-1111111111111111-01";
const META: &str = "00-22222222222222222222222222222222-2222222222222222-01";

#[test]
fn a_call_joins_the_trace_of_its_meta_or_else_of_its_header() {
    let (collector, home) = (Collector::start(), home());
    let envs = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())];
    let envs = envs.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut child = command(home.path(), &envs)
        .args(["--http", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap();
    let address = address.strip_suffix("/mcp").unwrap().to_owned();
    let call = |headers: &[&str], meta: Value, key: &str| {
        let params = json!({"name": "process_refund", "arguments": refund(key), "_meta": meta});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let body = body.to_string();
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let request = format!(
            "POST /mcp HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
             Content-Length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("\"isError\":false"), "{answer}");
    };
    let header = format!("traceparent: {HEADER}");
    call(&[&header], json!({}), "key-of-call-1");
    call(&[&header], json!({"traceparent": META}), "key-of-call-2");
    call(&[&header, &header], json!({}), "key-of-call-3");
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    assert!(ended(&mut child).success());

    let spans = collector.spans();
    let parents: Vec<&str> = spans.iter().map(|span| &*span.parent).collect();
    assert_eq!(parents, ["1".repeat(16), "2".repeat(16), String::new()]);
    assert!(spans[0].trace.starts_with("1111") && spans[1].trace.starts_with("2222"));
}
