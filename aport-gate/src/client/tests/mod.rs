//! The client against a hand-written rmcp server over an in-memory pipe.

mod call;
mod hostile;
mod listed;
mod lookup;
mod matching;
mod once;
#[cfg(feature = "http-client")]
mod over_http;
mod pre_check;
mod reconnect;
mod retry;
mod stored;
mod till;
mod wire;

use rmcp::ServiceExt as _;
use rmcp::model::JsonObject;
use serde_json::Value;

use self::till::{AGENT, Till};
use super::PassportClient;

async fn connect(till: Till) -> PassportClient {
    let (client, server) = tokio::io::duplex(1 << 16);
    tokio::spawn(async move { till.serve(server).await.unwrap().waiting().await });
    PassportClient::new(().serve(client).await.unwrap(), AGENT).unwrap()
}

fn arguments(value: Value) -> JsonObject {
    value.as_object().unwrap().clone()
}
