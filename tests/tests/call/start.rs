//! What a server lists, and what keeps it from starting.

use aport_gate::{Gate, Server, policy_gated};
use serde_json::json;

use crate::desk::Till;

#[tokio::test]
async fn the_listing_tells_pack_digest_context_and_who_must_say_the_agent() {
    for bound in [true, false] {
        let session = Till::open(bound).await;
        let tools = session.session.tools().await;
        let tool = tools.iter().find(|tool| tool.name == "refund").unwrap();
        assert_eq!(tool.title.as_deref(), Some("Refund"));
        assert!(
            tool.description
                .as_deref()
                .unwrap()
                .starts_with("Refund an order.")
        );
        assert_eq!(
            tool.annotations.as_ref().unwrap().destructive_hint,
            Some(true)
        );
        let policy = &tool.meta.as_ref().unwrap().0["io.aport/policy"];
        assert_eq!(policy["pack"], json!("finance.payment.refund.v1"));
        assert!(policy["digest"].as_str().unwrap().starts_with("sha256:"));
        assert!(
            policy["context"]
                .as_array()
                .unwrap()
                .contains(&json!("customer_id"))
        );
        let schema = &tool.input_schema;
        assert_eq!(schema["additionalProperties"], json!(false));
        assert_eq!(
            schema["properties"]["order_id"]["description"],
            json!("Order to refund.")
        );
        assert_eq!(schema["properties"]["amount"]["minimum"], json!(1));
        assert_eq!(
            schema["properties"]["reason_code"]["default"],
            json!("customer_request")
        );
        let required = schema["required"].as_array().unwrap();
        assert_eq!(required.contains(&json!("agent_id")), !bound);
        assert!(required.contains(&json!("amount")) && !required.contains(&json!("note")));
        assert!(tool.output_schema.is_some());
        let merge = tools.iter().find(|tool| tool.name == "merge").unwrap();
        assert!(merge.output_schema.is_none());
    }
}

#[tokio::test]
async fn a_tool_whose_pack_the_gate_lacks_stops_the_server_from_starting() {
    #[policy_gated(pack = "acme.deploy.v1", unchecked)]
    async fn deploy(target: String) -> String {
        target
    }
    let home = tempfile::tempdir().unwrap();
    let gate = Gate::builder().home(home.path()).build().await.unwrap();
    let (server_side, _client_side) = tokio::io::duplex(64);
    let Err(error) = Server::new(gate, ())
        .with_route(deploy)
        .serve_transport(server_side)
        .await
    else {
        panic!("it started")
    };
    let error = error.to_string();
    assert!(
        error.contains("deploy") && error.contains("acme.deploy.v1"),
        "{error}"
    );
}

#[tokio::test]
async fn a_ledger_in_memory_is_refused() {
    let home = tempfile::tempdir().unwrap();
    for path in [":memory:", "file:x?mode=memory", " "] {
        assert!(
            Gate::builder()
                .home(home.path())
                .ledger(path)
                .build()
                .await
                .is_err(),
            "{path}"
        );
    }
}
