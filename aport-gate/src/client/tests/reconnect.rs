//! Connections, protocols and listings.

use serde_json::json;

use super::wire::{Fate, Wire, tools};
use super::{AGENT, Till, arguments};
use crate::client::{CallVerdict, ClientError, PassportClient};

#[tokio::test]
async fn todays_stateless_protocol_is_spoken_where_the_server_knows_it_and_the_older_one_elsewhere()
{
    let (client, server) = tokio::io::duplex(1 << 16);
    tokio::spawn(async move {
        use rmcp::ServiceExt as _;
        Till::default().serve(server).await.unwrap().waiting().await
    });
    let new = PassportClient::builder(AGENT)
        .connect(client)
        .await
        .unwrap();
    let version = new.peer().peer_info().unwrap().protocol_version.to_string();
    assert_eq!(version, "2026-07-28");
    new.call("plain", arguments(json!({}))).await.unwrap();

    let old = Wire::new([]).connect().await.unwrap();
    let version = old.peer().peer_info().unwrap().protocol_version.to_string();
    assert_eq!(version, "2025-06-18");
    old.call("plain", arguments(json!({}))).await.unwrap();
}

#[tokio::test]
async fn a_call_after_a_lost_connection_goes_over_another_one() {
    let wire = Wire::new([Fate::DiedBefore]);
    let client = wire.connect().await.unwrap();
    let first = client.call("plain", arguments(json!({}))).await;
    assert!(
        matches!(first, Err(ClientError::Transport { .. })),
        "{first:?}"
    );
    client.call("plain", arguments(json!({}))).await.unwrap();
    assert_eq!(wire.books.lock().unwrap().connections, 2);
}

#[tokio::test]
async fn a_listing_is_kept_and_asking_for_it_replaces_it() {
    let wire = Wire::new([]);
    let client = wire.connect().await.unwrap();
    for _ in 0..3 {
        client.call("plain", arguments(json!({}))).await.unwrap();
    }
    assert_eq!(wire.books.lock().unwrap().listings, 1);
    let changed =
        json!({ "name": "plain", "inputSchema": { "type": "object", "required": ["agent_id"] } });
    let mut listed = tools();
    listed[0] = changed;
    wire.list(listed);
    client.list_tools().await.unwrap();
    client.call("plain", arguments(json!({}))).await.unwrap();
    assert_eq!(wire.calls()[3]["arguments"]["agent_id"], AGENT);
}

#[tokio::test]
async fn a_server_that_says_that_its_tools_changed_is_asked_again() {
    let wire = Wire::new([Fate::Answered, Fate::Changed]);
    let client = wire.connect().await.unwrap();
    for expected in [1, 1, 2, 2] {
        client.call("plain", arguments(json!({}))).await.unwrap();
        assert_eq!(wire.books.lock().unwrap().listings, expected);
    }
}

#[tokio::test]
async fn an_endless_listing_is_refused() {
    let (client, server) = tokio::io::duplex(1 << 16);
    tokio::spawn(async move {
        use rmcp::ServiceExt as _;
        super::till::Endless
            .serve(server)
            .await
            .unwrap()
            .waiting()
            .await
    });
    let client = PassportClient::builder(AGENT)
        .connect(client)
        .await
        .unwrap();
    let error = client.list_tools().await.unwrap_err();
    assert!(error.to_string().contains("100 pages"), "{error}");
}

#[tokio::test]
async fn every_attempt_is_logged_with_its_decision() {
    let wire = Wire::new([Fate::TooMuch, Fate::Undecided, Fate::DiedBefore]);
    let heard = std::sync::Arc::new(std::sync::Mutex::new(0));
    let sink = heard.clone();
    let start = {
        let wire = wire.clone();
        move || std::future::ready(Ok::<_, String>(wire.start()))
    };
    let client = PassportClient::builder(AGENT)
        .on_decision(move |_| *sink.lock().unwrap() += 1)
        .connect_with(start)
        .await
        .unwrap();
    for _ in 0..4 {
        let _ = client
            .call("plain", arguments(json!({ "amount": 5 })))
            .await;
    }
    let entries = client.decisions();
    let verdicts: Vec<_> = entries.iter().map(|entry| entry.verdict).collect();
    assert_eq!(
        verdicts,
        [
            CallVerdict::Denied,
            CallVerdict::Undecided,
            CallVerdict::Unknown,
            CallVerdict::Allowed
        ]
    );
    assert_eq!(entries[0].codes, ["oap.limit_exceeded"]);
    assert_eq!(entries[3].decision_id.as_deref(), Some("dec-1"));
    assert_eq!(*heard.lock().unwrap(), 4);
}

#[tokio::test]
async fn what_does_not_speak_mcp_is_told_without_types_of_a_library() {
    let start = || {
        let (here, there) = tokio::io::duplex(64);
        drop(there);
        std::future::ready(Ok::<_, String>(here))
    };
    let error = PassportClient::with_connector(start, super::AGENT).await;
    let told = error.unwrap_err().to_string();
    assert!(!told.contains("rmcp") && !told.contains("::"), "{told}");
}
