//! `#[derive(PolicyFacts)]`.
//!
//! ```text
//! impl PolicyFacts for PullRequest {
//!     // Shows the facts' fields over those of the arguments, for the check of the contract.
//!     type Over<'a, T: 'a> = …;
//!     fn collect(&self, facts: &mut FactFields) -> … { facts.field("branch", &self.branch)?; … }
//! }
//! ```

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{Data, DeriveInput, Field, Fields, Path};

use crate::errors::Errors;
use crate::parameter::OF_THE_GATE;
use crate::validate::default_crate;
use crate::value::crate_path;

pub(crate) fn derive(input: TokenStream) -> syn::Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    let mut errors = Errors::default();
    let krate = krate(&input, &mut errors);
    let fields = fields(&input, &mut errors);
    if !input.generics.params.is_empty() {
        errors.at(
            &input.generics,
            "facts have one set of fields, so their struct is not generic: name the types",
        );
    }
    errors.finish(())?;
    Ok(expand(&input, &krate, &fields))
}

fn fields<'i>(input: &'i DeriveInput, errors: &mut Errors) -> Vec<&'i Field> {
    let Data::Struct(data) = &input.data else {
        errors.at(
            &input.ident,
            "facts are a struct with named fields, each one a field of the context",
        );
        return Vec::new();
    };
    let Fields::Named(fields) = &data.fields else {
        errors.at(
            &input.ident,
            "facts have names: give each field the name that the pack knows it by",
        );
        return Vec::new();
    };
    for field in &fields.named {
        let name = field.ident.as_ref().map(|ident| ident.unraw().to_string());
        if let Some(name) = name.filter(|name| OF_THE_GATE.contains(&name.as_str())) {
            errors.at(
                &field.ident,
                format!("`{name}` is supplied by the gate: remove this field"),
            );
        }
    }
    fields.named.iter().collect()
}

/// `#[policy_facts(crate = ::path)]`.
fn krate(input: &DeriveInput, errors: &mut Errors) -> Path {
    let mut krate = default_crate();
    for attribute in &input.attrs {
        if !attribute.path().is_ident("policy_facts") {
            continue;
        }
        let parsed = attribute.parse_args_with(|input: syn::parse::ParseStream<'_>| {
            input.parse::<syn::Token![crate]>().map_err(|error| {
                syn::Error::new(error.span(), "`#[policy_facts]` takes `crate = ::path`")
            })?;
            crate_path(input)
        });
        match parsed {
            Ok(path) => krate = path,
            Err(error) => errors.push(error),
        }
    }
    krate
}

fn expand(input: &DeriveInput, krate: &Path, fields: &[&Field]) -> TokenStream {
    let name = &input.ident;
    let over = format_ident!("__{}Over", name.unraw(), span = Span::mixed_site());
    let (mut shown, mut lent, mut collected) = (Vec::new(), Vec::new(), Vec::new());
    for field in fields {
        let (Some(ident), ty, visibility) = (&field.ident, &field.ty, &field.vis) else {
            continue;
        };
        let cfg: Vec<_> = crate::expand::cfg(&field.attrs).collect();
        let text = ident.unraw().to_string();
        shown.push(quote_spanned!(Span::mixed_site()=> #(#cfg)* #visibility #ident: &'__facts #ty));
        lent.push(quote_spanned!(Span::mixed_site()=> #(#cfg)* #ident: &self.#ident));
        collected.push(quote_spanned! {Span::mixed_site()=>
            #(#cfg)*
            #krate::__private::FactFields::field(__facts, #text, &self.#ident)?;
        });
    }
    quote_spanned! {Span::mixed_site()=>
        const _: () = {
            #[doc(hidden)]
            #[allow(dead_code, non_camel_case_types)]
            pub struct #over<'__facts, __Rest> {
                #(#shown,)*
                __rest: &'__facts __Rest,
            }

            #[automatically_derived]
            impl<__Rest> ::core::ops::Deref for #over<'_, __Rest> {
                type Target = __Rest;
                fn deref(&self) -> &__Rest {
                    self.__rest
                }
            }

            #[automatically_derived]
            impl #krate::PolicyFacts for #name {
                type Over<'__facts, __Rest: '__facts> = #over<'__facts, __Rest>;

                fn over<'__facts, __Rest>(
                    &'__facts self,
                    __rest: &'__facts __Rest,
                ) -> #over<'__facts, __Rest> {
                    #over { #(#lent,)* __rest }
                }

                fn collect(
                    &self,
                    __facts: &mut #krate::__private::FactFields,
                ) -> ::core::result::Result<(), #krate::__private::ContextError> {
                    #(#collected)*
                    ::core::result::Result::Ok(())
                }
            }
        };
    }
}
