//! One decision without a tool and without MCP, to measure what a decision costs.

use aport_gate_oap::{AgentId, PackId, digest_json};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::gate::Gate;
use crate::ledger::{BodyOutcome, Settlement};
use crate::local::Query;
use crate::tool_pack::ToolPack;

/// Decides one call by a pack of the gate's, records it, and where it is allowed settles it as executed. True
/// when it was allowed.
///
/// It does what the gate does around a tool, and is for benchmarks: it runs nothing.
///
/// # Errors
/// A message, when there is no decision: the pack is unknown, the context has no canonical form, or the ledger
/// cannot be written.
pub async fn decide(
    gate: &Gate,
    pack: &'static str,
    agent: &AgentId,
    context: Map<String, Value>,
) -> Result<bool, String> {
    let context = Value::Object(context);
    let digest = digest_json(&context).map_err(|error| error.to_string())?;
    let Value::Object(context) = context else {
        return Err("the context is no object".to_owned());
    };
    let query = Query {
        facts: None,
        redacted: None,
        without_facts: false,
        tool: "benchmark",
        pack: PackId::parse(pack).map_err(|error| error.to_string())?,
        tool_pack: ToolPack {
            id: pack,
            digest: None,
            json: None,
        },
        agent: agent.clone(),
        context,
        digest,
    };
    let recorded = gate
        .inner
        .verify(query, Instant::now() + gate.inner.timeout)
        .await
        .map_err(|refusal| refusal.message().to_owned())?;
    let Some(mut reservation) = recorded.reservation else {
        return Ok(false);
    };
    reservation.start();
    reservation
        .settle(BodyOutcome::Ok, Settlement::Commit)
        .await
        .map_err(|error| error.to_string())?;
    Ok(recorded.decision.allow)
}
