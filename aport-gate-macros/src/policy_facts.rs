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
use crate::fact_name;
use crate::parameter::OF_THE_GATE;
use crate::renamed;
use crate::runtime_crate;
use crate::value::crate_path;

/// A field of the struct.
struct Fact<'i> {
    field: &'i Field,
    ident: &'i syn::Ident,
    /// As the pack knows it.
    name: String,
    /// No rule asks for it.
    record_only: bool,
}

pub(crate) fn derive(input: TokenStream) -> syn::Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    let mut errors = Errors::default();
    let krate = krate(&input, &mut errors);
    let facts = facts(&input, &mut errors);
    if !input.generics.params.is_empty() {
        errors.at(
            &input.generics,
            "facts have one set of fields, so their struct is not generic: name the types",
        );
    }
    errors.finish(())?;
    Ok(expand(&input, &krate, &facts))
}

fn facts<'i>(input: &'i DeriveInput, errors: &mut Errors) -> Vec<Fact<'i>> {
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
    let case = renamed::of_all(&input.attrs, errors);
    let mut facts: Vec<Fact<'_>> = Vec::new();
    for field in &fields.named {
        let Some(ident) = &field.ident else { continue };
        let own = ident.unraw().to_string();
        let name = renamed::of_field(&field.attrs, errors)
            .unwrap_or_else(|| case.map_or(own.clone(), |case| case.apply(&own)));
        if OF_THE_GATE.contains(&name.as_str()) {
            errors.at(
                ident,
                format!("`{name}` is supplied by the gate: remove this field"),
            );
        }
        if let Some(other) = facts.iter().find(|fact| fact.name == name) {
            let other = other.ident;
            errors.at(
                ident,
                format!("`{own}` and `{other}` are both the fact `{name}`: rename one"),
            );
        }
        facts.push(Fact {
            field,
            ident,
            name,
            record_only: record_only(field, errors),
        });
    }
    facts
}

/// `#[policy_facts(record_only)]`.
fn record_only(field: &Field, errors: &mut Errors) -> bool {
    let mut found = false;
    for attribute in &field.attrs {
        if !attribute.path().is_ident("policy_facts") {
            continue;
        }
        match attribute.parse_args::<syn::Ident>() {
            Ok(word) if word == "record_only" => found = true,
            _ => errors.at(
                attribute,
                "`#[policy_facts]` on a field takes `record_only`; a name of its own is given with \
                 `#[serde(rename = \"…\")]`",
            ),
        }
    }
    found
}

/// `#[policy_facts(crate = ::path)]`.
fn krate(input: &DeriveInput, errors: &mut Errors) -> Path {
    let mut krate = None;
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
            Ok(path) => krate = Some(path),
            Err(error) => errors.push(error),
        }
    }
    runtime_crate::check(krate.as_ref(), errors);
    krate.unwrap_or_else(runtime_crate::path)
}

fn expand(input: &DeriveInput, krate: &Path, facts: &[Fact<'_>]) -> TokenStream {
    let name = &input.ident;
    let over = format_ident!("__{}Over", name.unraw(), span = Span::mixed_site());
    let (mut shown, mut lent, mut collected) = (Vec::new(), Vec::new(), Vec::new());
    let (mut held, mut known) = (Vec::new(), Vec::new());
    for (index, fact) in facts.iter().enumerate() {
        let (ident, ty, visibility) = (fact.ident, &fact.field.ty, &fact.field.vis);
        let cfg: Vec<_> = crate::expand::cfg(&fact.field.attrs).collect();
        let (text, number) = (&fact.name, fact_name::number(&fact.name));
        // Under the name that the pack knows, where that is one in Rust.
        let place = crate::contract::field_ident(text, ident.span())
            .unwrap_or_else(|| format_ident!("__fact_{index}", span = Span::mixed_site()));
        shown.push(quote_spanned!(Span::mixed_site()=> #(#cfg)* #visibility #place: &'__facts #ty));
        lent.push(quote_spanned!(Span::mixed_site()=> #(#cfg)* #place: &self.#ident));
        collected.push(quote_spanned! {Span::mixed_site()=>
            #(#cfg)*
            #krate::__private::FactFields::field(__facts, #text, &self.#ident)?;
        });
        held.push(quote_spanned! {Span::mixed_site()=>
            #(#cfg)*
            #[automatically_derived]
            impl #krate::__private::contract::HoldsFact<#number> for #name {
                type Value = #ty;
            }
        });
        if fact.record_only {
            continue;
        }
        let message =
            format!("the pack knows no field `{text}`, so this fact would change nothing");
        let note = "give the field the name that the pack knows; a fact that is for the audit record only \
                    is marked `#[policy_facts(record_only)]`";
        let trait_name = format_ident!("__Fact{index}", span = Span::mixed_site());
        // Without the field every pack knows it.
        let gone = (!cfg.is_empty()).then(|| {
            let conditions = cfg.iter().map(|cfg| match &cfg.meta {
                syn::Meta::List(list) => list.tokens.clone(),
                _ => TokenStream::new(),
            });
            quote_spanned! {Span::mixed_site()=>
                #[cfg(not(all(#(#conditions),*)))]
                impl<__Pack> #trait_name for __Pack {}
            }
        });
        known.push((
            trait_name.clone(),
            quote_spanned! {Span::mixed_site()=>
                #[diagnostic::on_unimplemented(message = #message, label = "not known to the pack", note = #note)]
                pub trait #trait_name {}
                #(#cfg)*
                #[diagnostic::do_not_recommend]
                impl<__Pack: #krate::__private::contract::KnowsFact<#number>> #trait_name for __Pack {}
                #gone
            },
        ));
    }
    let (known, traits): (Vec<_>, Vec<_>) = known.into_iter().unzip();
    quote_spanned! {Span::mixed_site()=>
        const _: () = {
            #[doc(hidden)]
            #[allow(dead_code, non_camel_case_types, non_snake_case)]
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

            #(#held)*

            #(#traits)*

            #[automatically_derived]
            impl<__Pack> #krate::__private::contract::KnownTo<__Pack> for #name
            where
                #(__Pack: #known,)*
            {
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
