//! From what the user wrote to a [`Tool`], or to every mistake in it.

use std::collections::HashMap;

use syn::ext::IdentExt as _;
use syn::{Attribute, FnArg, Ident, LitStr, Path, ReturnType};

use crate::attribute::{ContextField, Keys};
use crate::contract;
use crate::docs;
use crate::errors::Errors;
use crate::function::Function;
use crate::model::{Parameter, Role, Tool};
use crate::parameter::OF_THE_GATE;
use crate::policy::{self, Policy};
use crate::redacted;
use crate::runtime_crate;
use crate::signature;

/// Checks the function against its keys.
pub(crate) fn tool(keys: Keys, function: Function, mut errors: Errors) -> syn::Result<Tool> {
    let errors_of = &mut errors;
    runtime_crate::check(keys.krate.as_ref(), errors_of);
    let policy = policy::policy(&keys, errors_of);
    let name = tool_name(keys.name.as_ref(), &function.signature.ident, errors_of);
    let free = signature::check(&function, errors_of);
    let parameters: Vec<Parameter> = if free {
        let inputs = function.signature.inputs.iter();
        inputs
            .filter_map(|input| match input {
                FnArg::Typed(typed) => Parameter::parse(typed, errors_of),
                FnArg::Receiver(_) => None,
            })
            .collect()
    } else {
        Vec::new()
    };
    roles(&parameters, errors_of);
    of_result(&function.signature.output, errors_of);
    let (outer_attributes, body_attributes): (Vec<_>, Vec<_>) =
        function.attributes.into_iter().partition(stays_outside);
    let mut tool = Tool {
        krate: keys.krate.unwrap_or_else(runtime_crate::path),
        description: match keys.description {
            Some(text) => Some(quote::quote!(#text)),
            None => docs::description(&outer_attributes),
        },
        outer_attributes,
        body_attributes,
        visibility: function.visibility,
        asyncness: function.signature.asyncness,
        fn_token: function.signature.fn_token,
        ident: function.signature.ident,
        parameters,
        output: function.signature.output,
        body: function.body,
        // Without one there is a mistake already, and the tool is never expanded.
        policy: policy.unwrap_or_else(Policy::unknown),
        name,
        title: keys.title.as_ref().map(LitStr::value),
        annotations: keys.annotations,
        context: keys.context,
        is_method: false,
        takes_parameters: false,
        facts: keys.facts,
        redact: keys.redact,
        redacted: Vec::new(),
        on_error: keys.on_error,
    };
    tool.redacted = redacted::fields(&tool, None);
    names(&tool, errors_of);
    // With another mistake open, what is missing may only be misspelt.
    if errors_of.is_empty() {
        redacted::check(&tool, errors_of);
        contract::supplied(&tool, errors_of);
    }
    errors.finish(tool)
}

/// What a tool can return has a name.
pub(crate) fn of_result(output: &ReturnType, errors: &mut Errors) {
    if let ReturnType::Type(_, ty) = output
        && let Some(found) = crate::types::impl_trait(ty)
    {
        errors.at(
            found,
            "`impl Trait` cannot be a tool's result: name the type, such as `String` or `Json<Receipt>`",
        );
    }
}

/// The tool's name on the wire, checked against MCP's rule for tool names.
pub(crate) fn tool_name(own: Option<&LitStr>, ident: &Ident, errors: &mut Errors) -> String {
    let (name, span, fix) = match own {
        Some(name) => (name.value(), name.span(), ""),
        None => (
            ident.unraw().to_string(),
            ident.span(),
            ": give another with `name = \"…\"`",
        ),
    };
    let fits = |character: char| character.is_ascii_alphanumeric() || "_.-".contains(character);
    if name.is_empty() || name.len() > 128 || !name.chars().all(fits) {
        let what = match name.as_str() {
            "" => "the empty text".to_owned(),
            name => format!("`{name}`"),
        };
        errors.at_span(
            span,
            format!(
                "{what} is not a tool name: MCP takes 1 to 128 letters, digits, `_`, `-` and `.`{fix}"
            ),
        );
    }
    name
}

fn roles(parameters: &[Parameter], errors: &mut Errors) {
    let of_role = |role: fn(&Role) -> bool| {
        parameters
            .iter()
            .filter(move |parameter| role(&parameter.role))
            .skip(1)
    };
    for extra in of_role(|role| matches!(role, Role::Service(_))) {
        errors.at(
            &extra.ty,
            "`#[service]` is used twice: a tool has one service, hold both in one struct",
        );
    }
    for extra in of_role(|role| matches!(role, Role::Permit)) {
        errors.at(
            &extra.ty,
            "`#[permit]` is used twice: a call has one permit, remove this parameter",
        );
    }
}

/// No two sources may feed one field of the context: the rules would see only one of them.
pub(crate) fn names(tool: &Tool, errors: &mut Errors) {
    let mut arguments: HashMap<&str, String> = HashMap::new();
    for (_, argument) in tool.arguments() {
        let parameter = argument.ident.unraw().to_string();
        for name in &argument.json_names {
            if let Some(first) = arguments.insert(name, parameter.clone()) {
                errors.at(
                    &argument.ident,
                    format!("`{parameter}` and `{first}` are both `{name}` in JSON: rename one"),
                );
            }
        }
    }
    let mut fields = Vec::new();
    for ContextField { name, .. } in &tool.context {
        let field = name.unraw().to_string();
        if OF_THE_GATE.contains(&field.as_str()) {
            errors.at(
                name,
                format!("context field `{field}` is supplied by the gate: remove it"),
            );
        } else if arguments.contains_key(field.as_str()) {
            errors.at(
                name,
                format!(
                    "context field `{field}` would hide the argument `{field}` from the rules: \
                     choose another name, the argument is in the context already"
                ),
            );
        } else if fields.contains(&field) {
            errors.at(
                name,
                format!("context field `{field}` is given twice: remove one"),
            );
        } else {
            fields.push(field);
        }
    }
}

/// Docs, `cfg` and lint levels belong to the item that the user sees; lint levels reach the body
/// from there. A `cfg_attr` goes where the attribute that it guards goes.
pub(crate) fn stays_outside(attribute: &Attribute) -> bool {
    const OUTSIDE: &[&str] = &[
        "doc",
        "cfg",
        "deprecated",
        "allow",
        "expect",
        "warn",
        "deny",
        "forbid",
    ];
    if !attribute.path().is_ident("cfg_attr") {
        return OUTSIDE.iter().any(|name| attribute.path().is_ident(name));
    }
    let mut outside = true;
    let _ = attribute.parse_args_with(|input: syn::parse::ParseStream<'_>| {
        input.parse::<syn::Meta>()?;
        input.parse::<syn::Token![,]>()?;
        let guarded = input.call(Path::parse_mod_style)?;
        outside = OUTSIDE.iter().any(|name| guarded.is_ident(name));
        input.parse::<proc_macro2::TokenStream>()
    });
    outside
}
