//! The `#[policy_gated]` attribute.
//!
//! Use it through the crate `aport-gate`, which re-exports it beside what the generated code needs.
//!
//! The attribute is worked off in four steps, a file or two each: read the keys ([`attribute`]) and
//! the item ([`function`]), check both into a [`model`] ([`validate`], [`signature`], [`parameter`]),
//! [`expand`] that. After a mistake, [`fallback`] stands in.

mod arguments;
mod attribute;
mod docs;
mod errors;
mod expand;
mod fallback;
mod forwarded;
mod function;
mod model;
mod nearest;
mod parameter;
mod signature;
mod types;
mod validate;

#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::ToTokens as _;

/// Puts an authorization gate in front of a tool.
#[proc_macro_attribute]
pub fn policy_gated(
    attribute: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    gated(attribute.into(), item.into()).into()
}

fn gated(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = errors::Errors::default();
    let keys = attribute::Keys::parse(attribute, &mut errors);
    let function = match function::Function::parse(item.clone()) {
        Ok(function) => function,
        // Not a function: it stays as it is, so that the rest of the file still finds it.
        Err(error) => {
            let error = error.to_compile_error();
            return quote::quote!(#error #item);
        }
    };
    let krate = keys.krate.clone();
    match validate::tool(keys, function.clone(), errors) {
        Ok(tool) => expand::expand(&tool),
        Err(error) => fallback::expand(&function, krate.as_ref(), &error),
    }
}

/// A path without the spaces that tokens have between them.
fn path_text(path: &syn::Path) -> String {
    path.to_token_stream().to_string().replace(' ', "")
}
