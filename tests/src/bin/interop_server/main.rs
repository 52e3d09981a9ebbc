//! A gated server with what the example server has no use for, for clients and checkers that nobody
//! here wrote: a tool that declares an output schema, tools that the conformance suite asks for by
//! name, and one that takes any text.
//!
//! On standard input and output, or with `--http` over streamable HTTP.

mod probes;
mod receipts;

use std::io::Write as _;
use std::path::PathBuf;

use aport_gate::http::HttpOptions;
use aport_gate::{Gate, Permit, Server};

/// Where each body writes that it ran, and on whose word.
struct Books(PathBuf);

impl Books {
    fn enter(&self, permit: &Permit) -> std::io::Result<()> {
        let entry = serde_json::json!({ "decision_id": permit.decision_id() });
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.0)?;
        // One write: several bodies run at once.
        file.write_all(format!("{entry}\n").as_bytes())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let home = std::env::var_os("APORT_HOME").ok_or("APORT_HOME is not set")?;
    let books = Books(PathBuf::from(home).join("interop-bodies.jsonl"));
    let server = Server::new(Gate::from_env().await?, books)
        .named("aport-gate-interop-server", "1.0.0")
        .with_route(receipts::refund_with_receipt)
        .with_routes(probes::tools());
    if std::env::args().nth(1).as_deref() != Some("--http") {
        return Ok(server.serve_stdio().await?);
    }
    let server = server
        .bind_http(HttpOptions::new(([127, 0, 0, 1], 0).into()))
        .await?;
    writeln!(std::io::stdout(), "listening on {}", server.url())?;
    Ok(server.serve().await?)
}
