//! The contract: everything that the pack requires is supplied, by something of the right type.
//!
//! That a field is there is seen here. What the types are only the compiler knows, so the checks of
//! types are generated: [`check`] makes one for a type or a value.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote_spanned};
use serde_json::Value;
use syn::ext::IdentExt as _;

use crate::errors::Errors;
use crate::expand::{at, crate_at};
use crate::model::Tool;
use crate::nearest::nearest;
use crate::policy::Policy;

/// Required fields that neither an argument nor `context(…)` supplies.
fn unsupplied(tool: &Tool) -> Vec<&str> {
    let mapped = tool
        .context
        .iter()
        .map(|field| field.name.unraw().to_string());
    let mut supplied: Vec<String> = mapped.collect();
    supplied.extend(
        tool.arguments()
            .filter_map(|(_, argument)| argument.json_names.first().cloned()),
    );
    let mut required = tool.policy.required();
    required.retain(|field| !supplied.iter().any(|name| name == field));
    required
}

/// Whether only the compiler knows if something supplies the field: facts, or `Parameters<T>`.
fn may_come_from_a_struct(tool: &Tool, field: &str) -> bool {
    (tool.facts.is_some() || tool.takes_parameters)
        && constant(tool.policy.declared(field)).is_none()
        && field_ident(field, Span::call_site()).is_some()
}

pub(crate) fn field_ident(field: &str, span: Span) -> Option<Ident> {
    let mut ident = syn::parse_str::<Ident>(field)
        .or_else(|_| syn::parse_str::<Ident>(&format!("r#{field}")))
        .ok()?;
    ident.set_span(span);
    Some(ident)
}

/// One error that lists everything missing, at the literal that names the pack.
pub(crate) fn supplied(tool: &Tool, errors: &mut Errors) {
    let mut missing = unsupplied(tool);
    missing.retain(|field| !may_come_from_a_struct(tool, field));
    if !missing.is_empty() {
        errors.at_span(tool.policy.place, message(tool, &missing));
    }
}

