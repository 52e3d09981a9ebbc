//! Gated methods: patterns, extractors, facts, attributes above and below.
#![deny(warnings)]

use aport_gate::rmcp::handler::server::wrapper::Parameters;
use aport_gate::rmcp::model::{Extensions, JsonObject};
use aport_gate::rmcp::service::RequestContext;
use aport_gate::rmcp::{self, ErrorData, RoleServer, tool, tool_router};
use aport_gate::schemars::{self, JsonSchema};
use aport_gate::serde::{self, Deserialize, Serialize};
use aport_gate::{Gate, HasGate, Json, Permit, PolicyFacts, policy_gated};

pub struct Shop {
    gate: Gate,
}

impl HasGate for Shop {
    fn gate(&self) -> &Gate {
        &self.gate
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(crate = "serde")]
#[schemars(crate = "schemars")]
pub struct Merge {
    repository: String,
    pr_number: u64,
    base: Option<String>,
}

#[derive(PolicyFacts)]
pub struct PullRequest {
    branch: String,
    size_kb: Option<u64>,
}

impl Shop {
    async fn pull_request(&self, merge: &Merge) -> Result<PullRequest, ErrorData> {
        Ok(PullRequest { branch: merge.repository.clone(), size_kb: None })
    }
}

#[tool_router(vis = "pub")]
impl Shop {
    /// Merge.
    #[allow(clippy::unused_self)]
    #[policy_gated(
        pack = "code.repository.merge.v1",
        context(action = "pr.merge", branch = base.as_deref().unwrap_or("main"))
    )]
    #[tool(name = "merge-one", annotations(idempotent_hint = true))]
    pub async fn merge(
        &self,
        Parameters(Merge { mut repository, pr_number, base }): Parameters<Merge>,
        #[permit] permit: &Permit,
        extensions: Extensions,
        mut context: RequestContext<RoleServer>,
    ) -> Result<Json<u64>, ErrorData> {
        context.extensions = extensions;
        repository.push_str(permit.decision_id());
        if repository.is_empty() {
            return Err(ErrorData::internal_error("empty", None));
        }
        let _: u64 = repository.parse().map_err(|_| ErrorData::internal_error("no number", None))?;
        drop(base);
        Ok(Json(pr_number))
    }

    #[policy_gated(pack = "code.repository.merge.v1", context(action = "pr.merge"), facts = Self::pull_request)]
    #[tool]
    async fn merge_by_facts(&self, merge: Parameters<Merge>) -> String {
        merge.0.repository
    }

    #[policy_gated(
        pack = "code.repository.merge.v1",
        context(action = "pr.merge"),
        facts = self.pull_request(&merge.0)
    )]
    #[tool]
    async fn merge_by_call(&self, merge: Parameters<Merge>) -> String {
        merge.0.repository
    }

    #[policy_gated(pack = "acme.list.v1", unchecked)]
    #[tool]
    fn list(&self, arguments: JsonObject) -> String {
        format!("{arguments:?}")
    }

    #[policy_gated(pack = "acme.list.v1", unchecked, on_error = "release")]
    #[tool]
    async fn nothing(&self) {}
}

fn main() {
    let _ = Shop::tool_router;
}
