//! What a gated method must be, each mistake with its fix.

use syn::{FnArg, PatType, ReceiverKind, Safety};

use crate::attribute::Keys;
use crate::errors::Errors;
use crate::function::Function;
use crate::types;

pub(crate) fn check(function: &Function, keys: &Keys, errors: &mut Errors) {
    let signature = &function.signature;
    if let Some(FnArg::Receiver(receiver)) = signature.inputs.first() {
        let shared = matches!(&receiver.kind, ReceiverKind::Reference(_, None, None));
        if !shared {
            errors.at(receiver, "a gated method shares its server: take `&self`");
        }
    }
    if let Safety::Unsafe(unsafety) = &signature.safety {
        errors.at(
            unsafety,
            "a gated tool is called by the gate, which cannot promise anything for `unsafe`: remove `unsafe`",
        );
    }
    if !signature.generics.params.is_empty() {
        errors.at(
            &signature.generics,
            "a tool has one published schema, so its method is not generic: name the types",
        );
    }
    let in_tool = [
        ("name", keys.name.as_ref()),
        ("title", keys.title.as_ref()),
        ("description", keys.description.as_ref()),
    ];
    for (key, value) in in_tool {
        if let Some(value) = value {
            errors.at(
                value,
                format!("`{key}` of a method belongs to `#[tool]`: write `#[tool({key} = …)]`"),
            );
        }
    }
    let hints = &keys.annotations;
    if hints.title.is_some()
        || hints.read_only_hint.is_some()
        || hints.destructive_hint.is_some()
        || hints.idempotent_hint.is_some()
        || hints.open_world_hint.is_some()
    {
        errors.at(
            &signature.ident,
            "`annotations` of a method belong to `#[tool]`: write `#[tool(annotations(…))]`",
        );
    }
}

/// Takes `#[permit]` off a parameter; true where it was there.
pub(crate) fn take_permit(input: &mut PatType, errors: &mut Errors) -> bool {
    let mut permit = false;
    input.attrs.retain(|attribute| {
        let path = attribute.path();
        let role = ["service", "arg", "redact"]
            .into_iter()
            .find(|role| path.is_ident(role));
        if let Some(role) = role {
            let instead = match role {
                "service" => "a method's service is `self`",
                "arg" => "the arguments of a method are the fields of `Parameters<T>`: put `#[serde(default)]` on the field",
                _ => "the arguments of a method are the fields of `Parameters<T>`: name the field in the attribute, `redact(card)`",
            };
            errors.at(attribute, format!("{instead}, remove `#[{role}]`"));
        }
        permit |= path.is_ident("permit");
        role.is_none() && !path.is_ident("permit")
    });
    if permit && !matches!(types::bare(&input.ty), syn::Type::Reference(_)) {
        errors.at(
            &input.ty,
            "`#[permit]` lends the permit of this call: take `&Permit`",
        );
    }
    permit
}