/// Checks of the fields that have to be in a struct, reported at `span`: a field that is not there is
/// named by the compiler.
pub(crate) fn struct_checks(tool: &Tool, fields: &Ident, span: Span) -> Option<TokenStream> {
    let krate = &tool.krate;
    let krate_here = crate_at(krate, span);
    let fields = Ident::new(&fields.to_string(), span);
    let mut checks = TokenStream::new();
    for name in unsupplied(tool) {
        let Some(field) = field_ident(name, span) else {
            continue;
        };
        let source = quote_spanned! {span=>
            #krate_here::__private::contract::Source::of_value(&#fields.#field)
        };
        checks.extend(check(&tool.policy, krate, name, &source, span));
    }
    let imports = imports(krate);
    (!checks.is_empty()).then(|| quote_spanned!(span=> let _ = || { #imports #checks };))
}

fn message(tool: &Tool, missing: &[&str]) -> String {
    let policy = &tool.policy;
    let mut text = format!(
        "`{}` does not supply {} that pack `{}` requires:",
        tool.name,
        match missing.len() {
            1 => "a field".to_owned(),
            number => format!("{number} fields"),
        },
        policy.id,
    );
    let (mut parameters, mut mapped) = (Vec::new(), Vec::new());
    for field in missing {
        let declared = policy.declared(field);
        let words = declared.and_then(|schema| schema.get("description")?.as_str());
        text.push_str(&format!("\n  `{field}`: {}", type_in_words(declared)));
        if let Some(words) = words {
            text.push_str(&format!(", {words}"));
        }
        match (constant(declared), similar(tool, field)) {
            (Some(value), _) => mapped.push(format!("{field} = {value}")),
            (None, Some(argument)) => mapped.push(format!("{field} = {argument}")),
            (None, None) => parameters.push(format!("{field}: {}", rust_type(declared))),
        }
    }
    if !parameters.is_empty() {
        text.push_str(&format!(
            "\nadd to the parameters: `{}`",
            parameters.join(", ")
        ));
    }
    if !mapped.is_empty() {
        let mapped = mapped.join(", ");
        text.push_str(&match tool.context.is_empty() {
            true => format!("\nadd to the attribute: `context({mapped})`"),
            false => format!("\nadd inside `context(…)`: `{mapped}`"),
        });
    }
    text
}

fn type_in_words(declared: Option<&Value>) -> &str {
    let named = declared.and_then(|schema| schema.get("type")?.as_str());
    named.unwrap_or("any type")
}

/// A field that can have one value only needs no parameter.
fn constant(declared: Option<&Value>) -> Option<&Value> {
    declared?
        .get("const")
        .filter(|value| !value.is_object() && !value.is_array())
}

fn rust_type(declared: Option<&Value>) -> &'static str {
    match type_in_words(declared) {
        "integer" => {
            let minimum = declared.and_then(|schema| schema.get("minimum")?.as_i64());
            if minimum.is_some_and(|minimum| minimum >= 0) {
                "u64"
            } else {
                "i64"
            }
        }
        "number" => "f64",
        "boolean" => "bool",
        "array" => "Vec<String>",
        _ => "String",
    }
}

/// An argument that is likely the field under another name: `base_branch` for `branch`.
fn similar(tool: &Tool, field: &str) -> Option<String> {
    let names = tool.arguments().filter_map(|(parameter, argument)| {
        let json_name = argument.json_names.first()?;
        let free =
            tool.policy.declared(json_name).is_none() && !crate::types::is_option(&parameter.ty);
        free.then(|| argument.ident.to_string())
    });
    let names: Vec<String> = names.collect();
    let borrowed: Vec<&str> = names.iter().map(String::as_str).collect();
    let has_word = |name: &&&str| {
        name.strip_suffix(field)
            .is_some_and(|rest| rest.ends_with('_'))
            || name
                .strip_prefix(field)
                .is_some_and(|rest| rest.starts_with('_'))
    };
    let found = borrowed.iter().find(has_word).copied();
    found
        .or_else(|| nearest(field, &borrowed))
        .map(str::to_owned)
}

/// Statements that check what supplies `field`; `source` is an expression of type `Source<…>`,
/// reported at `span`. Nothing, where the pack says nothing about the field.
pub(crate) fn check(
    policy: &Policy,
    krate: &syn::Path,
    field: &str,
    source: &TokenStream,
    span: Span,
) -> TokenStream {
    let krate = crate_at(krate, span);
    let required = policy
        .required()
        .contains(&field)
        .then(|| quote_spanned!(span=> #krate::__private::contract::required(#source.presence());));
    let kind = kind(policy.declared(field)).map(|kind| {
        let kind = Ident::new(kind, span);
        quote_spanned!(span=> #krate::__private::contract::#kind(#source.kind());)
    });
    quote_spanned!(span=> #required #kind)
}

/// The check of `aport_gate::contract` for a declared field.
fn kind(declared: Option<&Value>) -> Option<&'static str> {
    let declared = declared?;
    match declared.get("type") {
        Some(named) => match named.as_str()? {
            "string" => Some("text"),
            "integer" => Some("integer"),
            "number" => Some("number"),
            "boolean" => Some("boolean"),
            "array" => Some("array"),
            "object" => Some("object"),
            _ => None,
        },
        None => match declared.get("const")? {
            Value::String(_) => Some("text"),
            Value::Bool(_) => Some("boolean"),
            Value::Number(_) => Some("number"),
            _ => None,
        },
    }
}

/// A function that is never called: its body checks the types of the parameters.
pub(crate) fn parameter_checks(tool: &Tool) -> Option<TokenStream> {
    let krate = &tool.krate;
    let checks: Vec<TokenStream> = tool
        .arguments()
        .filter_map(|(parameter, argument)| {
            let ty = &parameter.ty;
            let span = at(ty);
            let krate_here = crate_at(krate, span);
            let source =
                quote_spanned!(span=> #krate_here::__private::contract::Source::<#ty>::of_type());
            let check = check(
                &tool.policy,
                krate,
                argument.json_names.first()?,
                &source,
                span,
            );
            let cfg = crate::expand::cfg(&argument.field_attributes);
            (!check.is_empty()).then(|| quote_spanned!(span=> #(#cfg)* { #check }))
        })
        .collect();
    if checks.is_empty() {
        return None;
    }
    let name = format_ident!("__contract", span = Span::mixed_site());
    let imports = imports(krate);
    Some(quote_spanned! {Span::mixed_site()=>
        #[allow(dead_code)]
        fn #name() {
            #imports
            #(#checks)*
        }
    })
}

/// What the method calls of [`check`] need in scope.
pub(crate) fn imports(krate: &syn::Path) -> TokenStream {
    quote_spanned! {Span::mixed_site()=>
        #[allow(unused_imports)]
        use #krate::__private::contract::{OtherKind as _, OtherPresence as _};
    }
}
