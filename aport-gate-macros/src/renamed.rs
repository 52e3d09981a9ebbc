//! Names that serde's attributes give to facts. Facts are written field by field, so what else serde
//! would do with a field is refused: it would not be done.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, LitStr, Token, token};

use crate::errors::Errors;
use crate::nearest::unknown;

/// How `rename_all` writes names.
#[derive(Clone, Copy)]
pub(crate) struct Case(&'static str);

const CASES: &[&str] = &[
    "lowercase",
    "UPPERCASE",
    "PascalCase",
    "camelCase",
    "snake_case",
    "SCREAMING_SNAKE_CASE",
    "kebab-case",
    "SCREAMING-KEBAB-CASE",
];

impl Case {
    /// The name of a field, as serde would write it.
    pub(crate) fn apply(self, field: &str) -> String {
        let pascal = crate::types::camel(field);
        match self.0 {
            "PascalCase" => pascal,
            "camelCase" => {
                let mut letters = pascal.chars();
                let first = letters.next().map(|first| first.to_ascii_lowercase());
                first.into_iter().chain(letters).collect()
            }
            "UPPERCASE" | "SCREAMING_SNAKE_CASE" => field.to_ascii_uppercase(),
            "kebab-case" => field.replace('_', "-"),
            "SCREAMING-KEBAB-CASE" => field.to_ascii_uppercase().replace('_', "-"),
            _ => field.to_owned(),
        }
    }
}

/// The case of `#[serde(rename_all = "…")]` on the struct.
pub(crate) fn of_all(attributes: &[Attribute], errors: &mut Errors) -> Option<Case> {
    let mut case = None;
    serde(attributes, errors, |key, meta| {
        if key != "rename_all" {
            return skip_value(meta);
        }
        if let Some(name) = written(meta)? {
            let known = CASES.iter().find(|known| **known == name.value());
            match known {
                Some(known) => case = Some(Case(known)),
                None => {
                    let message = unknown("case", &name.value(), CASES);
                    return Err(syn::Error::new(name.span(), message));
                }
            }
        }
        Ok(())
    });
    case
}

/// The name of `#[serde(rename = "…")]` on a field.
pub(crate) fn of_field(attributes: &[Attribute], errors: &mut Errors) -> Option<String> {
    let mut name = None;
    serde(attributes, errors, |key, meta| {
        match key {
        "rename" => {
            name = written(meta)?.map(|literal| literal.value()).or(name.take());
            Ok(())
        }
        "flatten" | "skip" | "skip_serializing" | "skip_serializing_if" | "serialize_with" | "with" => {
            Err(meta.error(format!(
                "`#[serde({key})]` is refused on a fact: each field is one field of the context, as its type \
                 writes it; remove it, or move the field out of the facts"
            )))
        }
        _ => skip_value(meta),
    }
    });
    name
}

fn serde(
    attributes: &[Attribute],
    errors: &mut Errors,
    mut read: impl FnMut(&str, &ParseNestedMeta<'_>) -> syn::Result<()>,
) {
    for attribute in attributes {
        if !attribute.path().is_ident("serde") {
            continue;
        }
        let parsed = attribute.parse_nested_meta(|meta| {
            let key = meta.path.get_ident().map(ToString::to_string);
            read(&key.unwrap_or_default(), &meta)
        });
        if let Err(error) = parsed {
            errors.push(error);
        }
    }
}

/// `= "name"`, or `(serialize = "name", …)`: facts are only written.
fn written(meta: &ParseNestedMeta<'_>) -> syn::Result<Option<LitStr>> {
    if !meta.input.peek(token::Paren) {
        return meta.value()?.parse().map(Some);
    }
    let mut name = None;
    meta.parse_nested_meta(|inner| {
        let literal: LitStr = inner.value()?.parse()?;
        if inner.path.is_ident("serialize") {
            name = Some(literal);
        }
        Ok(())
    })?;
    Ok(name)
}

/// Steps over `= value` or `(…)`: serde checks what it understands itself.
fn skip_value(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<syn::Expr>()?;
    } else if meta.input.peek(token::Paren) {
        meta.input.parse::<proc_macro2::Group>()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_serde_writes_them() {
        let expected = [
            "size_kb", "SIZE_KB", "SizeKb", "sizeKb", "size_kb", "SIZE_KB", "size-kb", "SIZE-KB",
        ];
        for (case, expected) in CASES.iter().zip(expected) {
            assert_eq!(Case(case).apply("size_kb"), expected, "{case}");
        }
    }
}
