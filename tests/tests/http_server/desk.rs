//! A desk in this process whose tool waits until it is told to go on.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aport_gate::http::HttpOptions;
use aport_gate::{Gate, Server, policy_gated};
use aport_gate_tests::{AGENT, Home, HttpAnswer, read_answer, refund_arguments};
use serde_json::json;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) begun: Arc<AtomicU32>,
    pub(crate) paid: Arc<AtomicU32>,
    pub(crate) go_on: Arc<Semaphore>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self {
            begun: Arc::default(),
            paid: Arc::default(),
            go_on: Arc::new(Semaphore::new(0)),
        }
    }

    pub(crate) async fn until_begun(&self, calls: u32) {
        while self.begun.load(Ordering::SeqCst) < calls {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Refund an order, when told to.
#[policy_gated(pack = "finance.payment.refund.v1")]
#[allow(clippy::too_many_arguments)]
async fn slow_refund(
    #[service] desk: &Desk,
    order_id: String,
    customer_id: String,
    amount: u64,
    currency: String,
    region: String,
    reason_code: String,
    idempotency_key: String,
) -> String {
    desk.begun.fetch_add(1, Ordering::SeqCst);
    let _ = desk.go_on.acquire().await.map(|permit| permit.forget());
    desk.paid.fetch_add(1, Ordering::SeqCst);
    let _ = (
        order_id,
        customer_id,
        currency,
        region,
        reason_code,
        idempotency_key,
    );
    format!("paid {amount}")
}

pub(crate) fn server(gate: Gate, desk: Desk) -> Server<Desk> {
    Server::new(gate, desk).with_route(slow_refund)
}

pub(crate) async fn gate(home: &Home) -> Gate {
    let agent = aport_gate::oap::AgentId::parse(AGENT).unwrap();
    let builder = Gate::builder().home(home.path()).agent(agent);
    builder.build().await.unwrap()
}

/// A server in this process, and what stops it.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) ended: JoinHandle<()>,
}

pub(crate) async fn serve(
    gate: Gate,
    desk: Desk,
    set_up: impl FnOnce(HttpOptions) -> HttpOptions,
) -> Served {
    let options = set_up(HttpOptions::new("127.0.0.1:0".parse().unwrap()));
    let server = server(gate, desk).bind_http(options).await.unwrap();
    let url = server.url();
    let address = url.strip_prefix("http://").unwrap();
    let address = address.strip_suffix("/mcp").unwrap().parse().unwrap();
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(server.serve_until(async {
        let _ = stopped.await;
    }));
    Served {
        address,
        stop,
        ended,
    }
}

/// Sends a call and leaves its answer to be read.
pub(crate) fn send(address: SocketAddr, amount: u64, key: &str) -> TcpStream {
    let params = json!({ "name": "slow_refund", "arguments": refund_arguments(amount, key) });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let body = body.to_string();
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .unwrap();
    stream
}

pub(crate) async fn answer(stream: TcpStream) -> HttpAnswer {
    tokio::task::spawn_blocking(|| read_answer(stream))
        .await
        .unwrap()
}
