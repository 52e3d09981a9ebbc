//! A server starts only when each of its tools is gated or named as public.

use std::sync::Arc;

use aport_gate::rmcp::ServiceExt as _;
use aport_gate::rmcp::handler::server::router::tool::{ToolRoute, ToolRouter};
use aport_gate::rmcp::model::{CallToolRequestParams, JsonObject, Tool};
use aport_gate::{Access, Gate, HasGate, Server, inventory, policy_gated};

/// Merge a pull request.
#[policy_gated(pack = "code.repository.merge.v1", context(action = "pr.merge"))]
async fn merge(repository: String, branch: String, pr_number: u64) -> String {
    format!("{repository}#{pr_number} -> {branch}")
}

#[policy_gated(pack = "finance.payment.refund.v1")]
#[allow(clippy::too_many_arguments)]
async fn refund(
    order_id: String,
    customer_id: String,
    amount: u64,
    currency: String,
    region: String,
    reason_code: String,
    idempotency_key: String,
) -> String {
    format!("{order_id}{customer_id}{amount}{currency}{region}{reason_code}{idempotency_key}")
}

fn ping<S: Send + Sync + 'static>() -> ToolRoute<S> {
    let tool = Tool::new("ping", "", Arc::new(JsonObject::new()));
    ToolRoute::new(tool, || async { "pong".to_owned() })
}

async fn gate(home: &tempfile::TempDir) -> Gate {
    Gate::builder().home(home.path()).build().await.unwrap()
}

