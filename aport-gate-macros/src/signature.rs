//! What the function itself must be: async, free, safe, concrete.

use quote::ToTokens as _;
use syn::{ReturnType, Safety, Type};

use crate::errors::Errors;
use crate::function::Function;
use crate::types;

/// Records the mistakes of the signature. False where its parameters are not worth reading.
pub(crate) fn check(function: &Function, errors: &mut Errors) -> bool {
    let signature = &function.signature;
    let ident = &signature.ident;
    if is_below_tool(function) {
        errors.at(
            ident,
            format!(
                "`#[policy_gated]` is below `#[tool]`, which has already made this function no longer \
                 async: write them in this order\n{}",
                order(ident)
            ),
        );
        return false;
    }
    if signature.receiver().is_some() {
        errors.at(
            ident,
            format!(
                "a method is gated where it is a tool of a `#[tool_router]`: write\n{}\nor make it a \
                 free function that takes the server's state as `#[service] desk: &RefundDesk`",
                order(ident)
            ),
        );
        return false;
    }
    if let Some(tool) = function.attributes.iter().find(|attribute| {
        attribute
            .path()
            .segments
            .last()
            .is_some_and(|last| last.ident == "tool")
    }) {
        errors.at(
            tool,
            "`#[tool]` is for methods: `#[policy_gated]` alone makes this function a tool, remove `#[tool]`",
        );
    }
    if let Some(constness) = &signature.constness {
        errors.at(
            constness,
            format!("a gated tool is async, not `const`: write `async fn {ident}`"),
        );
    } else if signature.asyncness.is_none() {
        errors.at(
            signature.fn_token,
            format!("a gated tool is async: write `async fn {ident}`"),
        );
    }
    if let Safety::Unsafe(unsafety) = &signature.safety {
        errors.at(
            unsafety,
            "a gated tool is called by the gate, which cannot promise anything for `unsafe`: remove `unsafe`",
        );
    }
    if let Some(abi) = &signature.abi {
        errors.at(abi, "a gated tool has Rust's own ABI: remove `extern`");
    }
    if let Some(variadic) = &signature.variadic {
        errors.at(variadic, "a gated tool names every argument: remove `...`");
    }
    generics(function, errors);
    true
}

/// The attributes of a method, in the order in which they work.
fn order(ident: &syn::Ident) -> String {
    format!("  #[policy_gated(pack = \"…\")]\n  #[tool]\n  async fn {ident}(&self, …)")
}

/// Whether `#[tool]` came first and left no `async fn`.
pub(crate) fn is_below_tool(function: &Function) -> bool {
    let signature = &function.signature;
    signature.asyncness.is_none() && boxes_a_future(&signature.output)
}

fn generics(function: &Function, errors: &mut Errors) {
    let generics = &function.signature.generics;
    let message = "a tool has one published schema, so its function is not generic: name the types";
    if generics.params.is_empty() {
        if let Some(clause) = &generics.where_clause {
            errors.at(clause, message);
        }
        return;
    }
    let only_lifetimes =
        generics.type_params().next().is_none() && generics.const_params().next().is_none();
    let mut parameters = generics.clone();
    parameters.where_clause = None;
    errors.at(
        parameters.to_token_stream(),
        if only_lifetimes {
            "the arguments of a tool are owned, so its function takes no lifetimes: remove them"
        } else {
            message
        },
    );
}

/// Whether the result is `Pin<Box<dyn Future<…>>>`: what rmcp's `#[tool]` turns an `async fn` into.
fn boxes_a_future(output: &ReturnType) -> bool {
    let ReturnType::Type(_, ty) = output else {
        return false;
    };
    let Some(Type::TraitObject(object)) = types::generic(ty, "Pin")
        .and_then(|boxed| types::generic(boxed, "Box"))
        .map(types::bare)
    else {
        return false;
    };
    object
        .bounds
        .to_token_stream()
        .into_iter()
        .any(|token| token.to_string() == "Future")
}
