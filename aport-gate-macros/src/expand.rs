//! From a checked tool to its route constructor.
//!
//! ```text
//! /// Refund an order.                          fn process_refund<S>() -> ToolRoute<S>
//! #[policy_gated(pack = "…")]                   where S: HasGate + HasService<Desk> + … {
//! async fn process_refund(                          struct __ProcessRefundArguments { … }
//!     #[service] desk: &Desk,          becomes
//!     order_id: String,                             gated_route(ToolSpec { … }, context, |…| {
//! ) -> String { … }                                     async fn process_refund(…) -> String { … } … })
//!                                               }
//! ```
//!
//! The body is an item of the last closure's block, so no path outside of it names it: neither other
//! code nor a default or an expression of `context(…)`, which run before the decision. Everything
//! generated has mixed-site hygiene: locals cannot be seen from the user's code nor capture it.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Attribute, Path, ReturnType};

use crate::model::{Parameter, Role, Tool};
use crate::{arguments, contract, facts, spec};

/// The whole expansion.
pub(crate) fn expand(tool: &Tool) -> TokenStream {
    let krate = &tool.krate;
    let ident = &tool.ident;
    let outer_attributes = &tool.outer_attributes;
    let visibility = &tool.visibility;
    let fn_token = &tool.fn_token;
    let arguments = arguments::expand(tool);
    let arguments_name = arguments::struct_name(tool);
    let spec = spec::expand(tool);
    let checks = contract::parameter_checks(tool);
    let context = context_closure(tool);
    let facts = facts::of_function(tool);
    let body = body_closure(tool);
    let service = tool.parameters.iter().find_map(|parameter| {
        let Role::Service(service) = &parameter.role else {
            return None;
        };
        let span = at(service);
        let krate = crate_at(krate, span);
        Some(quote_spanned!(span=> + #krate::HasService<#service>))
    });
    let mut block = Group::new(
        Delimiter::Brace,
        quote_spanned! {Span::mixed_site()=>
            #arguments

            #checks

            #krate::__private::gated_route::<__Server, #arguments_name>(#spec, #context, #facts, #body)
        },
    );
    // From `fn` to the last brace the constructor has spans of the user: the compiler takes it for
    // the user's own and warns about a tool that no server has.
    block.set_span(ident.span());
    quote_spanned! {Span::mixed_site()=>
        #(#outer_attributes)*
        #[must_use]
        #visibility #fn_token #ident<__Server>() -> #krate::__private::ToolRoute<__Server>
        where
            __Server: #krate::HasGate
                #service
                + ::core::marker::Send
                + ::core::marker::Sync
                + 'static,
        #block
    }
}

/// The user's function, tokens as they were.
fn body_function(tool: &Tool) -> TokenStream {
    let attributes = &tool.body_attributes;
    let ident = &tool.ident;
    let parameters = tool.parameters.iter().map(|parameter| {
        let Parameter {
            attributes,
            pattern,
            ty,
            ..
        } = parameter;
        quote!(#(#attributes)* #pattern: #ty)
    });
    let output = &tool.output;
    let body = &tool.body;
    let asyncness = &tool.asyncness;
    let fn_token = &tool.fn_token;
    // What a tool cannot be otherwise: async, its arguments owned and as many as the schema has.
    quote! {
        #(#attributes)*
        #[allow(
            clippy::fn_params_excessive_bools,
            clippy::needless_pass_by_value,
            clippy::too_many_arguments,
            clippy::trivially_copy_pass_by_ref,
            clippy::unused_async,
        )]
        #asyncness #fn_token #ident(#(#parameters),*) #output #body
    }
}

/// Fills the mapped fields; the arguments are in scope by reference, under the user's names.
fn context_closure(tool: &Tool) -> TokenStream {
    let arguments = local("arguments");
    let context = local("context");
    let struct_name = arguments::struct_name(tool);
    let bindings = (!tool.context.is_empty()).then(|| {
        let fields = tool.arguments().map(|(_, argument)| {
            let cfg = cfg(&argument.field_attributes);
            let ident = &argument.ident;
            (quote!(#(#cfg)* #ident), ident)
        });
        let (fields, _): (Vec<_>, Vec<_>) = fields.unzip();
        quote_spanned! {Span::mixed_site()=>
            let #struct_name { #(#fields),* } = #arguments;
            // An expression may use some and not others.
            let _ = (#(#fields,)*);
        }
    });
    let fields = context_fields(tool, &context);
    quote_spanned! {Span::mixed_site()=>
        |#arguments, #context| {
            #bindings
            let _ = (#arguments, &*#context);
            #fields
            ::core::result::Result::Ok(())
        }
    }
}

/// Statements that add the fields of `context(…)`.
pub(crate) fn context_fields(tool: &Tool, context: &Ident) -> TokenStream {
    let krate = &tool.krate;
    let fields = tool.context.iter().map(|field| {
        let name = syn::ext::IdentExt::unraw(&field.name).to_string();
        let value = &field.value;
        let span = at(value);
        let krate_here = crate_at(krate, span);
        let local = Ident::new("__aport_value", span);
        let source = quote_spanned! {span=>
            #krate_here::__private::contract::Source::of_value(#local)
        };
        let check = contract::check(&tool.policy, krate, &name, &source, span);
        // A closure that nobody calls is checked and costs nothing.
        let check = (!check.is_empty()).then(|| {
            let imports = contract::imports(krate);
            quote_spanned!(span=> let _ = || { #imports #check };)
        });
        quote_spanned! {span=>
            {
                let #local = &(#value);
                #check
                #krate_here::__private::ContextFields::field(#context, #name, #local)?;
            }
        }
    });
    quote!(#(#fields)*)
}

/// Runs the body with what the gate hands over.
fn body_closure(tool: &Tool) -> TokenStream {
    let krate = &tool.krate;
    let ident = &tool.ident;
    let function = body_function(tool);
    let struct_name = arguments::struct_name(tool);
    let [service, permit, arguments, execution] =
        ["service", "permit", "arguments", "execution"].map(local);
    // Exactly the span of the type: two complaints about one type at one place are shown once.
    let output = Ident::new("__aport_output", output_type(tool).span());
    // Fresh names: an argument may be called like the function itself.
    let fields = tool.arguments().enumerate().map(|(index, (_, argument))| {
        let cfg = cfg(&argument.field_attributes);
        let field = &argument.ident;
        let value = local(&format!("argument_{index}"));
        quote_spanned!(Span::mixed_site()=> #(#cfg)* #field: #value)
    });
    let mut index = 0;
    let mut values = Vec::new();
    for parameter in &tool.parameters {
        let cfg = cfg(&parameter.attributes);
        let span = at(&parameter.ty);
        values.push(match &parameter.role {
            Role::Service(ty) => {
                let krate = crate_at(krate, span);
                quote_spanned! {span=>
                    #(#cfg)* <__Server as #krate::HasService<#ty>>::service(#service)
                }
            }
            Role::Permit => {
                let permit = Ident::new(&permit.to_string(), span);
                quote_spanned!(span=> #(#cfg)* &*#permit)
            }
            Role::Argument(_) => {
                let value = local(&format!("argument_{index}"));
                index += 1;
                quote_spanned!(span=> #(#cfg)* #value)
            }
        });
    }
    // A result that is none is reported at the type, once.
    let span = at(&output_type(tool));
    let result_crate = crate_at(krate, span);
    let returned = quote_spanned! {span=>
        #result_crate::__private::Returned::new(#output, #execution)
    };
    let mut block = Group::new(
        Delimiter::Brace,
        quote_spanned! {Span::mixed_site()=>
            #[allow(unused_imports)]
            use #krate::__private::{ExecutionByDefault as _, ExecutionByReport as _};
            let #struct_name { #(#fields),* } = #arguments;
            let #output = #ident(#(#values),*).await;
            let #execution = (&#krate::__private::ExecutionOf(&#output)).execution();
            #returned
        },
    );
    // A body whose future is not `Send` is reported at the function's name.
    block.set_span(at(ident));
    let future = quote_spanned! {at(ident)=> ::std::boxed::Box::pin(async move #block) };
    quote_spanned! {Span::mixed_site()=>
        |#service, #permit, #arguments| {
            #function

            let _ = (#service, &#permit);
            #future
        }
    }
}

/// The declared result.
pub(crate) fn output_type(tool: &Tool) -> TokenStream {
    match &tool.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => ty.to_token_stream(),
    }
}

/// The path of the runtime crate, reported at `span`.
pub(crate) fn crate_at(krate: &Path, span: Span) -> TokenStream {
    krate
        .to_token_stream()
        .into_iter()
        .map(|mut token| {
            token.set_span(token.span().located_at(span));
            token
        })
        .collect()
}

pub(crate) fn cfg(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
}

/// A local of the generated code.
pub(crate) fn local(name: &str) -> Ident {
    format_ident!("__aport_{name}", span = Span::mixed_site())
}

/// Our hygiene, reported at the user's code.
pub(crate) fn at(tokens: &impl ToTokens) -> Span {
    Span::mixed_site().located_at(tokens.span())
}
