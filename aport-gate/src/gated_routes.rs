//! Which routes are gated, kept by this crate itself.
//!
//! What a route says about itself, in its `_meta` for one, can be copied onto a route without a
//! gate. The handler cannot: it is one allocation, made in [`gated_route`](crate::route), and
//! clones of a route share it. So a route counts as gated when its handler is an allocation that
//! this crate made, and what it is gated by is what was written down then.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use rmcp::handler::server::router::tool::ToolRoute;
use rmcp::model::JsonObject;

use crate::tool_pack::ToolPack;

/// What was written down when a gated route was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GatedTool {
    /// The pack that the handler asks about, whatever the listing says.
    pub(crate) pack: ToolPack,
    /// Context fields that the server adds to the arguments.
    pub(crate) mapped: &'static [&'static str],
}

impl GatedTool {
    /// What the listing says about the policy until a gate completes it.
    pub(crate) fn policy(self) -> JsonObject {
        let mut policy = JsonObject::new();
        policy.insert("pack".to_owned(), self.pack.id.into());
        if let Some(digest) = self.pack.digest {
            policy.insert("digest".to_owned(), digest.into());
        }
        if !self.mapped.is_empty() {
            policy.insert("mapped".to_owned(), self.mapped.into());
        }
        policy
    }
}

/// Writes a new gated route down.
pub(crate) fn enter<S: 'static>(route: &ToolRoute<S>, tool: GatedTool) {
    let handler = Arc::downgrade(&route.call);
    routes().enter(address(route), Box::new(handler), tool);
}

/// What a route is gated by; `None` for a handler that this crate did not make.
pub(crate) fn find<S>(route: &ToolRoute<S>) -> Option<GatedTool> {
    // The caller holds the handler, so the entry at its address is its own.
    routes().by_address.get(&address(route)).map(|e| e.tool)
}

fn address<S>(route: &ToolRoute<S>) -> usize {
    Arc::as_ptr(&route.call).cast::<()>().addr()
}

#[derive(Default)]
struct Routes {
    by_address: HashMap<usize, Entry>,
    swept_at: usize,
}

struct Entry {
    // Keeps the address from being given to another handler.
    handler: Box<dyn Handler>,
    tool: GatedTool,
}

trait Handler: Send + Sync {
    fn is_gone(&self) -> bool;
}

impl<T: ?Sized + Send + Sync> Handler for Weak<T> {
    fn is_gone(&self) -> bool {
        self.strong_count() == 0
    }
}

impl Routes {
    fn enter(&mut self, address: usize, handler: Box<dyn Handler>, tool: GatedTool) {
        // A server over HTTP makes its routes anew for every session.
        if self.by_address.len() > 2 * self.swept_at + 64 {
            self.by_address.retain(|_, entry| !entry.handler.is_gone());
            self.swept_at = self.by_address.len();
        }
        self.by_address.insert(address, Entry { handler, tool });
    }
}

fn routes() -> MutexGuard<'static, Routes> {
    static ROUTES: LazyLock<Mutex<Routes>> = LazyLock::new(Mutex::default);
    ROUTES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_that_are_gone_are_forgotten_and_living_ones_are_not() {
        let mut routes = Routes::default();
        let living: Arc<dyn Fn() + Send + Sync> = Arc::new(|| ());
        let pack = ToolPack {
            id: "a.v1",
            digest: None,
            json: None,
        };
        let tool = GatedTool { pack, mapped: &[] };
        routes.enter(0, Box::new(Arc::downgrade(&living)), tool);
        for address in 1..10_000 {
            let session: Arc<dyn Fn() + Send + Sync> = Arc::new(|| ());
            routes.enter(address, Box::new(Arc::downgrade(&session)), tool);
        }
        assert!(routes.by_address.len() < 200, "{}", routes.by_address.len());
        assert!(routes.by_address.contains_key(&0));
    }
}
