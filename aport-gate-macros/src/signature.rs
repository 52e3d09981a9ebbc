//! What the function itself must be: async, free, safe, concrete.

use quote::ToTokens as _;
use syn::{FnArg, GenericArgument, PathArguments, ReturnType, Safety, Type};

use crate::errors::Errors;
use crate::function::Function;
use crate::types;

/// Records the mistakes of the signature. False where its parameters are not worth reading.
pub(crate) fn check(function: &Function, errors: &mut Errors) -> bool {
    let signature = &function.signature;
    let ident = &signature.ident;
    if signature.asyncness.is_none() && boxes_a_future(&signature.output) {
        errors.at(
            ident,
            "`#[policy_gated]` is below `#[tool]`, which has already made this function no longer \
             async: put `#[policy_gated(…)]` first and `#[tool]` under it",
        );
        return false;
    }
    if let Some(FnArg::Receiver(receiver)) = signature.inputs.first() {
        errors.at(
            receiver,
            "gated methods are not supported yet: write a free `async fn` and take the server's \
             state as a parameter, `#[service] desk: &RefundDesk`",
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
    let Some(Type::TraitObject(object)) = inner(ty, "Pin")
        .and_then(|boxed| inner(boxed, "Box"))
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

/// `T` of `name<T>`.
fn inner<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = types::bare(ty) else {
        return None;
    };
    let last = path
        .path
        .segments
        .last()
        .filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }
}
