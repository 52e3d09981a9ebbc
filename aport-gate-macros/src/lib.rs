//! The `#[policy_gated]` attribute.
//!
//! Use it through the crate `aport-gate`, which re-exports it beside what the generated code needs.
//!
//! The attribute is worked off in four steps, a file or two each: read the keys (`attribute`) and
//! the item (`function`), check both into a `model` (`validate`, `signature`, `parameter`),
//! `expand` that. After a mistake, `fallback` stands in.

mod advice;
mod arguments;
mod attribute;
mod contract;
mod docs;
mod errors;
mod expand;
mod fact_name;
mod facts;
mod facts_contract;
mod fallback;
mod forwarded;
mod function;
mod logged;
mod mentions;
mod method;
mod method_expand;
mod method_signature;
mod model;
mod nearest;
mod parameter;
mod parameter_attributes;
mod policy;
mod policy_facts;
mod position;
mod redacted;
mod renamed;
mod runtime_crate;
mod signature;
mod spec;
mod tool_attribute;
mod types;
mod validate;
mod value;

#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::ToTokens as _;

/// Puts an authorization gate in front of a tool.
///
/// The attribute goes on a free `async fn`. The function's name then stands for a *route*, to be
/// given to a server with `.with_route(process_refund)`. The body moves inside the route, where no
/// other code can call it: it runs after an allow decision that is on record, or not at all.
///
/// ```ignore
/// use aport_gate::{Json, Permit, policy_gated};
///
/// /// Refund an order.
/// #[policy_gated(pack = "finance.payment.refund.v1")]
/// async fn process_refund(
///     #[service] desk: &RefundDesk,
///     #[permit] permit: &Permit,
///     /// Order to refund.
///     order_id: String,
///     /// Amount in minor units (cents).
///     #[schemars(range(min = 1))]
///     amount: u64,
///     #[arg(default = "customer_request")] reason_code: String,
///     note: Option<String>,
/// ) -> Result<Json<Receipt>, RefundError> {
///     desk.refund(permit.decision_id(), order_id, amount, reason_code, note).await
/// }
/// ```
///
/// # Keys
///
/// | key | meaning |
/// | --- | --- |
/// | `pack = "…"` | id of the policy pack that decides: one that comes with aport-gate, unless `unchecked` |
/// | `pack_file = "…"` | a pack of your own: its file, relative to the folder of Cargo.toml. It becomes part of the program and need not be installed |
/// | `unchecked` | the compiler does not check the tool against its pack, which only the gate knows |
/// | `name = "…"` | name of the tool on the wire; otherwise the function's name. 1 to 128 letters, digits, `_`, `-` and `.` |
/// | `title = "…"` | title for people |
/// | `description = "…"` | description for the model; otherwise the doc comment |
/// | `annotations(…)` | MCP's hints for clients: `title = "…"`, and `read_only_hint`, `destructive_hint`, `idempotent_hint`, `open_world_hint`, each `true` or `false`. What is left out is not published |
/// | `context(field = expr, …)` | fields that the rules see beside the arguments |
/// | `crate = ::path` | where the crate `aport-gate` is, if not at `::aport_gate`. The path starts with `::` or `crate` |
///
/// ## The contract
///
/// Every field that the pack requires has to come from an argument or from `context(…)`: what is
/// missing is one error at the pack's name, which lists the fields and the fix. Types are checked
/// too: what the pack declares an integer cannot come from a `String` or an `f64`, and what it
/// requires cannot come from an `Option`. The digest of the pack that was checked is part of the
/// tool: a gate that has another pack of this id refuses to serve it.
///
/// ## `context`
///
/// The rules see every argument under its JSON name. `context` adds fields under the names that the
/// pack knows them by. In an expression, arguments are in scope by reference:
///
/// ```ignore
/// #[policy_gated(
///     pack = "code.repository.merge.v1",
///     context(action = "pr.merge", branch = base_branch, large = *files > 100)
/// )]
/// async fn merge(repository: String, base_branch: String, files: u32) -> String {
///     format!("merged {files} files of {repository} into {base_branch}")
/// }
/// ```
///
/// A field cannot have the name of an argument: it would hide the argument from the rules. A value
/// that serialises to `null` counts as absent.
///
/// # Parameters
///
/// - **Without an attribute of ours**: an argument that the agent gives. The name is the JSON name
///   (`r#type` is `type`), the doc comment its description, the type's `JsonSchema` its schema.
///   Types are owned and implement `Deserialize`, `Serialize` and `JsonSchema`. An `Option` may be
///   left out. Arguments that the tool does not have are refused.
/// - **`#[arg(default)]`, `#[arg(default = expr)]`**: the argument may be left out, and has the
///   default of its type, or the expression, then. A string literal is converted with `Into`.
/// - **`#[service] desk: &T`**: the server's own state; the server implements `HasService<T>`.
/// - **`#[permit] permit: &Permit`**: the proof of the decision: its id, the agent, the pack.
/// - **`#[serde(…)]`, `#[schemars(…)]`** on an argument go to the generated struct. Refused is what
///   would let the rules see something other than what the body gets (`flatten`, `skip…`, `with`, …),
///   or publish a schema that the tool does not accept (`#[schemars(rename)]`).
/// - **`agent_id`** and **`policy_id`** come from the gate: ask the permit.
///
/// # Result
///
/// `String`, `Json<T>`, `CallToolResult`, `()`, or a `Result` of one of these with an error that
/// implements `Display`. `Json<T>` publishes the schema of `T` as the tool's output schema. An error
/// that implements `ExecutionReport` tells whether anything was executed before it.
///
/// # Attributes on the function
///
/// Doc comments, `#[cfg]`, `#[deprecated]` and lint levels stay on the route (lint levels reach the
/// body from there). Every other attribute, such as `#[instrument]`, goes to the body.
///
/// # Errors
///
/// Misuse is a compile error that shows the fix, at the place of the mistake.
#[proc_macro_attribute]
pub fn policy_gated(
    attribute: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    gated(attribute.into(), item.into()).into()
}

