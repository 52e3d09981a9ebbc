//! What stands behind a key of the attribute, each kind with a message that shows how to write it.

use proc_macro2::Span;
use syn::parse::ParseStream;
use syn::{Expr, Ident, Lit, LitBool, LitStr, Path, Token, parenthesized};

use crate::attribute::OnError;

/// The parentheses of a key that takes a list.
pub(crate) fn list<'a>(
    input: ParseStream<'a>,
    key: &Ident,
    example: &str,
) -> syn::Result<syn::parse::ParseBuffer<'a>> {
    if !input.peek(syn::token::Paren) {
        return Err(syn::Error::new(
            key.span(),
            format!("`{key}` takes a list: `{example}`"),
        ));
    }
    let content;
    parenthesized!(content in input);
    Ok(content)
}

/// The string of `key = "…"`.
pub(crate) fn string(input: ParseStream<'_>, key: &Ident, example: &str) -> syn::Result<LitStr> {
    let value = value(input).map_err(|span| {
        let message = format!("`{key}` takes a string literal: `{key} = \"{example}\"`");
        syn::Error::new(span.unwrap_or_else(|| key.span()), message)
    });
    match value? {
        Lit::Str(text) => Ok(text),
        other => Err(syn::Error::new(
            other.span(),
            format!("`{key}` takes a string literal: `{key} = \"{example}\"`"),
        )),
    }
}

/// The truth value of `key = true`.
pub(crate) fn boolean(input: ParseStream<'_>, key: &Ident) -> syn::Result<LitBool> {
    let message = format!("`{key}` takes `true` or `false`: `{key} = true`");
    match value(input) {
        Ok(Lit::Bool(value)) => Ok(value),
        Ok(other) => Err(syn::Error::new(other.span(), message)),
        Err(span) => Err(syn::Error::new(span.unwrap_or_else(|| key.span()), message)),
    }
}

/// A key without a value.
pub(crate) fn flag(input: ParseStream<'_>, key: &Ident) -> syn::Result<()> {
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(());
    }
    let message = format!("`{key}` takes no value: write `{key}` alone");
    Err(syn::Error::new(key.span(), message))
}

/// The function of `facts = path`, or the call of `facts = path(arguments)`.
pub(crate) fn facts(input: ParseStream<'_>, key: &Ident) -> syn::Result<Expr> {
    let message = "`facts` takes an async function: `facts = pull_request`, which gets the tool's parameters \
                   by reference, or `facts = pull_request(repository, *pr_number)`";
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(key.span(), message));
    }
    input.parse::<Token![=]>()?;
    let place = input.cursor().span();
    match input.parse() {
        Ok(call @ (Expr::Path(_) | Expr::Call(_) | Expr::MethodCall(_))) => Ok(call),
        Ok(other) => Err(syn::Error::new_spanned(other, message)),
        Err(_) => Err(syn::Error::new(place, message)),
    }
}

/// `"hold"` or `"release"`.
pub(crate) fn on_error(input: ParseStream<'_>, key: &Ident) -> syn::Result<OnError> {
    let text = string(input, key, "release")?;
    match text.value().as_str() {
        "hold" => Ok(OnError::Hold),
        "release" => Ok(OnError::Release),
        _ => Err(syn::Error::new(
            text.span(),
            "`on_error` is `\"hold\"` (an error keeps what the call took from a cap) or `\"release\"` (it \
             gives it back: only where an error means that nothing was executed)",
        )),
    }
}

/// The literal behind `=`, or the place where something else stands.
fn value(input: ParseStream<'_>) -> Result<Lit, Option<Span>> {
    if !input.peek(Token![=]) {
        return Err(None);
    }
    input.parse::<Token![=]>().map_err(|_| None)?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(None);
    }
    input
        .parse::<Lit>()
        .map_err(|_| Some(input.cursor().span()))
}

/// The path of `crate = path`. A relative one would name another thing in every module the attribute is used in.
pub(crate) fn crate_path(input: ParseStream<'_>) -> syn::Result<Path> {
    input.parse::<Token![=]>()?;
    let path = input.call(Path::parse_mod_style)?;
    let rooted = path.leading_colon.is_some()
        || path
            .segments
            .first()
            .is_some_and(|root| root.ident == "crate" || root.ident == "$crate");
    if rooted {
        return Ok(path);
    }
    let written = crate::path_text(&path);
    Err(syn::Error::new_spanned(
        path,
        format!(
            "`crate` takes a path from a root: write `crate = ::{written}` or `crate = crate::{written}`"
        ),
    ))
}
