//! Gated tools behind rmcp's own HTTP service.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use aport_gate::HttpCaller;
use aport_gate::oap::AgentId;
use aport_gate::rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use aport_gate::rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService,
};
use aport_gate_tests::{AGENT, Home, refund_arguments};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::desk::{Desk, gate, server};

#[tokio::test]
async fn a_call_that_nobody_vouches_for_is_refused() {
    let (home, desk) = (Home::new(), Desk::new());
    desk.go_on.add_permits(9);
    let server = Arc::new(server(gate(&home).await, desk.clone()).checked().unwrap());
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let sessions = Arc::new(NeverSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(Arc::clone(&server)), sessions, config);
    let call = async |caller: Option<HttpCaller>, key: &str| -> Value {
        let params = json!({ "name": "slow_refund", "arguments": refund_arguments(100, key) });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let mut request = http::Request::post("http://localhost/mcp")
            .header("Host", "localhost")
            .header("Content-Type", "application/json")
            .header("Accept", "application/json, text/event-stream")
            // What a client writes there means nothing.
            .header("X-Agent-Passport-Id", AGENT)
            .body(body.to_string())
            .unwrap();
        if let Some(caller) = caller {
            request.extensions_mut().insert(caller);
        }
        let answer = service.handle(request).await.into_body().collect().await;
        serde_json::from_slice(&answer.unwrap().to_bytes()).unwrap()
    };
    let code = |answer: &Value| {
        let decision = &answer["result"]["_meta"]["io.aport/decision"];
        decision["reasons"][0]["code"].as_str().map(str::to_owned)
    };
    let refused = call(None, "key-nobody").await;
    let unauthenticated = Some("gate.agent_id_unauthenticated".to_owned());
    assert_eq!(code(&refused), unauthenticated, "{refused}");
    let other = HttpCaller::authenticated(AgentId::parse("ap_other").unwrap());
    let conflict = call(Some(other), "key-other").await;
    assert_eq!(
        code(&conflict).as_deref(),
        Some("gate.agent_id_conflict"),
        "{conflict}"
    );
    assert_eq!(desk.begun.load(Ordering::SeqCst), 0);
    let own = HttpCaller::authenticated(AgentId::parse(AGENT).unwrap());
    let allowed = call(Some(own), "key-vouched").await;
    assert_eq!(
        allowed["result"]["_meta"]["io.aport/decision"]["allow"], true,
        "{allowed}"
    );
    let anonymous = call(Some(HttpCaller::anonymous()), "key-anonymous").await;
    assert_eq!(
        anonymous["result"]["_meta"]["io.aport/decision"]["allow"],
        true
    );
    assert_eq!(desk.paid.load(Ordering::SeqCst), 2);
}
