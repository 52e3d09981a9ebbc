//! A secret, and everything that is said and kept beside the call itself.

use std::io::Write;
use std::sync::{LazyLock, Mutex, PoisonError};

use aport_gate::CallToolResult;
use aport_gate::rmcp::ServerHandler;
use aport_gate_tests::in_process::InProcess;
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

/// Holds what is escaped in JSON and in `Debug`; each of [`PARTS`] is in it unescaped.
pub(crate) const SECRET: &str = "zx9Q7\"w\\u\u{df}q4711";
const PARTS: [&str; 2] = ["zx9Q7", "q4711"];

static LOG: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Mutex::default);

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        Self
    }
}

/// Keeps every log line of this process from now on. rmcp logs whole messages, which is its own.
pub(crate) fn log_everything() {
    static STARTED: LazyLock<()> = LazyLock::new(|| {
        tracing_subscriber::fmt()
            .with_env_filter("trace,rmcp=off")
            .with_writer(Log)
            .init();
    });
    LazyLock::force(&STARTED);
}

/// Panics where a part of [`SECRET`] stands in an answer, a record, the ledger's files or the log.
pub(crate) async fn assert_unsaid<S: ServerHandler>(
    served: &InProcess<S>,
    answers: &[CallToolResult],
) {
    for answer in answers {
        assert_unsaid_in("an answer", &serde_json::to_string(answer).unwrap());
    }
    let records = served.gate.ledger().records(0, 1000).await.unwrap();
    assert!(records.len() >= answers.len());
    for record in records {
        assert_unsaid_in("a record", &record.body.to_string());
    }
    for entry in std::fs::read_dir(served.home.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().contains("ledger") {
            let bytes = std::fs::read(&path).unwrap();
            assert_unsaid_in(&path.to_string_lossy(), &String::from_utf8_lossy(&bytes));
        }
    }
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let log = String::from_utf8_lossy(&log);
    assert!(log.contains("decided"), "nothing was logged");
    assert_unsaid_in("the log", &log);
}

pub(crate) fn assert_unsaid_in(place: &str, text: &str) {
    for part in PARTS {
        if let Some(at) = text.find(part) {
            let around = &text.as_bytes()[at.saturating_sub(300)..(at + 300).min(text.len())];
            let around = String::from_utf8_lossy(around);
            panic!("`{part}` stands in {place}: {around}");
        }
    }
}

/// A passport's limits, the secret among the codes.
pub(crate) fn limits() -> Value {
    serde_json::json!({
        "doors": ["main", "side", "echo", "lost", "told", "panic"],
        "codes": [SECRET, "another code"], "holders": ["ann"],
    })
}
