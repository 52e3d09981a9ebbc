//! How gated tools appear in a listing once their gate is known.

use std::sync::Arc;

use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::model::Tool;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::gate::Gate;
use crate::identity::ARGUMENT_AGENT_ID;
use crate::route::{META_POLICY, pack_of};

impl Gate {
    /// Completes the listing of a router's gated tools: digest and required
    /// context of each pack, and `agent_id` as optional argument where this
    /// gate binds the agent. [`Server`](crate::Server) calls it by itself; a
    /// server of your own calls it once on its router.
    ///
    /// # Errors
    /// [`Error::UnknownPack`] when a tool's pack is not one that this gate has.
    pub fn describe<S: Send + Sync + 'static>(
        &self,
        mut router: ToolRouter<S>,
    ) -> Result<ToolRouter<S>> {
        for route in router.map.values_mut() {
            self.describe_tool(&mut route.attr)?;
        }
        Ok(router)
    }

    fn describe_tool(&self, tool: &mut Tool) -> Result<()> {
        let Some(id) = pack_of(tool) else {
            return Ok(());
        };
        let Some(pack) = self.inner.verifier.pack(&id) else {
            return Err(Error::UnknownPack {
                tool: tool.name.to_string(),
                pack: id.to_string(),
            });
        };
        if let Some(meta) = &mut tool.meta {
            meta.0.insert(
                META_POLICY.to_owned(),
                json!({
                    "pack": id,
                    "digest": pack.digest(),
                    "context": pack.required_fields(),
                }),
            );
        }
        if self.inner.agent.is_some()
            && let Some(Value::Array(required)) =
                Arc::make_mut(&mut tool.input_schema).get_mut("required")
        {
            required.retain(|name| name != ARGUMENT_AGENT_ID);
        }
        Ok(())
    }
}
