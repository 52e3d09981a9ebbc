use aport_gate::{Gate, Server, policy_gated};

/// Open a door.
#[tracing::instrument]
#[policy_gated(pack = "acme.door.v1", unchecked)]
async fn open(door: String) -> String {
    door
}

/// Close a door.
#[policy_gated(pack = "acme.door.v1", unchecked)]
#[tracing::instrument(skip(code))]
async fn close(door: String, #[redact] code: String) -> String {
    door + &code
}

/// Lock a door.
#[policy_gated(pack = "acme.door.v1", unchecked)]
#[tracing::instrument(skip_all, fields(door = %door))]
async fn lock(door: String, #[redact] code: String) -> String {
    door + &code
}

async fn serve() -> aport_gate::Result<()> {
    let server = Server::new(Gate::from_env().await?, ());
    server.with_route(open).with_route(close).with_route(lock).serve_stdio().await
}

fn main() {
    let _ = serve();
}
