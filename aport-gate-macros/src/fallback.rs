//! What stands in for a tool with a mistake: same name, same use, no behaviour. The error is the
//! only message, not the first of a cascade from every place that names the tool.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{FnArg, Path};

use crate::function::Function;
use crate::validate::default_crate;

/// The error and the stand-in.
pub(crate) fn expand(function: &Function, krate: Option<&Path>, error: &syn::Error) -> TokenStream {
    let error = error.to_compile_error();
    if matches!(function.signature.inputs.first(), Some(FnArg::Receiver(_))) {
        return method(function, &error);
    }
    let cfg = function
        .attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"));
    let visibility = &function.visibility;
    let ident = &function.signature.ident;
    let default = default_crate();
    let krate = krate.unwrap_or(&default);
    quote! {
        #error

        #(#cfg)*
        #[allow(dead_code)]
        #visibility fn #ident<__Server>() -> #krate::__private::ToolRoute<__Server> {
            ::core::unreachable!()
        }
    }
}

/// A method stays callable as it was, and so does what `#[tool_router]` generates around it.
fn method(function: &Function, error: &TokenStream) -> TokenStream {
    let mut signature = function.signature.clone();
    for input in &mut signature.inputs {
        if let FnArg::Typed(typed) = input {
            typed.attrs.clear();
        }
    }
    let attributes = &function.attributes;
    let visibility = &function.visibility;
    let body = &function.body;
    let ident = &function.signature.ident;
    let generated = quote::format_ident!("__{}_error", ident);
    quote! {
        #(#attributes)*
        #[allow(dead_code, unused_variables)]
        #visibility #signature #body

        // A macro call is no item of an `impl`, a constant is.
        #[allow(dead_code, non_upper_case_globals)]
        const #generated: () = { #error };
    }
}
