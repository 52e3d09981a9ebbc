//! The contract: everything that the pack requires is supplied, by something of the right type.
//!
//! That a field is there is seen here. What the types are only the compiler knows, so the checks of
//! types are generated: [`check`] makes one for a type or a value.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote_spanned};
use serde_json::Value;
use syn::Type;
use syn::ext::IdentExt as _;
use syn::parse::Parser as _;

use crate::advice::{self, Advice};
use crate::errors::Errors;
use crate::expand::{at, crate_at};
use crate::model::Tool;
use crate::policy::Policy;
use crate::types;

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

/// Missing fields that the macro itself can tell. A struct's fields only the compiler knows, and what a
/// struct calls a field that is no name in Rust only the server knows when it starts.
fn missing(tool: &Tool) -> Vec<&str> {
    let mut missing = unsupplied(tool);
    match (tool.facts.is_some(), tool.takes_parameters) {
        (true, _) => missing.clear(),
        (false, true) => missing.retain(|field| of_attribute(tool, field)),
        (false, false) => {}
    }
    missing
}

/// A constant, which belongs into `context(…)` and not among what a caller gives.
fn of_attribute(tool: &Tool, field: &str) -> bool {
    advice::constant(tool.policy.declared(field)).is_some()
        && Ident::parse_any.parse_str(field).is_ok()
}

/// The field as an identifier, raw where it is a word of Rust.
pub(crate) fn field_ident(field: &str, span: Span) -> Option<Ident> {
    let mut ident = syn::parse_str::<Ident>(field)
        .or_else(|_| syn::parse_str::<Ident>(&format!("r#{field}")))
        .ok()?;
    ident.set_span(span);
    Some(ident)
}

/// One error that lists everything missing, at the literal that names the pack.
pub(crate) fn supplied(tool: &Tool, errors: &mut Errors) {
    let missing = missing(tool);
    if !missing.is_empty() {
        let advice = Advice::new(tool, &missing);
        let message = format!(
            "`{}` does not supply {}:{}{}",
            tool.name,
            count(tool, &missing),
            advice.fields,
            advice.text(tool)
        );
        errors.at_span(tool.policy.place, message);
    }
}

/// "2 fields that pack `…` requires".
pub(crate) fn count(tool: &Tool, missing: &[&str]) -> String {
    let number = match missing.len() {
        1 => "a field".to_owned(),
        number => format!("{number} fields"),
    };
    format!("{number} that pack `{}` requires", tool.policy.id)
}

/// Required fields that a struct has to have, with their names in Rust.
fn of_struct(tool: &Tool, span: Span) -> Vec<(&str, Ident)> {
    let mut fields = unsupplied(tool);
    // A name that is none of Rust, or none of its style, the struct has by `#[serde(rename)]`.
    let own = |field: &str| !field.chars().any(char::is_uppercase);
    fields.retain(|field| !of_attribute(tool, field) && own(field));
    let named = fields.into_iter();
    named
        .filter_map(|name| Some((name, field_ident(name, span)?)))
        .collect()
}

/// Fields that only facts can supply, where a method's arguments could be the others.
pub(crate) fn of_facts(tool: &Tool) -> Vec<&str> {
    let mut fields = unsupplied(tool);
    fields.retain(|field| !tool.takes_parameters || of_attribute(tool, field));
    fields
}

/// Fields that are in a method's arguments or in its facts.
pub(crate) fn of_facts_or_arguments(tool: &Tool) -> Vec<&str> {
    let fields = of_struct(tool, Span::call_site()).into_iter();
    let fields = fields.map(|(name, _)| name);
    fields.filter(|_| tool.takes_parameters).collect()
}

/// Checks of a method's arguments: `let Merge { branch: __0, … } = arguments`, so that all that is not
/// there is one error, reported at the literal that names the pack.
pub(crate) fn arguments_checks(tool: &Tool, arguments: &Ident, ty: &Type) -> Option<TokenStream> {
    let krate_here = crate_at(&tool.krate, at(ty));
    let fields = of_struct(tool, tool.policy.place);
    // A wrapper has the fields of what is inside.
    let path = match types::bare(ty) {
        Type::Path(path) if !types::is_generic(path) => Some(path),
        _ => None,
    };
    let (mut pattern, mut checks) = (Vec::new(), TokenStream::new());
    let arguments = Ident::new(&arguments.to_string(), at(ty));
    for (index, (name, field)) in fields.iter().enumerate() {
        let value = Ident::new(&format!("__aport_field_{index}"), at(ty));
        let source = match path {
            Some(_) => {
                pattern.push(quote_spanned!(at(ty)=> #field: #value));
                quote_spanned!(at(ty)=> #krate_here::__private::contract::Source::of_value(#value))
            }
            None => {
                let mut field = field.clone();
                field.set_span(at(ty));
                quote_spanned!(at(ty)=> #krate_here::__private::contract::Source::of_value(&#arguments.#field))
            }
        };
        checks.extend(check(&tool.policy, &tool.krate, name, &source, at(ty)));
    }
    let taken_apart =
        path.map(|path| quote_spanned!(at(ty)=> let #path { #(#pattern,)* .. } = #arguments;));
    let imports = imports(&tool.krate);
    (!checks.is_empty())
        .then(|| quote_spanned!(at(ty)=> let _ = || { #imports #taken_apart #checks };))
}

/// Checks of the fields that are in a method's facts or in its arguments, reported at `span`: one that is
/// in neither is named by the compiler, each by itself, for no pattern looks through two structs.
pub(crate) fn over_checks(tool: &Tool, over: &Ident, span: Span) -> Option<TokenStream> {
    if !tool.takes_parameters {
        return None;
    }
    let krate = crate_at(&tool.krate, span);
    let over = Ident::new(&over.to_string(), span);
    let mut checks = TokenStream::new();
    for (name, field) in of_struct(tool, span) {
        let source = quote_spanned! {span=>
            #krate::__private::contract::Source::of_value(&#over.#field)
        };
        checks.extend(check(&tool.policy, &tool.krate, name, &source, span));
    }
    let imports = imports(&tool.krate);
    (!checks.is_empty()).then(|| quote_spanned!(span=> let _ = || { #imports #checks };))
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
pub(crate) fn kind(declared: Option<&Value>) -> Option<&'static str> {
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
