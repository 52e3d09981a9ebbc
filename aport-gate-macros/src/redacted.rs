//! What `#[redact]` promises has to hold: nothing else may store or log the value.

use syn::Attribute;
use syn::ext::IdentExt as _;

use crate::errors::Errors;
use crate::model::{Argument, Tool};
use crate::policy::Policy;

/// Records where the value of a redacted argument would be kept or logged all the same.
pub(crate) fn check(tool: &Tool, errors: &mut Errors) {
    for (_, argument) in tool.arguments().filter(|(_, argument)| argument.redacted) {
        let name = argument.ident.unraw().to_string();
        let kept = argument
            .json_names
            .iter()
            .any(|name| kept(&tool.policy, name));
        if kept {
            errors.at(
                &argument.ident,
                format!("the ledger keeps `{name}` to count by it or to find a repeat: remove `#[redact]`"),
            );
        }
        for attribute in &tool.body_attributes {
            if logs(attribute, argument) {
                errors.at(
                    attribute,
                    format!("`#[instrument]` would log the redacted `{name}`: write `#[instrument(skip({name}))]`"),
                );
            }
        }
    }
}

/// Whether the pack counts by this field, sums it, or finds repeats with it.
fn kept(policy: &Policy, field: &str) -> bool {
    let Some(pack) = &policy.pack else {
        return false;
    };
    let counters = pack
        .as_value()
        .get("counters")
        .and_then(|list| list.as_array());
    let counted = counters.into_iter().flatten().any(|counter| {
        let of = counter.get("of").and_then(|of| of.as_str());
        let by = counter.get("by").and_then(|by| by.as_array());
        of == Some(field) || by.into_iter().flatten().any(|by| by == field)
    });
    counted || pack.idempotency_field() == Some(field)
}

/// Whether `#[instrument]` records the argument.
fn logs(attribute: &Attribute, argument: &Argument) -> bool {
    let path = attribute.path();
    if path
        .segments
        .last()
        .is_none_or(|last| last.ident != "instrument")
    {
        return false;
    }
    let mut skipped = false;
    let _ = attribute.parse_nested_meta(|meta| {
        if meta.path.is_ident("skip_all") {
            skipped = true;
        } else if meta.path.is_ident("skip") {
            meta.parse_nested_meta(|name| {
                skipped |= name.path.is_ident(&argument.ident);
                Ok(())
            })?;
        } else if meta.input.peek(syn::Token![=]) {
            meta.value()?.parse::<syn::Expr>()?;
        } else if meta.input.peek(syn::token::Paren) {
            meta.input.parse::<proc_macro2::Group>()?;
        }
        Ok(())
    });
    !skipped
}