async fn refusal(server: impl FnOnce(Server<()>) -> Server<()>) -> String {
    let home = tempfile::tempdir().unwrap();
    let (server_side, _client_side) = tokio::io::duplex(64);
    let started = server(Server::new(gate(&home).await, ()))
        .serve_transport(server_side)
        .await;
    match started {
        Ok(_) => panic!("it started"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn an_ungated_tool_stops_the_server_from_starting() {
    let error = refusal(|server| server.with_route(merge).with_route(ping)).await;
    assert!(error.contains("`ping` is not gated;"), "{error}");
}

#[tokio::test]
async fn a_copied_claim_to_be_gated_is_not_believed() {
    let mut copy = ping::<Server<()>>();
    copy.attr.meta = merge::<Server<()>>().attr.meta;
    assert!(copy.attr.meta.is_some());
    let error = refusal(|server| server.with_route(copy.clone())).await;
    assert!(
        error.contains("`ping` is not gated, although its `_meta` claims so;"),
        "{error}"
    );
    // Nor can such a tool be public: its listing would tell clients of a gate that is not there.
    let error = refusal(|server| server.with_route(copy).public_tool("ping")).await;
    assert!(error.contains("claims in its `_meta`"), "{error}");
}

#[tokio::test]
async fn a_gated_route_with_another_handler_is_not_gated() {
    let mut hollow = merge::<Server<()>>();
    hollow.call = ping::<Server<()>>().call;
    let error = refusal(|server| server.with_route(hollow)).await;
    assert!(error.contains("`merge` is not gated"), "{error}");
}

#[tokio::test]
async fn a_name_left_over_among_the_public_tools_stops_the_server() {
    let error = refusal(|server| server.with_route(merge).public_tool("ping")).await;
    assert!(
        error.contains("`ping` is named as public, but is no tool"),
        "{error}"
    );
    let error = refusal(|server| server.with_route(merge).public_tool("merge")).await;
    assert!(
        error.contains("`merge` is named as public, but is gated"),
        "{error}"
    );
}

#[tokio::test]
async fn a_public_tool_is_served_beside_gated_ones() {
    let home = tempfile::tempdir().unwrap();
    let (server_side, client_side) = tokio::io::duplex(1 << 16);
    let server = Server::new(gate(&home).await, ())
        .with_routes(ToolRouter::new().with_route(merge).with_route(ping))
        .public_tool("ping");
    let (_server, client) =
        tokio::join!(server.serve_transport(server_side), ().serve(client_side));
    let client = client.unwrap();
    let answer = client
        .call_tool(CallToolRequestParams::new("ping"))
        .await
        .unwrap();
    assert_eq!(answer.content[0].as_text().unwrap().text, "pong");
    let denied = client
        .call_tool(CallToolRequestParams::new("merge"))
        .await
        .unwrap();
    assert_eq!(denied.is_error, Some(true));
}

struct Shop(Gate);

impl HasGate for Shop {
    fn gate(&self) -> &Gate {
        &self.0
    }
}

#[tokio::test]
async fn a_server_of_ones_own_is_checked_by_describe() {
    let home = tempfile::tempdir().unwrap();
    let shop = Shop(gate(&home).await);
    let router = || ToolRouter::<Shop>::new().with_route(merge);
    assert!(shop.gate().describe(router()).is_ok());
    let mixed = || router().with_route(ping);
    let error = shop.gate().describe(mixed()).unwrap_err().to_string();
    assert!(error.contains("`ping` is not gated"), "{error}");
    assert!(shop.gate().describe_with_public(mixed(), ["ping"]).is_ok());
    // A disabled tool can be enabled later.
    let mut disabled = mixed();
    disabled.disable_route("ping");
    assert!(shop.gate().describe(disabled).is_err());
}

#[tokio::test]
async fn the_listing_and_the_inventory_tell_the_pack_that_really_decides() {
    let home = tempfile::tempdir().unwrap();
    let shop = Shop(gate(&home).await);
    let mut relabelled = merge::<Shop>();
    relabelled.attr.meta = refund::<Shop>().attr.meta;
    let router = ToolRouter::new().with_route(relabelled);
    let inventory = shop.gate().inventory(&router);
    assert_eq!(
        inventory.tools[0].pack.as_ref().unwrap().as_str(),
        "code.repository.merge.v1"
    );
    let described = shop.gate().describe(router).unwrap();
    let policy = &described.get("merge").unwrap().meta.as_ref().unwrap().0["io.aport/policy"];
    assert_eq!(policy["pack"], "code.repository.merge.v1");
}

#[test]
fn the_inventory_tells_ungated_tools_apart_without_a_gate() {
    let router = ToolRouter::<Shop>::new().with_route(ping).with_route(merge);
    // A clone shares the handler, so it is as gated as its original.
    for router in [router.clone(), router] {
        let inventory = inventory(&router);
        let seen: Vec<_> = inventory
            .tools
            .iter()
            .map(|tool| (tool.name.as_str(), tool.access, tool.digest.is_some()))
            .collect();
        assert_eq!(
            seen,
            [
                ("merge", Access::Gated, true),
                ("ping", Access::Ungated, false)
            ]
        );
    }
}

#[tokio::test]
async fn a_server_that_was_not_checked_serves_no_tool_by_rmcps_own_means() {
    let home = tempfile::tempdir().unwrap();
    let gate = gate(&home).await;
    let (server_side, client_side) = tokio::io::duplex(1 << 16);
    let server = Server::new(gate.clone(), ()).with_route(ping);
    let (server, client) = tokio::join!(server.serve(server_side), ().serve(client_side));
    let (_server, client) = (server.unwrap(), client.unwrap());
    let called = client.call_tool(CallToolRequestParams::new("ping")).await;
    let error = called.unwrap_err().to_string();
    assert!(error.contains("were not checked"), "{error}");
    assert!(client.list_all_tools().await.is_err());

    let (server_side, client_side) = tokio::io::duplex(1 << 16);
    let server = Server::new(gate, ())
        .with_route(merge)
        .with_route(ping)
        .public_tool("ping");
    let server = server.checked().unwrap();
    let (server, client) = tokio::join!(server.serve(server_side), ().serve(client_side));
    let (_server, client) = (server.unwrap(), client.unwrap());
    assert_eq!(client.list_all_tools().await.unwrap().len(), 2);
    assert!(
        client
            .call_tool(CallToolRequestParams::new("ping"))
            .await
            .is_ok()
    );
}