/// Makes a struct of a server's own findings the facts of a call: `facts = …` of [`macro@policy_gated`].
///
/// Each field is a field of the context, under its own name or the one that `#[serde(rename = "…")]` or
/// `#[serde(rename_all = "…")]` gives it. A field that the pack does not know is a compile error, unless
/// `#[policy_facts(record_only)]` says that it is for the audit record alone.
/// `#[policy_facts(crate = ::path)]` says where the crate `aport-gate` is, if not at `::aport_gate`.
#[proc_macro_derive(PolicyFacts, attributes(policy_facts, serde))]
pub fn policy_facts(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    policy_facts::derive(item.into())
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}

fn gated(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = errors::Errors::default();
    let keys = attribute::Keys::parse(attribute.clone(), &mut errors);
    let function = match function::Function::parse(item.clone()) {
        Ok(function) => function,
        // Not a function: it stays as it is, so that the rest of the file still finds it.
        Err(error) => {
            let error = error.to_compile_error();
            return quote::quote!(#error #item);
        }
    };
    let krate = keys.krate.clone();
    if method::is_method(&function) && !signature::is_below_tool(&function) {
        if method::foreign_attributes(&function) {
            // They run before ours, over the method as it was written.
            let mut logged = errors::Errors::default();
            logged::check_method(&keys, &function, &mut logged);
            if let Err(error) = logged.finish(()) {
                return fallback::expand(&function, krate.as_ref(), &error);
            }
            return method::reordered(&function, &attribute, krate.as_ref());
        }
        return match method::method(keys, function.clone(), errors) {
            Ok(method) => method_expand::expand(&method),
            Err(error) => fallback::expand(&function, krate.as_ref(), &error),
        };
    }
    match validate::tool(keys, function.clone(), errors) {
        Ok(tool) => expand::expand(&tool),
        Err(error) => fallback::expand(&function, krate.as_ref(), &error),
    }
}

/// A path without the spaces that tokens have between them.
fn path_text(path: &syn::Path) -> String {
    path.to_token_stream().to_string().replace(' ', "")
}
