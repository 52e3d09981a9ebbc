//! One parameter: its role, and what a parameter of that role may be.

use proc_macro2::Ident;
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::{Pat, PatIdent, PatType, Type};

use crate::errors::Errors;
use crate::model::{Argument, Parameter, Role};
use crate::parameter_attributes::Sorted;
use crate::types;

/// Names that the gate puts into the context itself.
pub(crate) const OF_THE_GATE: &[&str] = &["agent_id", "policy_id"];

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
        if let Some(redact) = &sorted.redact {
            errors.at(
                redact,
                "`#[redact]` is for arguments of the agent: this parameter has another role, remove `#[redact]`",
            );
        }
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
            Type::Reference(whole) if types::owned(whole) == types::text(&whole.elem) => {
                ", or mark it `#[service]` if it is the server's own state"
            }
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
            redacted: sorted.redact.is_some(),
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
