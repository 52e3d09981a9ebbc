//! A registry that allows whatever it is asked, without a look at it: what is measured is who asks. It prints its
//! address, and ends with its standard input.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

static DECISIONS: AtomicU64 = AtomicU64::new(0);

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(answer_all(connection));
        }
    });
    tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await?;
    Ok(())
}

async fn answer_all(connection: TcpStream) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut connection = BufReader::new(connection);
    loop {
        let mut length = 0;
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if connection.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let header = line.to_ascii_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(std::io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body).await?;
        let asked: Value = serde_json::from_slice(&body)?;
        let answer = allow(&asked).to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        connection.write_all((head + &answer).as_bytes()).await?;
        connection.flush().await?;
    }
}

fn allow(asked: &Value) -> Value {
    let number = DECISIONS.fetch_add(1, Ordering::Relaxed);
    json!({
        "decision_id": format!("00000000-0000-4000-8000-{number:012}"),
        "policy_id": asked["context"]["policy_id"],
        "agent_id": asked["context"]["agent_id"],
        "owner_id": "org_bench",
        "assurance_level": "L3",
        "allow": true,
        "reasons": [{"code": "oap.allowed", "message": "allowed"}],
        "created_at": jiff::Timestamp::now().to_string(),
        "expires_in": 60,
        "passport_digest": "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    })
}
