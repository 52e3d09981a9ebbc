//! Collectors that are none, and servers that want none.

use serde_json::json;

use crate::collector::Collector;
use crate::endpoint::Endpoint;
use crate::server::{Session, home, refund};

/// Calls, hangs up, and gives the log.
fn served(envs: &[(&str, &str)]) -> String {
    let home = home();
    let mut session = Session::open(home.path(), envs);
    for call in 0..5 {
        let paid = session.call(&refund(&format!("key-of-call-{call}")), json!({}));
        assert_eq!(paid["isError"], false, "{paid}");
    }
    let (status, rest, log) = session.leave();
    assert!(status.success(), "{log}");
    assert_eq!(rest, "", "standard output is MCP's");
    log
}

#[test]
fn a_collector_that_is_away_silent_or_broken_stops_no_call_and_no_end() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let silent = Endpoint::answering(|_, _| None);
    let broken = Endpoint::answering(|_, _| Some((400, b"hunter2".to_vec())));
    let endless = Endpoint::answering(|_, _| Some((200, vec![0; 10_000_000])));
    for url in [nobody, silent.url(), broken.url(), endless.url()] {
        // Each batch as soon as it may be, so that some fail while calls are made.
        let envs = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
            ("OTEL_BSP_SCHEDULE_DELAY", "1"),
        ];
        let log = served(&envs);
        assert!(log.contains("spans"), "it says so: {log}");
        assert!(!log.contains("hunter2"), "{log}");
    }
}

#[test]
fn who_wants_no_spans_exports_none() {
    let collector = Collector::start();
    let url = collector.url();
    for (variable, value) in [
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "hunter2"),
    ] {
        let log = served(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url), (variable, value)]);
        // What cannot be done is said; what is not wanted is not.
        let is_wrong = matches!(value, "grpc" | "hunter2");
        assert_eq!(log.contains("no spans are exported"), is_wrong, "{log}");
        assert!(!log.contains("hunter2"), "{log}");
    }
    assert!(collector.requests().is_empty());
}
