//! The closure that looks up the facts of a call.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Expr, Pat};

use crate::arguments;
use crate::expand::{at, cfg, crate_at, local};
use crate::facts_contract;
use crate::model::{Role, Tool};
use crate::redacted;

/// `Some(|service, arguments| …)`, or `None`.
pub(crate) fn of_function(tool: &Tool) -> TokenStream {
    let Some(facts) = &tool.facts else {
        return quote_spanned!(Span::mixed_site()=> ::core::option::Option::None);
    };
    let krate = &tool.krate;
    let [service, arguments] = ["service", "arguments"].map(local);
    let struct_name = arguments::struct_name(tool);
    let fields = tool.arguments().map(|(_, argument)| {
        let cfg = cfg(&argument.field_attributes);
        let ident = &argument.ident;
        quote!(#(#cfg)* #ident)
    });
    let fields: Vec<TokenStream> = fields.collect();
    let mut passed = Vec::new();
    let mut lent = TokenStream::new();
    for parameter in &tool.parameters {
        let cfg = cfg(&parameter.attributes);
        match &parameter.role {
            Role::Permit => {}
            Role::Argument(argument) => {
                let ident = &argument.ident;
                passed.push(quote!(#(#cfg)* #ident));
            }
            Role::Service(ty) => {
                let krate = crate_at(krate, at(ty));
                let value = quote_spanned! {at(ty)=>
                    <__Server as #krate::HasService<#ty>>::service(#service)
                };
                // `_` has no name: the value is passed on, but an expression cannot ask for it.
                match syn::parse::Parser::parse2(Pat::parse_single, parameter.pattern.clone()) {
                    Ok(Pat::Ident(name)) => {
                        let name = &name.ident;
                        passed.push(quote!(#name));
                        lent.extend(quote_spanned! {Span::mixed_site()=>
                            let #name = #value;
                            let _ = #name;
                        });
                    }
                    _ => passed.push(value),
                }
            }
        }
    }
    // Named before the arguments are in scope: one of them may have the function's name.
    let function = local("facts_function");
    let (function, call) = match facts {
        Expr::Path(path) => (
            Some(quote_spanned!(at(path)=> let #function = #path;)),
            quote_spanned!(at(path)=> #function(#(#passed),*)),
        ),
        call => (None, quote!(#call)),
    };
    let asked = asked(tool, facts, &call);
    quote_spanned! {Span::mixed_site()=>
        ::core::option::Option::Some(|#service, #arguments| {
            ::std::boxed::Box::pin(async move {
                #function
                let #struct_name { #(#fields),* } = #arguments;
                let _ = (#service, #(#fields,)*);
                #lent
                #asked
            })
        })
    }
}

/// Awaits the facts, checks that they hold what the pack requires, and writes them down.
fn asked(tool: &Tool, facts: &Expr, call: &TokenStream) -> TokenStream {
    let found = awaited(tool, facts, call);
    let name = local("facts");
    let checks = facts_contract::checks(tool, &name, at(facts));
    let krate = &tool.krate;
    // Facts are redacted under the names that the pack knows them by, which is what they have here.
    let shown = local("shown");
    let named = redacted::struct_checks(tool, &shown);
    let named = named.map(|checks| {
        quote_spanned! {Span::mixed_site()=>
            let #shown = &#krate::PolicyFacts::over(&#name, &());
            #checks
        }
    });
    quote_spanned! {Span::mixed_site()=>
        let #name = #found;
        #checks
        #named
        #krate::__private::FactFields::of(&#name)
    }
}

/// The expression of the facts themselves, errors passed on.
pub(crate) fn awaited(tool: &Tool, facts: &Expr, call: &TokenStream) -> TokenStream {
    let span = at(facts);
    let krate = crate_at(&tool.krate, span);
    let returned = Ident::new("__aport_returned", facts.span());
    quote_spanned! {span=>
        {
            let #returned = (#call).await;
            #krate::__private::FactsResult::into_facts(#returned)?
        }
    }
}
