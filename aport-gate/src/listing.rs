//! How gated tools appear in a listing once their gate is known.

use std::collections::BTreeSet;
use std::sync::Arc;

use aport_gate_oap::{Pack, PackId};
use rmcp::handler::server::router::tool::{ToolRoute, ToolRouter};
use rmcp::model::{JsonObject, Tool};
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::gate::Gate;
use crate::gated_routes::{self, GatedTool};
use crate::http_caller::Transport;
use crate::identity::ARGUMENT_AGENT_ID;
use crate::route::META_POLICY;
use crate::supply;
use crate::tool_pack::PackMismatch;

impl Gate {
    /// Checks that every tool of a router is gated, and completes its listing: digest and required
    /// context of each pack, and `agent_id` as optional argument where this gate binds the agent.
    ///
    /// [`Server`](crate::Server) calls it by itself; a server of your own calls it on its finished
    /// router, since it sees no tool that is added later.
    ///
    /// ```
    /// # use aport_gate::{Gate, HasGate, policy_gated, rmcp};
    /// use rmcp::handler::server::router::tool::ToolRouter;
    ///
    /// struct Shop { gate: Gate }
    /// impl HasGate for Shop {
    ///     fn gate(&self) -> &Gate { &self.gate }
    /// }
    ///
    /// #[policy_gated(pack = "code.repository.merge.v1", context(action = "pr.merge"))]
    /// async fn merge(repository: String, branch: String, pr_number: u64) -> String {
    ///     format!("merged {repository}#{pr_number} into {branch}")
    /// }
    ///
    /// # async fn run(gate: Gate) -> aport_gate::Result<()> {
    /// let router = gate.describe(ToolRouter::<Shop>::new().with_route(merge))?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// - [`Error::UngatedTool`] when a tool's handler is not one that
    ///   [`policy_gated`](crate::policy_gated) made, whatever its `_meta` says.
    /// - [`Error::UnknownPack`] when a tool's pack is not one that this gate has.
    /// - [`Error::PackMismatch`] when the pack in force is another than the tool was checked against.
    /// - [`Error::Contract`] when the tool cannot supply what its pack declares.
    pub fn describe<S: Send + Sync + 'static>(
        &self,
        router: ToolRouter<S>,
    ) -> Result<ToolRouter<S>> {
        self.describe_with_public(router, [""; 0])
    }

    /// As [`describe`](Self::describe), for a router that also has tools which anybody may run:
    /// each of them named in `public`.
    ///
    /// # Errors
    /// As [`describe`](Self::describe), and [`Error::PublicTool`] when `public` names a tool that
    /// the router does not have, or one that is gated: a name left over would let a tool of that
    /// name in later on.
    pub fn describe_with_public<S, N>(
        &self,
        mut router: ToolRouter<S>,
        public: impl IntoIterator<Item = N>,
    ) -> Result<ToolRouter<S>>
    where
        S: Send + Sync + 'static,
        N: Into<String>,
    {
        let mut public: BTreeSet<String> = public.into_iter().map(Into::into).collect();
        // In order, so that the same router always gives the same error.
        let mut names: Vec<_> = router.map.keys().cloned().collect();
        names.sort();
        let mut tools = Vec::new();
        for name in names {
            let Some(route) = router.map.get_mut(&name) else {
                continue;
            };
            match (gated_by(route), public.remove(&*name)) {
                (Some(gated), false) => {
                    let pack = self.describe_tool(&mut route.attr, gated)?;
                    tools.extend(pack.map(|pack| (gated, pack)));
                }
                (None, true) if claims_policy(&route.attr) => {
                    return Err(public_tool(
                        &name,
                        "claims in its `_meta` to be gated by a pack",
                    ));
                }
                (None, true) => {}
                (Some(_), true) => return Err(public_tool(&name, "is gated")),
                (None, false) => {
                    return Err(Error::UngatedTool {
                        tool: name.to_string(),
                        claims: claims_policy(&route.attr),
                    });
                }
            }
        }
        if let Some((tool, problems)) = supply::disagreement(&tools) {
            return Err(Error::Contract {
                tool: tool.name.to_owned(),
                pack: tool.pack.id.to_owned(),
                problems,
            });
        }
        match public.first() {
            Some(name) => Err(public_tool(name, "is no tool of this server")),
            None => Ok(router),
        }
    }

    fn describe_tool(&self, tool: &mut Tool, gated: GatedTool) -> Result<Option<Arc<Pack>>> {
        let name = tool.name.to_string();
        let pack = match self.inner.verifier.packs().pack(&gated.pack) {
            Ok(found) => Some(found),
            // A registry decides by its own; what the tool was checked against is still told.
            Err(PackMismatch::Unknown(_) | PackMismatch::Differs { .. })
                if self.inner.verifier.is_remote() =>
            {
                None
            }
            Err(PackMismatch::Unknown(pack)) => {
                return Err(Error::UnknownPack { tool: name, pack });
            }
            Err(source) => return Err(Error::PackMismatch { tool: name, source }),
        };
        let problems = pack
            .as_ref()
            .map(|(pack, _)| supply::problems(tool, gated, pack));
        if let Some(problems) = problems.filter(|problems| !problems.is_empty()) {
            return Err(Error::Contract {
                tool: name,
                pack: gated.pack.id.to_owned(),
                problems: problems.join("; "),
            });
        }
        let mut policy = gated.policy();
        if let Some((pack, options)) = &pack {
            complete(&mut policy, pack, options.is_some());
            // Of a registry's decisions the gate itself allows one key once, in the field of this name.
            if self.inner.verifier.is_remote()
                && pack
                    .idempotency_field()
                    .is_some_and(|field| field != "idempotency_key")
            {
                policy.remove("idempotency");
            }
        }
        tool.meta
            .get_or_insert_default()
            .0
            .insert(META_POLICY.to_owned(), Value::Object(policy));
        if self.inner.agent.is_some() {
            need_no_agent_id(tool);
        }
        Ok(pack.map(|(pack, _)| pack))
    }

    /// Brings described tools up to the packs in force, and to what the request that asks proves about
    /// its agent. A tool whose pack is gone stays as it was: a call to it is refused and says so.
    pub(crate) fn refresh_listing(&self, tools: &mut [Tool], transport: &Transport) {
        if transport.binds_agent() {
            let gated = tools.iter_mut().filter(|tool| claims_policy(tool));
            gated.for_each(need_no_agent_id);
        }
        if self.inner.verifier.is_remote() {
            return;
        }
        let packs = self.packs();
        for tool in tools {
            let Some(listed) = tool
                .meta
                .as_mut()
                .and_then(|meta| meta.0.get_mut(META_POLICY))
            else {
                continue;
            };
            let id = listed.get("pack").and_then(Value::as_str);
            let id = id.and_then(|id| PackId::parse(id).ok());
            if let Some(loaded) = id.and_then(|id| packs.get(&id))
                && let Value::Object(listed) = listed
            {
                complete(listed, loaded.pack(), loaded.operator_options().is_some());
            }
        }
    }
}

