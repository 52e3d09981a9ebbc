//! `#[instrument]` on a tool that redacts: it records parameters, so it has to skip them.

use syn::ext::IdentExt as _;
use syn::meta::ParseNestedMeta;
use syn::parse::{ParseStream, Parser as _};
use syn::{Attribute, Ident, Path, Token};

use crate::attribute::Keys;
use crate::errors::Errors;
use crate::function::Function;
use crate::mentions::Mentions;
use crate::model::{Argument, Tool};

/// What an `#[instrument]` says.
#[derive(Default)]
struct Instrument {
    skips_all: bool,
    skips: Vec<Ident>,
    /// What stands in `fields(…)`.
    fields: proc_macro2::TokenStream,
}

/// Records an `#[instrument]` of a function that would log the argument.
pub(crate) fn check_argument(tool: &Tool, argument: &Argument, errors: &mut Errors) {
    let name = argument.ident.unraw().to_string();
    for attribute in &tool.body_attributes {
        let Some(instrument) = instrument(attribute) else {
            continue;
        };
        if !instrument.skips_all && !instrument.skips.contains(&argument.ident) {
            errors.at(
                attribute,
                format!("`#[instrument]` would log the redacted `{name}`: write `#[instrument(skip({name}))]`"),
            );
        } else if Mentions::new(vec![name.clone()], None).in_tokens(instrument.fields) {
            errors.at(
                attribute,
                format!("`#[instrument(fields(…))]` would log the redacted `{name}`: remove it from `fields`"),
            );
        }
    }
}

/// Records an `#[instrument]` of a method that would log its arguments, some of them redacted.
pub(crate) fn check_method(keys: &Keys, function: &Function, errors: &mut Errors) {
    if keys.redact.is_empty() {
        return;
    }
    for attribute in &function.attributes {
        let Some(instrument) = instrument(attribute) else {
            continue;
        };
        let names = keys.redact.iter().map(|name| name.unraw().to_string());
        if !instrument.skips_all {
            errors.at(
                attribute,
                "`#[instrument]` would log the arguments, some of them redacted: write `#[instrument(skip_all)]`",
            );
        } else if Mentions::new(names.collect(), None).in_tokens(instrument.fields) {
            errors.at(
                attribute,
                "`#[instrument(fields(…))]` would log a redacted argument: remove it from `fields`",
            );
        }
    }
}

/// Reads `#[instrument]`, also inside a `cfg_attr`.
fn instrument(attribute: &Attribute) -> Option<Instrument> {
    let is_instrument = |path: &Path| {
        let last = path.segments.last();
        last.is_some_and(|last| last.ident == "instrument")
    };
    let mut found = Instrument::default();
    if is_instrument(attribute.path()) {
        let _ = attribute.parse_nested_meta(|meta| found.read(&meta));
        return Some(found);
    }
    if !attribute.path().is_ident("cfg_attr") {
        return None;
    }
    let mut guarded = false;
    let _ = attribute.parse_args_with(|input: ParseStream<'_>| {
        input.parse::<syn::Meta>()?;
        while input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
            let meta = input.parse::<syn::Meta>()?;
            if !is_instrument(meta.path()) {
                continue;
            }
            guarded = true;
            if let syn::Meta::List(list) = meta {
                let read = syn::meta::parser(|meta| found.read(&meta));
                let _ = read.parse2(list.tokens);
            }
        }
        Ok(())
    });
    guarded.then_some(found)
}

impl Instrument {
    fn read(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        if meta.path.is_ident("skip_all") {
            self.skips_all = true;
        } else if meta.path.is_ident("skip") {
            meta.parse_nested_meta(|name| {
                self.skips.extend(name.path.get_ident().cloned());
                Ok(())
            })?;
        } else if meta.input.peek(Token![=]) {
            meta.value()?.parse::<syn::Expr>()?;
        } else if meta.input.peek(syn::token::Paren) {
            let group = meta.input.parse::<proc_macro2::Group>()?;
            if meta.path.is_ident("fields") {
                self.fields = group.stream();
            }
        }
        Ok(())
    }
}
