//! What stands in for a tool with a mistake: same name, same use, no behaviour. The error is the
//! only message, not the first of a cascade from every place that names the tool.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, FnArg, Path, Signature};

use crate::function::Function;
use crate::runtime_crate;

/// The error and the stand-in.
pub(crate) fn expand(function: &Function, krate: Option<&Path>, error: &syn::Error) -> TokenStream {
    let error = error.to_compile_error();
    if function.signature.receiver().is_some() {
        return method(function, &error);
    }
    let cfg = function
        .attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"));
    let visibility = &function.visibility;
    let ident = &function.signature.ident;
    let default = runtime_crate::path();
    let original = original(function);
    if krate.is_none() && runtime_crate::is_unknown() {
        return quote! {
            #error

            #(#cfg)*
            #[allow(dead_code)]
            #visibility fn #ident() {
                #original
            }
        };
    }
    let krate = krate.unwrap_or(&default);
    quote! {
        #error

        #(#cfg)*
        #[allow(dead_code)]
        #visibility fn #ident<__Server>() -> #krate::__private::ToolRoute<__Server> {
            #original
            ::core::unreachable!()
        }
    }
}

/// What the user wrote, as the plain function that it is without us: what it imports is in use, and
/// an editor still sees inside. `...` is the one mistake that is none of ours alone.
fn original(function: &Function) -> Option<TokenStream> {
    if function.signature.variadic.is_some() {
        return None;
    }
    let attributes = function.attributes.iter().filter(|attribute| {
        let path = attribute.path();
        let tool = path
            .segments
            .last()
            .is_some_and(|last| last.ident == "tool");
        !tool && !path.is_ident("cfg") && !path.is_ident("doc")
    });
    let signature = without_roles(&function.signature);
    let body = &function.body;
    Some(quote! {
        #(#attributes)*
        #[allow(unused, clippy::all, clippy::pedantic)]
        #signature #body
    })
}

/// A method keeps what `#[tool_router]` has seen of it: its name, and parameters that rmcp knows.
fn method(function: &Function, error: &TokenStream) -> TokenStream {
    let attributes = &function.attributes;
    let visibility = &function.visibility;
    let name = format_ident!("__{}_error", function.signature.ident);
    let role = |attribute: &Attribute| {
        ["service", "permit", "arg", "redact"]
            .iter()
            .any(|role| attribute.path().is_ident(role))
    };
    let inputs = function.signature.inputs.iter();
    // Nor does rmcp know plain data as a parameter.
    let (kept, ours): (Vec<_>, Vec<_>) = inputs.cloned().partition(|input| {
        !matches!(input, FnArg::Typed(typed)
            if typed.attrs.iter().any(role) || crate::types::is_plain(&typed.ty))
    });
    let mut signature = without_roles(&function.signature);
    signature.inputs = kept.into_iter().collect();
    // A body that uses a parameter of ours would not compile without it.
    let body = match ours.as_slice() {
        [] => function.body.clone(),
        _ => quote!({ ::core::unreachable!() }),
    };
    quote! {
        #(#attributes)*
        #[allow(dead_code, unused_variables)]
        #visibility #signature #body

        // A macro call is no item of an `impl`, a constant is.
        #[allow(dead_code, non_upper_case_globals)]
        const #name: () = { #error };
    }
}

/// The signature without the attributes on its parameters, which nothing else understands.
fn without_roles(signature: &Signature) -> Signature {
    let foreign = |attribute: &Attribute| {
        ["cfg", "allow", "expect", "warn", "deny"]
            .iter()
            .any(|name| attribute.path().is_ident(name))
    };
    let mut signature = signature.clone();
    for input in &mut signature.inputs {
        if let FnArg::Typed(typed) = input {
            typed.attrs.retain(foreign);
        }
    }
    signature
}
