//! The generated struct that the call's arguments are parsed into.
//!
//! ```text
//! #[derive(Deserialize, Serialize, JsonSchema)]
//! #[serde(crate = "…", deny_unknown_fields)]
//! struct __ProcessRefundArguments {
//!     /// Order to refund.
//!     order_id: String,
//!     #[serde(default = "__default_reason_code")]
//!     reason_code: String,
//! }
//! fn __default_reason_code() -> String { Into::into("customer_request") }
//! ```

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{Attribute, Expr, ExprLit, Lit, Type};

use crate::model::{Argument, DefaultValue, Parameter, Tool};
use crate::path_text;
use crate::types;

/// Name of the struct.
pub(crate) fn struct_name(tool: &Tool) -> Ident {
    let name = tool.ident.unraw().to_string();
    let camel = types::camel(&name);
    format_ident!("__{camel}Arguments", span = Span::mixed_site())
}

/// The struct and the functions that give its defaults.
pub(crate) fn expand(tool: &Tool) -> TokenStream {
    let krate = &tool.krate;
    let name = struct_name(tool);
    // The derives take a path as text, and no text can say `$crate`.
    let alias = krate
        .segments
        .first()
        .is_some_and(|root| root.ident == "$crate");
    let text = match alias {
        true => "__aport_gate_crate".to_owned(),
        false => path_text(krate),
    };
    let alias = alias.then(|| {
        quote_spanned! {Span::mixed_site()=>
            #[allow(unused_imports)]
            use #krate as __aport_gate_crate;
        }
    });
    let serde = format!("{text}::__private::serde");
    let schemars = format!("{text}::__private::schemars");
    let expecting = format!("the arguments of `{}`", tool.name);
    let fields = tool
        .arguments()
        .map(|(parameter, argument)| field(parameter, argument));
    let defaults = tool
        .arguments()
        .filter_map(|(parameter, argument)| default_function(&parameter.ty, argument));
    // Seen by the body too, where it would hide a `Some` of the user's: only where it is needed.
    let some = tool.arguments().any(|(_, argument)| {
        let written = |attribute: &Attribute| attribute.path().is_ident("serde");
        argument.default.is_some() || argument.field_attributes.iter().any(written)
    });
    let some = some.then(|| {
        quote_spanned! {Span::mixed_site()=>
            #[allow(unused_imports)]
            use ::core::option::Option::Some;
        }
    });
    quote_spanned! {Span::mixed_site()=>
        #alias

        // What schemars' derive expects from the prelude, which `#![no_implicit_prelude]` takes away.
        #[allow(unused_imports)]
        use ::core::convert::Into as _;
        #some

        #[::core::prelude::v1::derive(
            #krate::__private::serde::Deserialize,
            #krate::__private::serde::Serialize,
            #krate::__private::schemars::JsonSchema,
        )]
        #[serde(crate = #serde, deny_unknown_fields, expecting = #expecting)]
        #[schemars(crate = #schemars)]
        #[allow(non_snake_case, clippy::struct_excessive_bools)]
        struct #name {
            #(#fields,)*
        }

        #(#defaults)*
    }
}

fn field(parameter: &Parameter, argument: &Argument) -> TokenStream {
    let attributes = &argument.field_attributes;
    let ident = &argument.ident;
    let ty = &parameter.ty;
    let serde = if argument.default.is_some() {
        let path = default_name(argument).to_string();
        quote!(#[serde(default = #path)])
    } else {
        TokenStream::new()
    };
    quote!(#(#attributes)* #serde #ident: #ty)
}

fn default_name(argument: &Argument) -> Ident {
    format_ident!(
        "__default_{}",
        argument.ident.unraw(),
        span = Span::mixed_site()
    )
}

fn default_function(ty: &Type, argument: &Argument) -> Option<TokenStream> {
    let value = match argument.default.as_ref()? {
        DefaultValue::OfType => quote_spanned! {Span::mixed_site()=>
            ::core::default::Default::default()
        },
        DefaultValue::Expression(value) if is_text(value) => quote_spanned! {Span::mixed_site()=>
            ::core::convert::Into::into(#value)
        },
        DefaultValue::Expression(value) => quote!(#value),
    };
    let cfg = argument
        .field_attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"));
    let name = default_name(argument);
    Some(quote_spanned! {Span::mixed_site()=>
        #(#cfg)*
        fn #name() -> #ty {
            #value
        }
    })
}

fn is_text(value: &Expr) -> bool {
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(_), ..
        }) => true,
        Expr::Group(group) => is_text(&group.expr),
        _ => false,
    }
}
