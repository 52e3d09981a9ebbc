//! The attributes of a parameter: ours taken off, the others sent where they belong.

use quote::quote;
use syn::{Attribute, Expr};

use crate::errors::Errors;
use crate::forwarded::Forwarded;
use crate::model::DefaultValue;
use crate::nearest::unknown;

// Not `cfg_attr`: what it would add, a renamed or hidden field for one, is not known here.
const ON_THE_FIELD: &[&str] = &["doc", "serde", "schemars", "cfg"];
const ON_THE_PARAMETER: &[&str] = &["cfg", "allow", "expect", "warn", "deny", "forbid"];
const KNOWN: &[&str] = &[
    "service", "permit", "arg", "redact", "doc", "serde", "schemars", "cfg", "allow",
];

/// The attributes of a parameter, sorted.
#[derive(Default)]
pub(crate) struct Sorted {
    pub(crate) service: Option<Attribute>,
    pub(crate) permit: Option<Attribute>,
    pub(crate) arg: Option<Attribute>,
    pub(crate) redact: Option<Attribute>,
    pub(crate) default: Option<DefaultValue>,
    pub(crate) forwarded: Forwarded,
    pub(crate) on_field: Vec<Attribute>,
    pub(crate) on_parameter: Vec<Attribute>,
}

impl Sorted {
    pub(crate) fn read(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut sorted = Self::default();
        for attribute in attributes {
            let path = attribute.path();
            let named = |names: &[&str]| names.iter().any(|name| path.is_ident(name));
            if path.is_ident("service") {
                bare_role(attribute, &mut sorted.service, errors);
            } else if path.is_ident("permit") {
                bare_role(attribute, &mut sorted.permit, errors);
            } else if path.is_ident("redact") {
                bare_role(attribute, &mut sorted.redact, errors);
            } else if path.is_ident("arg") {
                sorted.arg = Some(attribute.clone());
                sorted.argument_keys(attribute, errors);
            } else if named(ON_THE_FIELD) || named(ON_THE_PARAMETER) {
                if named(&["serde", "schemars"]) {
                    sorted.forwarded.read(attribute, errors);
                }
                if named(ON_THE_FIELD) {
                    sorted.on_field.push(attribute.clone());
                }
                if named(ON_THE_PARAMETER) {
                    sorted.on_parameter.push(attribute.clone());
                }
            } else {
                let name = quote!(#path).to_string().replace(' ', "");
                errors.at(attribute, unknown("attribute on a parameter", &name, KNOWN));
            }
        }
        sorted
    }

    fn argument_keys(&mut self, attribute: &Attribute, errors: &mut Errors) {
        let hint = "`#[arg]` takes `default` or `default = …`";
        let mut empty = true;
        if matches!(attribute.meta, syn::Meta::List(_)) {
            let parsed = attribute.parse_nested_meta(|meta| {
                empty = false;
                if !meta.path.is_ident("default") {
                    let path = &meta.path;
                    let key = quote!(#path).to_string().replace(' ', "");
                    return Err(meta.error(unknown("key", &key, &["default"])));
                }
                if self.default.is_some() {
                    return Err(meta.error("`default` is given twice: remove one"));
                }
                self.default = Some(if meta.input.peek(syn::Token![=]) {
                    DefaultValue::Expression(meta.value()?.parse::<Expr>()?)
                } else {
                    DefaultValue::OfType
                });
                Ok(())
            });
            if let Err(error) = parsed {
                errors.push(error);
                return;
            }
        }
        if empty {
            errors.at(attribute, hint);
        }
    }
}

fn bare_role(attribute: &Attribute, slot: &mut Option<Attribute>, errors: &mut Errors) {
    if attribute.meta.require_path_only().is_err() {
        let path = attribute.path();
        let name = quote!(#path);
        errors.at(
            attribute,
            format!("`#[{name}]` takes no arguments: write `#[{name}]`"),
        );
    }
    if slot.replace(attribute.clone()).is_some() {
        errors.at(attribute, "this attribute is given twice: remove one");
    }
}
