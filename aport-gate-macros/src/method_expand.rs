//! From a checked [`Method`] to the method that rmcp calls.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Expr, ReturnType};

use crate::contract;
use crate::expand::{at, context_fields, crate_at, local, output_type};
use crate::facts;
use crate::facts_contract;
use crate::method::{Method, parameter};
use crate::redacted;
use crate::spec;

/// The whole expansion.
pub(crate) fn expand(method: &Method) -> TokenStream {
    let tool = &method.tool;
    let krate = &tool.krate;
    let ident = &tool.ident;
    let outer_attributes = &tool.outer_attributes;
    let visibility = &tool.visibility;
    let fn_token = &tool.fn_token;
    let receiver = &method.receiver;
    let attribute = attribute(method);
    let [call, schema] = ["call", "schema"].map(local);
    let extracted = method.others.iter().enumerate().map(|(index, input)| {
        let (name, ty, attributes) = (parameter(index), &input.ty, &input.attrs);
        quote_spanned!(Span::mixed_site()=> #(#attributes)* #name: #ty)
    });
    let arguments_type = arguments_type(method);
    let gated = spec::gated(tool);
    let input = input_schema(method);
    let context = context_closure(method);
    let facts = facts_closure(method);
    let body = body_closure(method);
    let receiver_name = self_of(method);
    let mut block = Group::new(
        Delimiter::Brace,
        quote_spanned! {Span::mixed_site()=>
            let #schema = #input;
            #krate::__private::gated_method::<Self, #arguments_type, _>(
                #receiver_name, #call, #gated, &#schema, #context, #facts, #body,
            )
        },
    );
    block.set_span(ident.span());
    quote_spanned! {Span::mixed_site()=>
        #(#outer_attributes)*
        #attribute
        #[allow(clippy::too_many_arguments, clippy::unused_async, clippy::needless_pass_by_value)]
        #visibility #fn_token #ident(
            #receiver,
            #call: #krate::__private::GatedCall,
            #(#extracted),*
        ) -> #krate::__private::MethodAnswer<'_>
        #block
    }
}

/// `self`, as the user's body knows it.
fn self_of(method: &Method) -> TokenStream {
    let tokens = method.receiver.to_token_stream().into_iter();
    let found = tokens
        .filter(|token| matches!(token, TokenTree::Ident(ident) if ident == "self"))
        .last();
    found.map_or_else(|| quote!(self), TokenStream::from)
}

