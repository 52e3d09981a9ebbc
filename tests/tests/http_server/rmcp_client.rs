//! The SDK's own client, in both generations of the protocol.

use aport_gate::rmcp::model::{CallToolRequestParams, ProtocolVersion};
use aport_gate::rmcp::service::{ClientLifecycleMode, ClientServiceExt as _};
use aport_gate::rmcp::transport::StreamableHttpClientTransport;
use aport_gate::rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use aport_gate_tests::{AGENT, Home, HttpServerProcess, refund_arguments};
use serde_json::{Value, json};
use tokio_rustls::rustls::crypto::ring;

#[tokio::test]
async fn it_lists_and_calls_and_reads_the_decision() {
    let _ = ring::default_provider().install_default();
    let home = Home::new();
    let token = home.token(AGENT, "sdk");
    let server = HttpServerProcess::start(&home, &[], &[]);
    let today = ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    };
    for (lifecycle, key) in [
        (today, "key-of-today"),
        (ClientLifecycleMode::Initialize, "key-of-before"),
    ] {
        let config = StreamableHttpClientTransportConfig::with_uri(server.url());
        let transport = StreamableHttpClientTransport::from_config(config.auth_header(&token));
        let client = ().serve_with_lifecycle(transport, lifecycle).await.unwrap();
        let tools = client.list_all_tools().await.unwrap();
        assert_eq!(tools.len(), 2, "{tools:?}");
        let call = async |amount: u64, key: &str| -> Value {
            let arguments = refund_arguments(amount, key).as_object().cloned().unwrap();
            let request = CallToolRequestParams::new("process_refund").with_arguments(arguments);
            serde_json::to_value(client.call_tool(request).await.unwrap()).unwrap()
        };
        let allowed = call(100, key).await;
        let decision = &allowed["_meta"]["io.aport/decision"];
        assert_eq!(decision["allow"], true, "{allowed}");
        assert_eq!(decision["agent_id"], AGENT, "{allowed}");
        let denied = call(9000, &format!("{key}-over")).await;
        assert_eq!(denied["isError"], json!(true), "{denied}");
        assert_eq!(denied["_meta"]["io.aport/decision"]["allow"], false);
        client.cancel().await.unwrap();
    }
    assert_eq!(home.payments().len(), 2);
    let config = StreamableHttpClientTransportConfig::with_uri(server.url());
    let transport = StreamableHttpClientTransport::from_config(config);
    let nobody = ().serve_with_lifecycle(transport, ClientLifecycleMode::Initialize).await;
    assert!(nobody.is_err());
}
