//! What is redacted, and that nothing else stores or logs it.
//!
//! Beside the arguments that carry `#[redact]` and the names of `redact(…)`, every field of
//! `context(…)` whose expression mentions one: it may be the value in another form.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote_spanned};
use syn::Pat;
use syn::ext::IdentExt as _;

use crate::contract::field_ident;
use crate::errors::Errors;
use crate::expand::at;
use crate::logged;
use crate::mentions::Mentions;
use crate::model::Tool;
use crate::nearest::nearest;
use crate::policy::Policy;

/// Every context field that is redacted. `pattern` is what a method calls its arguments.
pub(crate) fn fields(tool: &Tool, pattern: Option<&Pat>) -> Vec<String> {
    let mut fields = Vec::new();
    for (_, argument) in tool.arguments() {
        if argument.redacted || tool.redact.contains(&argument.ident) {
            fields.extend(argument.json_names.iter().cloned());
        }
    }
    for name in tool.redact.iter().map(|name| name.unraw().to_string()) {
        let of_argument = tool
            .arguments()
            .any(|(_, argument)| argument.ident.unraw() == name);
        if !of_argument {
            fields.push(name);
        }
    }
    if fields.is_empty() {
        return fields;
    }
    let mentions = mentions(tool, pattern);
    for field in &tool.context {
        if mentions.in_tokens(field.value.to_token_stream()) {
            fields.push(field.name.unraw().to_string());
        }
    }
    let mut distinct = Vec::new();
    for field in fields {
        if !distinct.contains(&field) {
            distinct.push(field);
        }
    }
    distinct
}

/// How the user's code names what is redacted.
fn mentions(tool: &Tool, pattern: Option<&Pat>) -> Mentions {
    let redacted = tool.arguments().filter(|(_, argument)| argument.redacted);
    let redacted = redacted.map(|(_, argument)| argument.ident.unraw().to_string());
    let named = tool.redact.iter().map(|name| name.unraw().to_string());
    Mentions::new(redacted.chain(named).collect(), pattern)
}

/// Records where the value of a redacted argument would be kept or logged all the same.
pub(crate) fn check(tool: &Tool, errors: &mut Errors) {
    known_names(tool, errors);
    let summed = tool
        .redacted
        .iter()
        .find(|field| summed(&tool.policy, field));
    if let Some(field) = summed {
        let message = format!(
            "the ledger keeps the sum of `{field}`, which tells its values: do not redact it"
        );
        let argument = tool
            .arguments()
            .find(|(_, argument)| argument.json_names.contains(field));
        let mapped = tool
            .context
            .iter()
            .find(|mapped| mapped.name.unraw() == field.as_str());
        match (argument, mapped) {
            (Some((_, argument)), _) => errors.at(&argument.ident, message),
            (None, Some(mapped)) => errors.at(&mapped.value, message),
            (None, None) => errors.at(&tool.ident, message),
        }
    }
    for (_, argument) in tool.arguments() {
        if argument
            .json_names
            .iter()
            .any(|name| tool.redacted.contains(name))
        {
            logged::check_argument(tool, argument, errors);
        }
    }
}

/// A name that nothing has would redact nothing.
fn known_names(tool: &Tool, errors: &mut Errors) {
    if tool.facts.is_some() || tool.takes_parameters {
        // Only the compiler knows their fields; see `struct_checks`.
        return;
    }
    let arguments = tool.arguments().map(|(_, argument)| &argument.ident);
    let mapped = tool.context.iter().map(|field| &field.name);
    let known: Vec<String> = arguments
        .chain(mapped)
        .map(|name| name.unraw().to_string())
        .collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    for name in &tool.redact {
        let text = name.unraw().to_string();
        if known.contains(&text.as_str()) {
            continue;
        }
        let instead = match nearest(&text, &known) {
            Some(near) => format!(", did you mean `{near}`?"),
            None => ": name a parameter or a field of `context(…)`".to_owned(),
        };
        errors.at(name, format!("nothing is called `{text}` here{instead}"));
    }
}

/// A check that the names of `redact(…)` are fields of a struct, reported at each name.
pub(crate) fn struct_checks(tool: &Tool, fields: &Ident) -> Option<TokenStream> {
    let mut checks = TokenStream::new();
    for name in &tool.redact {
        let text = name.unraw().to_string();
        let known = tool
            .arguments()
            .any(|(_, argument)| argument.ident.unraw() == text)
            || tool.context.iter().any(|field| field.name.unraw() == text);
        // A name that is none of Rust's style a struct has by `#[serde(rename)]`: looked for at start.
        let renamed = tool.takes_parameters && text.chars().any(char::is_uppercase);
        let Some(field) = field_ident(&text, name.span()).filter(|_| !known && !renamed) else {
            continue;
        };
        let fields = Ident::new(&fields.to_string(), at(name));
        checks.extend(quote_spanned!(at(name)=> let _ = &#fields.#field;));
    }
    (!checks.is_empty()).then(|| quote_spanned!(Span::mixed_site()=> let _ = || { #checks };))
}

/// Whether the pack sums the field.
fn summed(policy: &Policy, field: &str) -> bool {
    let counters = policy.pack.as_ref().and_then(|pack| {
        let counters = pack.as_value().get("counters")?;
        counters.as_array()
    });
    let mut of = counters
        .into_iter()
        .flatten()
        .filter_map(|counter| counter.get("of")?.as_str());
    of.any(|of| of == field)
}