/// `#[tool(…)]` with what the gate adds.
fn attribute(method: &Method) -> TokenStream {
    let tool = &method.tool;
    let krate = &tool.krate;
    let ident = &tool.ident;
    let attribute = &method.attribute;
    let path = &attribute.path;
    let rest = &attribute.rest;
    let input = input_schema(method);
    let output = attribute.output_schema.as_ref().map(|output| {
        if attribute.output_is_given {
            quote!(output_schema = #output,)
        } else {
            quote_spanned! {Span::mixed_site()=>
                output_schema = #krate::rmcp::handler::server::tool::schema_for_output::<#output>(),
            }
        }
    });
    let meta = match &attribute.meta {
        Some(meta) => quote_spanned!(Span::mixed_site()=> ::core::option::Option::Some(#meta)),
        None => quote_spanned!(Span::mixed_site()=> ::core::option::Option::None),
    };
    let gated = spec::gated(tool);
    // rmcp loses the docs where another attribute stands below them.
    let description = tool
        .description
        .as_ref()
        .filter(|_| !attribute.has_description);
    let description = description.map(|text| quote!(description = #text,));
    quote_spanned! {Span::mixed_site()=>
        #[#path(
            #rest
            #description
            input_schema = #krate::__private::method_input(#input),
            #output
            meta = #krate::__private::method_meta::<Self, _, _>(#meta, #gated, Self::#ident),
        )]
    }
}

/// The schema of the arguments as the tool itself takes them.
fn input_schema(method: &Method) -> TokenStream {
    let krate = &method.tool.krate;
    if let Some(given) = &method.attribute.input_schema {
        return given.clone();
    }
    match method
        .arguments
        .as_ref()
        .and_then(|arguments| arguments.inner.as_ref())
    {
        Some(ty) => {
            let krate = crate_at(krate, at(ty));
            quote_spanned!(at(ty)=> #krate::__private::schema_of_arguments::<#ty>())
        }
        None => quote_spanned! {Span::mixed_site()=>
            #krate::rmcp::handler::server::common::schema_for_empty_input()
        },
    }
}

fn arguments_type(method: &Method) -> TokenStream {
    let krate = &method.tool.krate;
    match &method.arguments {
        Some(arguments) => match &arguments.inner {
            Some(ty) => ty.to_token_stream(),
            None => arguments.whole.to_token_stream(),
        },
        None => quote_spanned!(Span::mixed_site()=> #krate::__private::NoArguments),
    }
}

/// The user's pattern over borrowed arguments, so that expressions can use its names.
fn lent(method: &Method, arguments: &Ident) -> Option<TokenStream> {
    let taken = method.arguments.as_ref()?;
    let krate = &method.tool.krate;
    let pattern = without_mut(taken.pattern.to_token_stream());
    let value = match &taken.inner {
        Some(_) => quote_spanned! {Span::mixed_site()=>
            #krate::rmcp::handler::server::wrapper::Parameters(#arguments)
        },
        None => quote!(#arguments),
    };
    Some(quote_spanned! {Span::mixed_site()=>
        #[allow(unused_variables)]
        let #pattern = #value;
    })
}

fn without_mut(tokens: TokenStream) -> TokenStream {
    let kept = tokens
        .into_iter()
        .filter(|token| !matches!(token, TokenTree::Ident(word) if word == "mut" || word == "ref"));
    kept.map(|token| match token {
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), without_mut(group.stream()));
            inner.set_span(group.span());
            TokenTree::Group(inner)
        }
        other => other,
    })
    .collect()
}

fn context_closure(method: &Method) -> TokenStream {
    let tool = &method.tool;
    let [arguments, context] = ["arguments", "context"].map(local);
    let lent = (!tool.context.is_empty()).then(|| lent(method, &arguments));
    let fields = context_fields(tool, &context);
    let inner = method
        .arguments
        .as_ref()
        .and_then(|taken| taken.inner.as_ref());
    let checks = match (&tool.facts, inner) {
        (None, Some(ty)) => {
            let checks = contract::arguments_checks(tool, &arguments, ty);
            let named = redacted::struct_checks(tool, &arguments);
            Some(quote!(#checks #named))
        }
        _ => None,
    };
    quote_spanned! {Span::mixed_site()=>
        |#arguments, #context| {
            let _ = (#arguments, &*#context);
            #checks
            #lent
            #fields
            ::core::result::Result::Ok(())
        }
    }
}

fn facts_closure(method: &Method) -> TokenStream {
    let tool = &method.tool;
    let Some(facts) = &tool.facts else {
        return quote_spanned!(Span::mixed_site()=> ::core::option::Option::None);
    };
    let krate = &tool.krate;
    let [arguments, found, over, fields] = ["arguments", "facts", "over", "fields"].map(local);
    let borrowed = Ident::new("__aport_borrowed", Span::mixed_site());
    let own = self_of(method);
    // Named before the arguments are in scope: one of them may have the function's name.
    let function = local("facts_function");
    let (function, call) = match facts {
        Expr::Path(path) => {
            let passed = method.arguments.is_some().then_some(&borrowed);
            (
                Some(quote_spanned!(at(path)=> let #function = #path;)),
                quote_spanned!(at(path)=> #function(#own, #passed)),
            )
        }
        call => (None, call.to_token_stream()),
    };
    let lent = lent(method, &borrowed);
    let awaited = facts::awaited(tool, facts, &call);
    let inner = method
        .arguments
        .as_ref()
        .and_then(|taken| taken.inner.as_ref());
    let checks_over = inner.and_then(|_| contract::over_checks(tool, &over, at(facts)));
    let typed = method.arguments.is_none() || inner.is_some();
    let named = typed
        .then(|| redacted::struct_checks(tool, &over))
        .flatten();
    let over_checks = (checks_over.is_some() || named.is_some()).then(|| {
        quote_spanned! {Span::mixed_site()=>
            let #over = &#krate::PolicyFacts::over(&#found, &#arguments);
            #checks_over
            #named
        }
    });
    let checks = facts_contract::checks(tool, &found, at(facts));
    let arguments_type = arguments_type(method);
    quote_spanned! {Span::mixed_site()=>
        ::core::option::Option::Some(::std::boxed::Box::new(move |#arguments: #arguments_type| {
            ::std::boxed::Box::pin(async move {
                let #found = {
                    #function
                    let #borrowed = &#arguments;
                    #lent
                    let _ = #borrowed;
                    #awaited
                };
                #checks
                #over_checks
                let #fields = #krate::__private::FactFields::of(&#found)?;
                ::core::result::Result::Ok((#arguments, #fields))
            })
        }))
    }
}

fn body_closure(method: &Method) -> TokenStream {
    let tool = &method.tool;
    let krate = &tool.krate;
    let [permit, arguments, execution] = ["permit", "arguments", "execution"].map(local);
    let taken = method.arguments.as_ref().map(|taken| {
        let (pattern, whole) = (&taken.pattern, &taken.whole);
        let value = match &taken.inner {
            Some(_) => quote_spanned! {Span::mixed_site()=>
                #krate::rmcp::handler::server::wrapper::Parameters(#arguments)
            },
            None => quote!(#arguments),
        };
        quote_spanned!(Span::mixed_site()=> let #pattern: #whole = #value;)
    });
    let others = method.others.iter().enumerate().map(|(index, input)| {
        let (name, pattern, ty) = (parameter(index), &input.pat, &input.ty);
        let cfg = crate::expand::cfg(&input.attrs);
        quote_spanned!(Span::mixed_site()=> #(#cfg)* let #pattern: #ty = #name;)
    });
    let lent = method.permit.as_ref().map(|input| {
        let (pattern, ty, attributes) = (&input.pat, &input.ty, &input.attrs);
        quote_spanned!(Span::mixed_site()=> #(#attributes)* let #pattern: #ty = &*#permit;)
    });
    let ty = output_type(tool);
    // Tells `return` and `?` what the block comes to.
    let typed = matches!(tool.output, ReturnType::Type(..)).then(|| {
        quote_spanned! {Span::mixed_site()=>
            #[allow(unreachable_code)]
            if let ::core::option::Option::Some(__returned) = ::core::option::Option::None::<#ty> {
                return __returned;
            }
        }
    });
    let body = &tool.body;
    let span = at(&ty);
    let krate_at_type = crate_at(krate, span);
    let output_at_type = Ident::new("__aport_output", ty.span());
    quote_spanned! {Span::mixed_site()=>
        move |#permit: ::std::sync::Arc<#krate::Permit>, #arguments| {
            let _ = (&#permit, &#arguments);
            ::std::boxed::Box::pin(async move {
                #[allow(unused_imports)]
                use #krate::__private::{ExecutionByDefault as _, ExecutionByReport as _};
                #[allow(unused_braces)]
                let #output_at_type: #ty = (async move {
                    #taken
                    #(#others)*
                    #lent
                    #typed
                    #body
                })
                .await;
                let #execution = (&#krate::__private::ExecutionOf(&#output_at_type)).execution();
                #krate_at_type::__private::Returned::of_method(#output_at_type, #execution)
            })
        }
    }
}
