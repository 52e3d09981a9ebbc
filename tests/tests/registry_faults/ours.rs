//! The gate against a registry of our own, as a process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aport_gate::oap::AgentId;
use aport_gate::rmcp::model::CallToolResult;
use aport_gate::{Gate, GateBuilder, RegistryClient, Security};
use aport_gate_tests::command_binary;
use aport_gate_tests::in_process::{codes, decision, text};
use serde_json::{Value, json};

use crate::desk::{Till, arguments};

/// `aport-gate registry --dev`, until it is dropped.
struct Ours {
    child: Child,
    address: String,
    _home: tempfile::TempDir,
}

impl Ours {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut child = Command::new(command_binary())
            .args(["registry", "--dev", "--listen", "127.0.0.1:0"])
            .env("APORT_HOME", home.path())
            .env_remove("APORT_BASE_URL")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap();
        Self {
            address: address.to_owned(),
            child,
            _home: home,
        }
    }

    /// A new agent who may refund 5000 at once.
    fn agent(&self) -> AgentId {
        let order = json!({
            "owner_id": "org_acme", "capabilities": ["finance.payment.refund"], "assurance_level": "L2"
        });
        let order = order.to_string();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "POST /api/passports HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{order}",
            self.address,
            order.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let passport: Value = serde_json::from_str(body).unwrap();
        AgentId::parse(passport["agent_id"].as_str().unwrap()).unwrap()
    }

    fn gate(&self, agent: &AgentId, security: Security) -> GateBuilder {
        Gate::builder()
            .ledger_in_memory()
            .agent(agent.clone())
            .security(security)
            .timeout(Duration::from_secs(10))
            .registry(format!("http://{}", self.address))
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn refund(till: &Till, amount: u64, order: &str, key: &str) -> CallToolResult {
    let mut arguments = arguments(key);
    arguments["amount"] = json!(amount);
    arguments["order_id"] = json!(order);
    till.session.call("refund", arguments).await
}

#[tokio::test]
async fn our_registry_allows_denies_signs_and_settles() {
    let ours = tokio::task::spawn_blocking(Ours::start).await.unwrap();
    for security in [Security::Simple, Security::Secure] {
        let agent = ours.agent();
        let till = Till::open(ours.gate(&agent, security)).await;
        let paid = refund(&till, 1200, "order-1", "refund-0001").await;
        assert_eq!(paid.is_error, Some(false), "{}", text(&paid));
        assert_eq!(decision(&paid)["agent_id"], agent.as_str());
        assert!(decision(&paid)["signature"].is_string());

        let over = refund(&till, 999_999, "order-1", "refund-0002").await;
        assert!(
            codes(&over).contains(&"oap.limit_exceeded"),
            "{}",
            text(&over)
        );
        let again = refund(&till, 1200, "order-1", "refund-0001").await;
        assert!(
            text(&again).starts_with("Policy denied: "),
            "{}",
            text(&again)
        );
        assert_eq!(till.runs(), 1);
        assert!(
            till.session
                .gate
                .outcomes_reported(Duration::from_secs(10))
                .await
        );

        let client = RegistryClient::builder(format!("http://{}", ours.address))
            .build()
            .unwrap();
        let view = client.verify_view(&agent).await.unwrap();
        assert_eq!(view["passport_digest"], decision(&paid)["passport_digest"]);
    }
}

#[tokio::test]
async fn a_registry_that_is_killed_refuses_and_lets_nothing_run() {
    let mut ours = tokio::task::spawn_blocking(Ours::start).await.unwrap();
    let agent = ours.agent();
    let builder = ours.gate(&agent, Security::Secure);
    let till = Till::open(builder.timeout(Duration::from_secs(2))).await;
    let paid = refund(&till, 1, "order-1", "refund-0001").await;
    assert_eq!(paid.is_error, Some(false), "{}", text(&paid));
    ours.child.kill().unwrap();
    ours.child.wait().unwrap();
    let refused = refund(&till, 1, "order-1", "refund-0002").await;
    assert_eq!(codes(&refused), ["gate.registry_unreachable"]);
    assert_eq!(till.runs(), 1);
}
