//! rmcp's `#[tool(…)]` on a gated method: what it says about name and schemas, and the rest as it was.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::{Attribute, LitStr, Meta, Path};

use crate::errors::Errors;

/// The attribute, with what the gate has to complete taken out.
#[derive(Default)]
pub(crate) struct ToolAttribute {
    pub(crate) path: Option<Path>,
    pub(crate) name: Option<LitStr>,
    pub(crate) input_schema: Option<TokenStream>,
    /// An expression, or the type that the schema is made from.
    pub(crate) output_schema: Option<TokenStream>,
    pub(crate) output_is_given: bool,
    pub(crate) has_description: bool,
    pub(crate) meta: Option<TokenStream>,
    /// The other entries, each with a comma behind it.
    pub(crate) rest: TokenStream,
}

impl ToolAttribute {
    pub(crate) fn read(attributes: Vec<Attribute>, errors: &mut Errors) -> Self {
        let mut read = Self::default();
        for attribute in attributes {
            if read.path.is_some() {
                errors.at(&attribute, "`#[tool]` is given twice: remove one");
                continue;
            }
            read.path = Some(attribute.path().clone());
            if let Meta::List(list) = attribute.meta {
                for entry in entries(list.tokens) {
                    read.entry(entry, errors);
                }
            }
        }
        read
    }

    fn entry(&mut self, entry: TokenStream, errors: &mut Errors) {
        let mut tokens = entry.clone().into_iter();
        let key = tokens.next().map(|key| key.to_string()).unwrap_or_default();
        // Behind `=`.
        let value: TokenStream = tokens.skip(1).collect();
        match key.as_str() {
            "name" => {
                match syn::parse2(value.clone()) {
                    Ok(name) => self.name = Some(name),
                    Err(_) => errors.at(value, "the name of a gated tool is a string literal"),
                }
                self.rest.extend(quote!(#entry,));
            }
            "input_schema" => self.input_schema = Some(value),
            "output_schema" => {
                self.output_schema = Some(value);
                self.output_is_given = true;
            }
            "meta" => self.meta = Some(value),
            other => {
                self.has_description |= other == "description";
                self.rest.extend(quote!(#entry,));
            }
        }
    }
}

/// Splits at the commas that are in no parentheses.
fn entries(tokens: TokenStream) -> Vec<TokenStream> {
    let mut entries = vec![Vec::new()];
    for token in tokens {
        match &token {
            TokenTree::Punct(comma) if comma.as_char() == ',' => entries.push(Vec::new()),
            _ => {
                if let Some(entry) = entries.last_mut() {
                    entry.push(token);
                }
            }
        }
    }
    let entries = entries.into_iter().filter(|entry| !entry.is_empty());
    entries
        .map(|entry| {
            entry
                .into_iter()
                .map(TokenTree::into_token_stream)
                .collect()
        })
        .collect()
}
