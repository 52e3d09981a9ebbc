//! One parameter: its role, and what a parameter of that role may be.

use proc_macro2::Ident;
use quote::{ToTokens as _, quote};
use syn::ext::IdentExt as _;
use syn::{Attribute, Expr, Pat, PatIdent, PatType, Type};

use crate::errors::Errors;
use crate::forwarded::Forwarded;
use crate::model::{Argument, DefaultValue, Parameter, Role};
use crate::nearest::unknown;
use crate::types;

const ON_THE_FIELD: &[&str] = &["doc", "serde", "schemars", "cfg", "cfg_attr"];
const ON_THE_PARAMETER: &[&str] = &["cfg", "allow", "expect", "warn", "deny", "forbid"];
const KNOWN: &[&str] = &[
    "service", "permit", "arg", "doc", "serde", "schemars", "cfg", "allow",
];

/// Names that the gate puts into the context itself.
pub(crate) const OF_THE_GATE: &[&str] = &["agent_id", "policy_id"];

/// The attributes of a parameter, sorted.
#[derive(Default)]
struct Sorted {
    service: Option<Attribute>,
    permit: Option<Attribute>,
    arg: Option<Attribute>,
    default: Option<DefaultValue>,
    forwarded: Forwarded,
    on_field: Vec<Attribute>,
    on_parameter: Vec<Attribute>,
}

impl Parameter {
    /// `None` after a mistake that leaves nothing to go on with.
    pub(crate) fn parse(input: &PatType, errors: &mut Errors) -> Option<Self> {
        let sorted = Sorted::read(&input.attrs, errors);
        if let Some(found) = types::impl_trait(&input.ty) {
            errors.at(
                found,
                "`impl Trait` has no place in a tool's parameters: name the type",
            );
            return None;
        }
        let role = match (&sorted.service, &sorted.permit) {
            (Some(_), Some(permit)) => {
                errors.at(
                    permit,
                    "a parameter has one role: remove `#[service]` or `#[permit]`",
                );
                return None;
            }
            (Some(_), None) => service(&input.ty, errors)?,
            (None, Some(_)) => permit(&input.ty, errors)?,
            (None, None) => {
                return argument(input, sorted, errors);
            }
        };
        if let Some(arg) = &sorted.arg {
            errors.at(
                arg,
                "`#[arg]` is for arguments of the agent: this parameter has another role, remove `#[arg]`",
            );
        }
        if let Some(extra) = sorted
            .on_field
            .iter()
            .find(|extra| extra.path().is_ident("serde") || extra.path().is_ident("schemars"))
        {
            errors.at(
                extra,
                "`#[serde]` and `#[schemars]` are for arguments of the agent: this parameter has another role",
            );
        }
        if !matches!(&*input.pat, Pat::Ident(_) | Pat::Wild(_)) {
            errors.at(&input.pat, "take the parameter by a plain name");
        }
        Some(Self {
            attributes: sorted.on_parameter,
            pattern: input.pat.to_token_stream(),
            ty: (*input.ty).clone(),
            role,
        })
    }
}

fn service(ty: &Type, errors: &mut Errors) -> Option<Role> {
    match types::bare(ty) {
        Type::Reference(reference) if reference.mutability.is_some() => errors.at(
            ty,
            format!(
                "calls share the service, so it cannot be `&mut`: take `&{}` and lock inside",
                types::text(&reference.elem)
            ),
        ),
        Type::Reference(reference) if reference.lifetime.is_some() => errors.at(
            &reference.lifetime,
            "the service is lent for one call: leave the lifetime out",
        ),
        Type::Reference(reference) => return Some(Role::Service((*reference.elem).clone())),
        other => errors.at(
            ty,
            format!(
                "`#[service]` lends the server's own state: take `&{}`",
                types::text(other)
            ),
        ),
    }
    None
}

fn permit(ty: &Type, errors: &mut Errors) -> Option<Role> {
    match types::bare(ty) {
        Type::Reference(reference)
            if reference.mutability.is_none()
                && reference.lifetime.is_none()
                && matches!(types::bare(&reference.elem), Type::Path(_)) =>
        {
            Some(Role::Permit)
        }
        _ => {
            errors.at(
                ty,
                "`#[permit]` lends the permit of this call: take `&Permit`",
            );
            None
        }
    }
}

fn argument(input: &PatType, sorted: Sorted, errors: &mut Errors) -> Option<Parameter> {
    let ident = argument_name(&input.pat, errors)?;
    let ty = types::bare(&input.ty);
    let name = ident.unraw().to_string();
    if let Some(reference) = types::reference(ty) {
        let server = match ty {
            Type::Reference(_) => ", or mark it `#[service]` if it is the server's own state",
            _ => "",
        };
        errors.at(
            reference,
            format!(
                "an argument is owned, it is parsed from the call: take `{}`{server}",
                types::owned(reference)
            ),
        );
    } else if let Some(lifetime) = types::lifetime(ty) {
        errors.at(
            lifetime,
            "an argument is owned, it is parsed from the call: take a type without a lifetime",
        );
    }
    if types::is_option(ty) && sorted.default.is_some() {
        errors.at(
            &sorted.arg,
            format!(
                "`{name}` is an `Option` and may be left out already: remove the default, or take \
                 the type without `Option`"
            ),
        );
    } else if sorted.default.is_some() && sorted.forwarded.has_default {
        errors.at(
            &sorted.arg,
            format!(
                "`{name}` has two defaults: keep `#[arg(default)]`, remove `#[serde(default)]`"
            ),
        );
    }
    let mut json_names = vec![sorted.forwarded.rename.unwrap_or(name)];
    json_names.extend(sorted.forwarded.aliases);
    for reserved in json_names
        .iter()
        .filter(|name| OF_THE_GATE.contains(&name.as_str()))
    {
        errors.at(
            &ident,
            format!(
                "`{reserved}` is supplied by the gate: remove this parameter, take `#[permit] \
                 permit: &Permit` and call `permit.{reserved}()`"
            ),
        );
    }
    Some(Parameter {
        attributes: sorted.on_parameter,
        pattern: input.pat.to_token_stream(),
        ty: (*input.ty).clone(),
        role: Role::Argument(Argument {
            ident,
            json_names,
            field_attributes: sorted.on_field,
            default: sorted.default,
        }),
    })
}

/// The name is the JSON field, so a pattern has none to give.
fn argument_name(pattern: &Pat, errors: &mut Errors) -> Option<Ident> {
    match pattern {
        Pat::Ident(PatIdent {
            by_ref: None,
            subpat: None,
            ident,
            ..
        }) => Some(ident.clone()),
        other => {
            errors.at(
                other,
                "the name of an argument is its JSON name, and a pattern has none: write \
                 `order: Order` and take it apart in the body",
            );
            None
        }
    }
}

impl Sorted {
    fn read(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut sorted = Self::default();
        for attribute in attributes {
            let path = attribute.path();
            let named = |names: &[&str]| names.iter().any(|name| path.is_ident(name));
            if path.is_ident("service") {
                bare_role(attribute, &mut sorted.service, errors);
            } else if path.is_ident("permit") {
                bare_role(attribute, &mut sorted.permit, errors);
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
        errors.at(attribute, "this role is given twice: remove one");
    }
}
