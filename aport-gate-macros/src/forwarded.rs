//! `#[serde(…)]` and `#[schemars(…)]` on a parameter, forwarded to the generated struct.
//!
//! The rules see the parsed arguments serialised again. Whatever would make the two differ, or
//! publish a schema that the parser does not accept, is refused.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, LitStr, Token, token};

use crate::errors::Errors;

/// What a forwarded attribute says about its field.
#[derive(Default)]
pub(crate) struct Forwarded {
    pub(crate) rename: Option<String>,
    pub(crate) aliases: Vec<String>,
    pub(crate) has_default: bool,
}

const HIDES: &[&str] = &[
    "flatten",
    "skip",
    "skip_serializing",
    "skip_serializing_if",
    "skip_deserializing",
    "with",
    "serialize_with",
    "deserialize_with",
    "getter",
];

impl Forwarded {
    pub(crate) fn read(&mut self, attribute: &Attribute, errors: &mut Errors) {
        let of_serde = attribute.path().is_ident("serde");
        let parsed = attribute.parse_nested_meta(|meta| {
            let key = meta
                .path
                .get_ident()
                .map(ToString::to_string)
                .unwrap_or_default();
            if of_serde {
                self.serde(&key, &meta, errors)
            } else {
                schemars(&key, &meta, errors)
            }
        });
        if let Err(error) = parsed {
            errors.push(error);
        }
    }

    fn serde(
        &mut self,
        key: &str,
        meta: &ParseNestedMeta<'_>,
        errors: &mut Errors,
    ) -> syn::Result<()> {
        if HIDES.contains(&key) {
            errors.at(
                &meta.path,
                format!(
                    "`#[serde({key})]` is refused on a gated parameter: the rules must see exactly the \
                     arguments that the body gets; remove it, or give the parameter a type that reads \
                     and writes itself"
                ),
            );
        }
        match key {
            "rename" if meta.input.peek(token::Paren) => errors.at(
                &meta.path,
                "`#[serde(rename(…))]` is refused on a gated parameter: one name serves for reading \
                 and writing, use `#[serde(rename = \"…\")]`",
            ),
            "rename" => {
                self.rename = Some(meta.value()?.parse::<LitStr>()?.value());
                return Ok(());
            }
            "alias" => {
                self.aliases.push(meta.value()?.parse::<LitStr>()?.value());
                return Ok(());
            }
            "default" => self.has_default = true,
            _ => {}
        }
        skip_value(meta)
    }
}

fn schemars(key: &str, meta: &ParseNestedMeta<'_>, errors: &mut Errors) -> syn::Result<()> {
    match key {
        "rename" => errors.at(
            &meta.path,
            "`#[schemars(rename)]` would publish a name that the tool does not accept: use \
             `#[serde(rename = \"…\")]`, it changes both",
        ),
        "skip" | "skip_deserializing" | "flatten" => errors.at(
            &meta.path,
            format!(
                "`#[schemars({key})]` would hide an argument from the published schema: remove it"
            ),
        ),
        _ => {}
    }
    skip_value(meta)
}

/// Steps over `= value` or `(…)`: serde and schemars check what they understand themselves.
fn skip_value(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<syn::Expr>()?;
    } else if meta.input.peek(token::Paren) {
        meta.input.parse::<proc_macro2::Group>()?;
    }
    Ok(())
}
