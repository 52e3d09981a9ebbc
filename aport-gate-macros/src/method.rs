//! A gated method of a `#[tool_router]`.
//!
//! ```text
//! #[policy_gated(pack = "…")]                        #[tool(input_schema = …, meta = …)]
//! #[tool]                                            fn refund(&self, call: GatedCall, …) -> … {
//! async fn refund(                         becomes       gated_method(self, call, …, |permit, arguments| {
//!     &self, Parameters(order): Parameters<Order>, …         async { …the body… } })
//! ) -> Result<Json<Receipt>, ErrorData> { … }        }
//! ```
//!
//! `#[tool_router]` has run by then and names the method as it stands; `#[tool]` runs next and finds a
//! method that takes what only rmcp can make. The body is a block inside: no path leads to it.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{Attribute, FnArg, Ident, Pat, PatType, ReturnType, Type};

use crate::advice;
use crate::attribute::Keys;
use crate::contract;
use crate::docs;
use crate::errors::Errors;
use crate::function::Function;
use crate::model::Tool;
use crate::policy::{self, Policy};
use crate::tool_attribute::ToolAttribute;
use crate::types;
use crate::validate::{names, of_result, stays_outside, tool_name};
use crate::{method_signature, redacted, runtime_crate};

/// A checked method.
pub(crate) struct Method {
    pub(crate) tool: Tool,
    pub(crate) attribute: ToolAttribute,
    pub(crate) receiver: FnArg,
    pub(crate) arguments: Option<Arguments>,
    pub(crate) others: Vec<PatType>,
    pub(crate) permit: Option<PatType>,
}

/// The parameter that takes the call's arguments.
pub(crate) struct Arguments {
    pub(crate) pattern: Pat,
    /// `Parameters<T>` or `JsonObject`, as written.
    pub(crate) whole: Type,
    /// `T`, or none for `JsonObject`.
    pub(crate) inner: Option<Type>,
}

/// Where the item is a method that carries `#[tool]`.
pub(crate) fn is_method(function: &Function) -> bool {
    function.signature.receiver().is_some() && function.attributes.iter().any(is_tool)
}

pub(crate) fn is_tool(attribute: &Attribute) -> bool {
    let last = attribute.path().segments.last();
    last.is_some_and(|last| last.ident == "tool")
}

/// Attributes that have to see the method as it was written: they go above ours and come back.
pub(crate) fn foreign_attributes(function: &Function) -> bool {
    let ours = |attribute: &Attribute| is_tool(attribute) || stays_outside(attribute);
    !function.attributes.iter().all(ours)
}

/// The item with every foreign attribute above ours, which then sees what they made of it.
pub(crate) fn reordered(
    function: &Function,
    keys: &TokenStream,
    krate: Option<&syn::Path>,
) -> TokenStream {
    let default = runtime_crate::path();
    let krate = krate.unwrap_or(&default);
    let (tool, others): (Vec<_>, Vec<_>) = function.attributes.iter().partition(|a| is_tool(a));
    let visibility = &function.visibility;
    let signature = &function.signature;
    let body = &function.body;
    quote::quote! {
        #(#others)*
        #[#krate::policy_gated(#keys)]
        #(#tool)*
        #visibility #signature #body
    }
}

/// Checks the method against its keys.
pub(crate) fn method(keys: Keys, function: Function, mut errors: Errors) -> syn::Result<Method> {
    let errors_of = &mut errors;
    runtime_crate::check(keys.krate.as_ref(), errors_of);
    let policy = policy::policy(&keys, errors_of);
    method_signature::check(&function, &keys, errors_of);
    let (tool_attributes, outer_attributes): (Vec<_>, Vec<_>) =
        function.attributes.into_iter().partition(is_tool);
    let mut attribute = ToolAttribute::read(tool_attributes, errors_of);
    let name = tool_name(
        attribute.name.as_ref(),
        &function.signature.ident,
        errors_of,
    );
    of_result(&function.signature.output, errors_of);
    attribute.output_schema = attribute
        .output_schema
        .or_else(|| structured(&function.signature.output));
    let mut inputs = function.signature.inputs.into_iter();
    let receiver = inputs.next();
    let (mut arguments, mut permit, mut others) = (None, None, Vec::new());
    for input in inputs {
        let FnArg::Typed(mut input) = input else {
            continue;
        };
        if method_signature::take_permit(&mut input, errors_of) {
            permit = Some(input);
        } else if let Some(inner) = arguments_type(&input.ty) {
            arguments = Some(Arguments {
                pattern: *input.pat,
                whole: *input.ty,
                inner,
            });
        } else {
            others.push(input);
        }
    }
    let mut tool = Tool {
        krate: keys.krate.unwrap_or_else(runtime_crate::path),
        description: docs::description(&outer_attributes),
        outer_attributes,
        body_attributes: Vec::new(),
        visibility: function.visibility,
        asyncness: function.signature.asyncness,
        fn_token: function.signature.fn_token,
        ident: function.signature.ident,
        parameters: Vec::new(),
        output: function.signature.output,
        body: function.body,
        policy: policy.unwrap_or_else(Policy::unknown),
        name,
        title: None,
        annotations: keys.annotations,
        context: keys.context,
        is_method: true,
        takes_parameters: arguments.is_some(),
        facts: keys.facts,
        redact: keys.redact,
        redacted: Vec::new(),
        on_error: keys.on_error,
    };
    let pattern = arguments.as_ref().map(|arguments| &arguments.pattern);
    tool.redacted = redacted::fields(&tool, pattern);
    names(&tool, errors_of);
    let Some(receiver) = receiver else {
        return Err(syn::Error::new(tool.ident.span(), "a method takes `&self`"));
    };
    let method = Method {
        tool,
        attribute,
        receiver,
        arguments,
        others,
        permit,
    };
    if errors_of.is_empty() {
        redacted::check(&method.tool, errors_of);
        match advice::bare_arguments(&method) {
            Some((place, message)) => errors_of.at(place, message),
            None => contract::supplied(&method.tool, errors_of),
        }
    }
    errors.finish(method)
}

/// `Some(Some(T))` for `Parameters<T>`, `Some(None)` for `JsonObject`: rmcp goes by these names too.
fn arguments_type(ty: &Type) -> Option<Option<Type>> {
    let Type::Path(path) = types::bare(ty) else {
        return None;
    };
    match path.path.segments.last()?.ident.to_string().as_str() {
        "Parameters" => Some(Some(types::generic(ty, "Parameters")?.clone())),
        "JsonObject" => Some(None),
        _ => None,
    }
}

/// The schema that rmcp publishes for `Json<T>` and `Result<Json<T>, E>`.
fn structured(output: &ReturnType) -> Option<TokenStream> {
    let ReturnType::Type(_, ty) = output else {
        return None;
    };
    let inner = types::generic(ty, "Json")
        .or_else(|| types::generic(types::generic(ty, "Result")?, "Json"))?;
    Some(inner.to_token_stream())
}

/// A name that the generated method gives to one of its parameters.
pub(crate) fn parameter(index: usize) -> Ident {
    crate::expand::local(&format!("extracted_{index}"))
}
