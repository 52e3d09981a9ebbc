//! A registry that allows everything at once: what is measured is the way to it.

use jiff::Timestamp;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Starts one on a free port of this machine, for as long as the runtime lives.
pub async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        for connection in 0_u64.. {
            let (stream, _) = listener.accept().await.expect("a connection");
            tokio::spawn(talk(stream, connection));
        }
    });
    address
}

async fn talk(mut stream: TcpStream, connection: u64) {
    stream.set_nodelay(true).expect("an option");
    let mut bytes = Vec::new();
    for request in 0_u64.. {
        let Some(length) = read(&mut stream, &mut bytes).await else {
            return;
        };
        bytes.drain(..length);
        let body = allow(connection << 32 | request).to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        if stream.write_all((head + &body).as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The length of the next request, once all of it is there.
async fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<usize> {
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1)?;
            let length: usize = length.lines().next()?.trim().parse().ok()?;
            let whole = end + 4 + length;
            if bytes.len() >= whole {
                return Some(whole);
            }
        }
        if stream.read_buf(bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// A decision as large as ours. It names neither agent nor context, which would have to be read first.
fn allow(number: u64) -> Value {
    let digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let now = Timestamp::now().to_string();
    json!({
        "decision_id": format!("00000000-0000-4000-8000-{number:012x}"), "allow": true, "outcome": "allow",
        "policy_id": super::refund::PACK_ID, "owner_id": "org_bench", "assurance_level": "L3",
        "reasons": [{"code": "oap.allowed", "message": "allowed by `finance.payment.refund.v1`"}],
        "created_at": now, "expires_in": 60, "passport_digest": digest, "policy_hash": digest
    })
}
