//! Which routes are gated, kept by this crate itself.
//!
//! What a route says about itself, in its `_meta` for one, can be copied onto a route without a
//! gate. The handler cannot: it is one allocation, made in [`gated_route`](crate::route), and
//! clones of a route share it. So a route counts as gated when its handler is an allocation that
//! this crate made, and what it is gated by is what was written down then.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use rmcp::handler::server::router::tool::ToolRoute;
use rmcp::model::{JsonObject, Tool};

use crate::output::OnError;
use crate::route::META_POLICY;
use crate::tool_pack::ToolPack;

/// What was written down when a gated route was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatedTool {
    /// Tool name on the wire.
    pub name: &'static str,
    /// The pack that the handler asks about, whatever the listing says.
    pub pack: ToolPack,
    /// Context fields that the server adds to the arguments.
    pub mapped: &'static [&'static str],
    /// The server looks up facts, which may be any field.
    pub has_facts: bool,
    /// Context fields whose values are neither stored nor logged.
    pub redacted: &'static [&'static str],
    /// What an error means that does not report whether anything was executed.
    pub on_error: OnError,
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
        if self.has_facts {
            policy.insert("facts".to_owned(), true.into());
        }
        policy
    }
}

/// Writes a new gated route down.
pub(crate) fn enter<S: 'static>(route: &ToolRoute<S>, tool: GatedTool) {
    let handler = Arc::downgrade(&route.call);
    routes().enter(address(route), Box::new(handler), tool);
}

type Method = (TypeId, Box<dyn Any + Send>);

/// The methods of `#[tool_router]`s, by server and name of the method. `None` where two share both.
static METHODS: LazyLock<Mutex<Methods>> = LazyLock::new(Mutex::default);

type Methods = HashMap<(TypeId, String), Option<Method>>;

/// Member of the listing's policy that names the method, until a gate completes the listing.
const METHOD: &str = "method";

/// Writes down the route of a gated method `C`, and tells what its listing says about the policy. rmcp
/// makes a handler of its own for it, which nobody can tell from another; see [`install`].
pub(crate) fn enter_method<S: 'static, C: 'static>(
    route: ToolRoute<S>,
    tool: GatedTool,
) -> JsonObject {
    let mut methods = METHODS.lock().unwrap_or_else(PoisonError::into_inner);
    // Unique in a server, unlike the tool's name: two of its routers may each have a tool of one name.
    let path = type_name::<C>();
    let method = path.rsplit("::").next().unwrap_or(path);
    let key = (TypeId::of::<S>(), method.to_owned());
    match methods.get_mut(&key) {
        Some(Some((known, _))) if *known == TypeId::of::<C>() => {}
        Some(known) => *known = None,
        None => {
            enter(&route, tool);
            methods.insert(key, Some((TypeId::of::<C>(), Box::new(route))));
        }
    }
    let mut policy = tool.policy();
    policy.insert(METHOD.to_owned(), method.into());
    policy
}

/// Whether a listing that no gate has completed yet is that of a method.
pub(crate) fn is_method(tool: &Tool) -> bool {
    let policy = tool.meta.as_ref().and_then(|meta| meta.0.get(META_POLICY));
    policy.is_some_and(|policy| policy.get(METHOD).is_some())
}

/// Puts the gated handler of a method in the place of the one that rmcp made, and tells by what it
/// is gated. Whatever the route's own handler does, a gate stands in front of it afterwards.
pub(crate) fn install<S: 'static>(route: &mut ToolRoute<S>) -> Option<GatedTool> {
    let method = method_of(route)?;
    let gated = find(&method).filter(|gated| gated.name == route.attr.name)?;
    route.call = method.call;
    Some(gated)
}

/// The route that was written down for the method that a listing names.
fn method_of<S: 'static>(route: &ToolRoute<S>) -> Option<ToolRoute<S>> {
    let policy = route.attr.meta.as_ref()?.0.get(META_POLICY)?;
    let name = policy.get(METHOD)?.as_str()?.to_owned();
    let methods = METHODS.lock().unwrap_or_else(PoisonError::into_inner);
    let (_, method) = methods.get(&(TypeId::of::<S>(), name))?.as_ref()?;
    method.downcast_ref::<ToolRoute<S>>().cloned()
}

/// What a handler is gated by; `None` for a handler that this crate did not make.
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
        let tool = GatedTool {
            name: "a",
            pack,
            mapped: &[],
            has_facts: false,
            redacted: &[],
            on_error: OnError::Hold,
        };
        routes.enter(0, Box::new(Arc::downgrade(&living)), tool);
        for address in 1..10_000 {
            let session: Arc<dyn Fn() + Send + Sync> = Arc::new(|| ());
            routes.enter(address, Box::new(Arc::downgrade(&session)), tool);
        }
        assert!(routes.by_address.len() < 200, "{}", routes.by_address.len());
        assert!(routes.by_address.contains_key(&0));
    }
}