/// A gated tool whose caller is known by stronger means: the argument may only repeat it.
fn need_no_agent_id(tool: &mut Tool) {
    if let Some(Value::Array(required)) = Arc::make_mut(&mut tool.input_schema).get_mut("required")
    {
        required.retain(|name| name != ARGUMENT_AGENT_ID);
    }
}

/// What a listing tells about the pack that guards a tool. `has_options`: the operator changed how it is read.
fn complete(policy: &mut JsonObject, pack: &Pack, has_options: bool) {
    policy.insert("digest".to_owned(), json!(pack.digest()));
    policy.insert("context".to_owned(), json!(pack.required_fields()));
    // A client may repeat a call whose answer it lost only where the key in it allows one call.
    match pack.idempotency_field() {
        Some(field) => policy.insert("idempotency".to_owned(), field.into()),
        None => policy.remove("idempotency"),
    };
    match has_options {
        true => policy.insert("options".to_owned(), true.into()),
        false => policy.remove("options"),
    };
}

/// What a route is gated by. A gated method gets the handler that is known to be gated.
fn gated_by<S: 'static>(route: &mut ToolRoute<S>) -> Option<GatedTool> {
    match gated_routes::find(route) {
        Some(gated) => Some(gated),
        None if claims_policy(&route.attr) => gated_routes::install(route),
        None => None,
    }
}

fn claims_policy(tool: &Tool) -> bool {
    let meta = tool.meta.as_ref();
    meta.is_some_and(|meta| meta.0.contains_key(META_POLICY))
}

fn public_tool(tool: &str, problem: &'static str) -> Error {
    Error::PublicTool {
        tool: tool.to_owned(),
        problem,
    }
}
