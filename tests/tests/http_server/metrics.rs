//! What whoever watches a server sees.

use aport_gate_tests::{AGENT, Home, HttpServerProcess, RegistryProcess, refund_arguments};
use serde_json::json;

/// The value of the one line that begins so.
fn value(text: &str, line: &str) -> f64 {
    let mut found = text.lines().filter_map(|one| one.strip_prefix(line));
    let value = found
        .next()
        .unwrap_or_else(|| panic!("no {line} in {text}"));
    assert!(found.next().is_none(), "{line} is there twice");
    value.trim().parse().unwrap()
}

fn metrics(server: &HttpServerProcess) -> String {
    let answer = server.request("GET", "/metrics", &[], "");
    assert_eq!(answer.status, 200, "{answer:?}");
    let kind = answer.header("content-type").unwrap();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    assert!(answer.body.ends_with("# EOF\n"), "{answer:?}");
    answer.body
}

#[test]
fn calls_are_counted_by_tool_and_result_and_nothing_of_them_is_told() {
    let home = Home::new();
    let server = HttpServerProcess::start(&home, &[], &[("APORT_AGENT_ID", AGENT)]);
    let call = |amount: u64, key: &str| {
        let arguments = refund_arguments(amount, key);
        server.call(&[], "process_refund", &arguments).answer()
    };
    assert!(call(100, "key-hunter2-1").is_ok());
    assert!(call(200, "key-hunter2-2").is_ok());
    assert!(!call(9000, "key-hunter2-3").is_ok());
    let mut wrong = refund_arguments(1, "key-hunter2-4");
    wrong["amount"] = json!("hunter2");
    let wrong = server.call(&[], "process_refund", &wrong).answer();
    assert_eq!(wrong.codes(), ["gate.invalid_arguments"], "{wrong:?}");

    let told = metrics(&server);
    for (result, calls) in [("allow", 2.0), ("deny", 1.0), ("none", 1.0)] {
        let line = format!("aport_gate_calls_total{{tool=\"process_refund\",result=\"{result}\"}}");
        assert_eq!(value(&told, &line), calls, "{told}");
    }
    // Who was not understood was not asked about.
    let of = "{tool=\"process_refund\"}";
    let count = value(&told, &format!("aport_gate_decision_seconds_count{of}"));
    assert_eq!(count, 3.0);
    assert!(value(&told, &format!("aport_gate_decision_seconds_sum{of}")) > 0.0);
    let of = "of=\"ledger\"";
    assert_eq!(
        value(
            &told,
            &format!("aport_gate_breaker{{{of},state=\"closed\"}}")
        ),
        1.0
    );
    assert_eq!(
        value(&told, &format!("aport_gate_breaker{{{of},state=\"open\"}}")),
        0.0
    );
    assert!(value(&told, "aport_gate_connections ") >= 1.0);
    assert_eq!(value(&told, "aport_gate_requests_under_way "), 0.0);
    for secret in ["hunter2", AGENT, "customer", "of=\"registry\""] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
}

#[test]
fn a_registry_that_is_left_alone_shows_as_an_open_breaker() {
    let (home, office) = (Home::new(), Home::new());
    let mut registry = RegistryProcess::start(&office, &[], &[]);
    let url = registry.url();
    let envs = [("APORT_AGENT_ID", AGENT), ("APORT_BASE_URL", url.as_str())];
    let server = HttpServerProcess::start(&home, &[], &envs);
    let call = |key: &str| {
        server
            .call(&[], "process_refund", &refund_arguments(1, key))
            .answer()
    };
    let state = |state: &str| {
        let line = format!("aport_gate_breaker{{of=\"registry\",state=\"{state}\"}}");
        value(&metrics(&server), &line) == 1.0
    };
    assert!(call("key-watched-1").is_ok());
    assert!(state("closed") && !state("failing") && !state("open"));
    registry.kill();
    call("key-watched-2");
    assert!(state("failing") && !state("closed") && !state("open"));
    for call_number in 3..7 {
        call(&format!("key-watched-{call_number}"));
    }
    assert!(state("open") && !state("failing") && !state("closed"));
    let refused = "aport_gate_calls_total{tool=\"process_refund\",result=\"none\"}";
    assert_eq!(value(&metrics(&server), refused), 5.0);
    assert_eq!(home.payments().len(), 1);
}

#[test]
fn a_request_that_is_worked_on_is_counted_as_such() {
    let home = Home::new();
    let server = HttpServerProcess::start(&home, &[], &[("APORT_AGENT_ID", AGENT)]);
    // The simulated desk waits for its books, so that the call stays.
    let books = std::fs::File::create(home.path().join("simulated-refunds.jsonl")).unwrap();
    books.lock().unwrap();
    let arguments = refund_arguments(1, "key-under-way");
    std::thread::scope(|scope| {
        let calling = scope.spawn(|| server.call(&[], "process_refund", &arguments).answer());
        let under_way = || value(&metrics(&server), "aport_gate_requests_under_way ");
        let begun = std::time::Instant::now();
        while under_way() != 1.0 {
            assert!(begun.elapsed().as_secs() < 60, "it never began");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert!(value(&metrics(&server), "aport_gate_connections ") >= 2.0);
        books.unlock().unwrap();
        assert!(calling.join().unwrap().is_ok());
    });
    assert_eq!(
        value(&metrics(&server), "aport_gate_requests_under_way "),
        0.0
    );
}

#[test]
fn web_pages_read_no_metrics() {
    let home = Home::new();
    let server = HttpServerProcess::start(&home, &[], &[]);
    for header in ["Host: evil.example", "Origin: https://evil.example"] {
        let answer = server.request("GET", "/metrics", &[header], "");
        assert_eq!(answer.status, 403, "{header}: {answer:?}");
        assert!(!answer.body.contains("aport_gate_"), "{answer:?}");
    }
    let public = [
        "--behind-tls",
        "https://mcp.example.com/mcp",
        "--require-auth",
    ];
    let server = HttpServerProcess::start(&home, &public, &[]);
    let page = server.request("GET", "/metrics", &["Origin: https://mcp.example.com"], "");
    assert_eq!(page.status, 403, "{page:?}");
    let probe = server.request("GET", "/metrics", &["Host: 10.1.2.3:8080"], "");
    assert_eq!(probe.status, 200, "{probe:?}");
    assert_eq!(server.request("POST", "/metrics", &[], "").status, 405);
}
