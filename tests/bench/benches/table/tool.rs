//! The gate around a tool against the same tool ungated, over an in-memory pipe and over stdio.

use super::harness::{Effort, batch, measure};
use super::place::{Place, Scene};
use aport_gate::rmcp::handler::server::router::tool::ToolRouter;
use aport_gate::{Json, Server, policy_gated};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolRequestParams, CallToolResult, MetaObject};
use rmcp::service::{RoleClient, RunningService};
use rmcp::transport::TokioChildProcess;
use rmcp::{ServiceExt as _, tool, tool_handler, tool_router};
use serde_json::json;
use tokio::runtime::Runtime;

pub type Client = RunningService<RoleClient, ()>;

/// Names the server that this program is to be, when it is started as a child.
const SERVE: &str = "APORT_BENCH_SERVE";
/// The registry that such a server asks.
const REGISTRY: &str = "APORT_BENCH_REGISTRY";

#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(crate = "aport_gate::schemars")]
struct Receipt {
    order_id: String,
    amount: u64,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[allow(dead_code, reason = "the arguments of the gated tool")]
struct Refund {
    order_id: String,
    customer_id: String,
    amount: u64,
    currency: String,
    region: String,
    reason_code: String,
    idempotency_key: String,
}

#[derive(Clone)]
struct Ungated {
    tool_router: ToolRouter<Self>,
}

#[tool_router]
impl Ungated {
    /// Refund an order.
    #[tool]
    async fn process_refund(&self, Parameters(refund): Parameters<Refund>) -> Json<Receipt> {
        Json(Receipt {
            order_id: refund.order_id,
            amount: refund.amount,
        })
    }
}

#[tool_handler(router = self.tool_router)]
impl rmcp::ServerHandler for Ungated {}

/// The ungated tool, with a decision in its answer as a gate puts it there: what the answer's size alone costs.
#[derive(Clone)]
struct Answering {
    tool_router: ToolRouter<Self>,
}

#[tool_router]
impl Answering {
    /// Refund an order.
    #[tool]
    async fn process_refund(&self, Parameters(refund): Parameters<Refund>) -> CallToolResult {
        let receipt = json!({"order_id": refund.order_id, "amount": refund.amount});
        let digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        let decision = json!({
            "decision_id": "7b6a3c52-41a4-4a0e-9a6b-0c1d2e3f4a5b", "policy_id": "finance.payment.refund.v1",
            "agent_id": "ap_bench_0", "passport_id": "ap_bench_0", "owner_id": "org_bench",
            "assurance_level": "L3", "allow": true, "outcome": "allow",
            "reasons": [{"code": "oap.allowed", "message": "allowed by `finance.payment.refund.v1`"}],
            "created_at": "2026-01-02T03:04:05.123456789Z", "issued_at": "2026-01-02T03:04:05.123456789Z",
            "expires_in": 60, "expires_at": "2026-01-02T03:05:05.123456789Z", "passport_digest": digest,
            "policy_hash": digest, "context_digest": digest, "tool": "process_refund"
        });
        let mut result = CallToolResult::structured(receipt);
        let meta = result.meta.get_or_insert_with(MetaObject::new);
        meta.0.insert("io.aport/decision".to_owned(), decision);
        result
    }
}

#[tool_handler(router = self.tool_router)]
impl rmcp::ServerHandler for Answering {}

/// Refund an order.
#[policy_gated(pack = "finance.payment.refund.v1")]
#[expect(clippy::too_many_arguments, reason = "what the pack asks for")]
async fn process_refund(
    order_id: String,
    customer_id: String,
    amount: u64,
    currency: String,
    region: String,
    reason_code: String,
    idempotency_key: String,
) -> Json<Receipt> {
    let _ = (customer_id, currency, region, reason_code, idempotency_key);
    Json(Receipt { order_id, amount })
}

pub fn run(effort: Effort) {
    let runtime = Runtime::new().expect("a runtime");
    let mut scenes = Vec::new();
    let mut rows = Vec::new();
    for pipe in ["in-memory pipe", "stdio"] {
        for what in ["ungated", "answering", "memory", "sqlite"] {
            let client = runtime.block_on(async {
                if pipe == "stdio" {
                    return child(what, None).await;
                }
                let (server, client) = tokio::io::duplex(1 << 16);
                match scene(what).await {
                    None if what == "answering" => {
                        tokio::spawn(async move {
                            let answering = Answering {
                                tool_router: Answering::tool_router(),
                            };
                            let running = answering.serve(server).await.expect("a server");
                            let _ = running.waiting().await;
                        });
                    }
                    None => {
                        tokio::spawn(async move {
                            let ungated = Ungated {
                                tool_router: Ungated::tool_router(),
                            };
                            let _ = ungated
                                .serve(server)
                                .await
                                .expect("a server")
                                .waiting()
                                .await;
                        });
                    }
                    Some(scene) => {
                        let gated = Server::new(scene.gate.clone(), ()).with_route(process_refund);
                        scenes.push(scene);
                        tokio::spawn(async move {
                            let _ = gated
                                .serve_transport(server)
                                .await
                                .expect("a server")
                                .waiting()
                                .await;
                        });
                    }
                }
                ().serve(client).await.expect("a client")
            });
            let (runtime, mut call) = (&runtime, 0_u64);
            let name = match what {
                "ungated" => format!("{pipe}, ungated"),
                "answering" => format!("{pipe}, ungated, with a decision in its answer"),
                ledger => format!("{pipe}, gated, ledger in {ledger}"),
            };
            rows.push(batch(name, move |times| {
                runtime.block_on(async {
                    for _ in 0..times {
                        call += 1;
                        refund(&client, call, what != "ungated").await;
                    }
                });
            }));
        }
    }
    let table = measure("A tool call", effort, rows);
    table.print("in-memory pipe, ungated");
    for (pipe, ledger) in [
        ("in-memory pipe", "memory"),
        ("in-memory pipe", "sqlite"),
        ("stdio", "memory"),
        ("stdio", "sqlite"),
    ] {
        let gated = table.median(&format!("{pipe}, gated, ledger in {ledger}"));
        let ungated = table.median(&format!("{pipe}, ungated"));
        let answering = table.median(&format!("{pipe}, ungated, with a decision in its answer"));
        if let (Some(gated), Some(ungated), Some(answering)) = (gated, ungated, answering) {
            println!(
                "\nGate over the {pipe}, ledger in {ledger}: {:.2} × the ungated call; {:.2} × the ungated call \
                 whose answer is as large.",
                gated / ungated,
                gated / answering
            );
        }
    }
}

/// One call of the tool, with a key of its own.
pub async fn refund(client: &Client, call: u64, gated: bool) {
    let arguments = json!({
        "order_id": "ORD-1001", "customer_id": "CUST-77", "amount": 1, "currency": "USD", "region": "US",
        "reason_code": "customer_request", "idempotency_key": format!("bench-{call:012}")
    });
    let arguments = arguments.as_object().cloned().expect("an object");
    let request = CallToolRequestParams::new("process_refund").with_arguments(arguments);
    let answer = client.call_tool(request).await.expect("an answer");
    assert_ne!(answer.is_error, Some(true), "{answer:?}");
    assert_eq!(
        answer.meta.is_some(),
        gated,
        "a gated call carries its decision"
    );
}

async fn scene(what: &str) -> Option<Scene> {
    match what {
        "ungated" | "answering" => None,
        "memory" => Some(Scene::new(Place::Memory, 1).await),
        "registry-memory" => Some(Scene::asking(&registry(), Place::Memory).await),
        "registry-sqlite" => Some(Scene::asking(&registry(), Place::Sqlite).await),
        _ => Some(Scene::new(Place::Sqlite, 1).await),
    }
}

fn registry() -> String {
    std::env::var(REGISTRY).expect("the URL of a registry")
}

/// A server of this kind over the standard streams of a process of its own.
pub async fn child(what: &str, registry: Option<&str>) -> Client {
    let program = std::env::current_exe().expect("this program");
    let mut command = tokio::process::Command::new(program);
    command.env(SERVE, what);
    command.envs(registry.map(|url| (REGISTRY, url)));
    let transport = TokioChildProcess::new(command).expect("a child");
    ().serve(transport).await.expect("a client")
}

/// Serves instead of measuring, when this program was started for that.
pub fn serve_if_asked() -> bool {
    let Ok(what) = std::env::var(SERVE) else {
        return false;
    };
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        match scene(&what).await {
            None if what == "answering" => {
                let answering = Answering {
                    tool_router: Answering::tool_router(),
                };
                let service = answering.serve(rmcp::transport::stdio()).await;
                let _ = service.expect("a server").waiting().await;
            }
            None => {
                let ungated = Ungated {
                    tool_router: Ungated::tool_router(),
                };
                let service = ungated
                    .serve(rmcp::transport::stdio())
                    .await
                    .expect("a server");
                let _ = service.waiting().await;
            }
            Some(scene) => {
                let server = Server::new(scene.gate.clone(), ()).with_route(process_refund);
                let _ = server.serve_stdio().await;
            }
        }
    });
    true
}
