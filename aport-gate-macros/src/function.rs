//! The annotated item, with its body left as raw tokens: a half-typed body still expands, and an
//! editor keeps completing inside it.

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Signature, Visibility, token};

/// A function whose body was not looked into.
#[derive(Clone)]
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    /// Braces included.
    pub(crate) body: TokenStream,
}

impl Function {
    /// Reads the annotated item. Anything but a function with a body is a mistake.
    pub(crate) fn parse(item: TokenStream) -> syn::Result<Self> {
        parse_function.parse2(item)
    }
}

fn parse_function(input: ParseStream<'_>) -> syn::Result<Function> {
    let attributes = input.call(Attribute::parse_outer)?;
    let visibility = input.parse()?;
    if !starts_a_function(input) {
        let message = "`#[policy_gated]` goes on a free `async fn`, not on this item: move the \
             attribute to the function that is the tool";
        let error = input.error(message);
        input.parse::<TokenStream>()?;
        return Err(error);
    }
    let signature = Signature::parse(input)?;
    if !input.peek(token::Brace) {
        let error = syn::Error::new_spanned(
            &signature.ident,
            "`#[policy_gated]` gates a body: this function has none, add `{ … }`",
        );
        input.parse::<TokenStream>()?;
        return Err(error);
    }
    Ok(Function {
        attributes,
        visibility,
        signature,
        body: input.parse()?,
    })
}

/// Whether qualifiers (`async`, `unsafe`, `extern "C"`, …) and then `fn` come next.
fn starts_a_function(input: ParseStream<'_>) -> bool {
    let fork = input.fork();
    while let Ok(token) = fork.parse::<TokenTree>() {
        match token {
            TokenTree::Ident(word) if word == "fn" => return true,
            TokenTree::Ident(word)
                if ["const", "async", "unsafe", "safe", "extern", "default"]
                    .iter()
                    .any(|qualifier| word == qualifier) => {}
            TokenTree::Literal(_) => {}
            _ => return false,
        }
    }
    false
}
