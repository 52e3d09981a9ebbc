//! The pack that decides: found, read, and what it declares about its context.

use std::path::{Path, PathBuf};

use aport_gate_oap::{Pack, PackError, PackId, embedded_packs};
use proc_macro2::Span;
use serde_json::Value;
use syn::LitStr;

use crate::attribute::Keys;
use crate::errors::Errors;
use crate::nearest::{nearest, quoted};
use crate::position;

/// The pack of a tool.
pub(crate) struct Policy {
    pub(crate) id: String,
    /// None with `unchecked`.
    pub(crate) pack: Option<Pack>,
    /// Path as written and content, where it came with `pack_file`.
    pub(crate) file: Option<(LitStr, Vec<u8>)>,
    /// The literal that names the pack.
    pub(crate) place: Span,
}

/// The pack that the keys name; `None` after a mistake.
pub(crate) fn policy(keys: &Keys, errors: &mut Errors) -> Option<Policy> {
    let id = match &keys.pack {
        Some(literal) => match PackId::parse(&literal.value()) {
            Ok(id) => Some((literal, id)),
            Err(error) => {
                errors.at(literal, error);
                return None;
            }
        },
        None => None,
    };
    match (&keys.pack_file, id) {
        (Some(file), id) => of_file(keys, file, id, errors),
        (None, Some((literal, id))) => of_id(keys, literal, &id, errors),
        (None, None) => {
            if !keys.pack_attempted {
                errors.at_span(
                    Span::call_site(),
                    "missing `pack`: name the policy pack that decides, for example \
                     `#[policy_gated(pack = \"finance.payment.refund.v1\")]`",
                );
            }
            None
        }
    }
}

fn of_id(keys: &Keys, literal: &LitStr, id: &PackId, errors: &mut Errors) -> Option<Policy> {
    let policy = |pack| Policy {
        id: id.to_string(),
        pack,
        file: None,
        place: literal.span(),
    };
    if keys.unchecked.is_some() {
        return Some(policy(None));
    }
    let Some((_, json)) = embedded_packs()
        .iter()
        .find(|(known, _)| *known == id.as_str())
    else {
        errors.at(literal, unknown(id.as_str()));
        return None;
    };
    match Pack::parse(json) {
        Ok(pack) => Some(policy(Some(pack))),
        Err(error) => {
            errors.at(literal, error);
            None
        }
    }
}

fn unknown(id: &str) -> String {
    let known: Vec<&str> = embedded_packs().iter().map(|(id, _)| *id).collect();
    let meant = match nearest(id, &known) {
        Some(name) => format!(", did you mean `{name}`?"),
        None => format!(", which knows {}", quoted(&known)),
    };
    format!(
        "no pack `{id}` comes with aport-gate{meant}\n\
         for a pack of your own, name its file: `pack_file = \"policies/{id}.json\"`\n\
         for a pack that only your registry knows, do without the check: `pack = \"{id}\", unchecked`"
    )
}

fn of_file(
    keys: &Keys,
    file: &LitStr,
    id: Option<(&LitStr, PackId)>,
    errors: &mut Errors,
) -> Option<Policy> {
    if let Some(unchecked) = &keys.unchecked {
        errors.at(
            unchecked,
            "`unchecked` is for a pack that the compiler cannot see: `pack_file` shows it, remove one of them",
        );
        return None;
    }
    let shown = file.value();
    if Path::new(&shown).is_absolute() {
        errors.at(
            file,
            "`pack_file` is relative to the folder of Cargo.toml: `pack_file = \"policies/acme.deploy.v1.json\"`",
        );
        return None;
    }
    let path = manifest_folder().join(&shown);
    let json = match std::fs::read(&path) {
        Ok(json) => json,
        Err(error) => {
            errors.at(
                file,
                format!(
                    "cannot read `{}`: {error}\n`pack_file` is relative to the folder of Cargo.toml",
                    path.display()
                ),
            );
            return None;
        }
    };
    let pack = match Pack::parse(&json) {
        Ok(pack) => pack,
        Err(error) => {
            errors.at(
                file,
                format!("{}: {error}", place_of(&shown, &json, &error)),
            );
            return None;
        }
    };
    let problems = pack.problems();
    for problem in &problems {
        let place = position::of_rule(&json, pack.as_value(), &problem.rule);
        errors.at(
            file,
            format!(
                "{shown}{place}: rule `{}` cannot be evaluated: {}",
                problem.rule, problem.message
            ),
        );
    }
    if !problems.is_empty() {
        return None;
    }
    if let Some((literal, id)) = id
        && id != *pack.id()
    {
        errors.at(
            literal,
            format!(
                "`{shown}` holds pack `{}`, not `{id}`: correct one, or leave `pack` out",
                pack.id()
            ),
        );
        return None;
    }
    Some(Policy {
        id: pack.id().to_string(),
        pack: Some(pack),
        place: file.span(),
        file: Some((file.clone(), json)),
    })
}

/// `file:line:column` of what keeps a pack from being read.
fn place_of(file: &str, json: &[u8], error: &PackError) -> String {
    let place = match error {
        PackError::Json(error) => position::of_json_error(error),
        PackError::MissingField { field } | PackError::WrongType { field, .. } => {
            position::of_path(json, field)
        }
        PackError::Duplicate { name, .. } => position::of_last_text(json, name),
        _ => position::START.to_owned(),
    };
    format!("{file}{place}")
}

/// Where relative paths of the user's crate start.
fn manifest_folder() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(PathBuf::new, PathBuf::from)
}

impl Policy {
    /// What stands in after a mistake.
    pub(crate) fn unknown() -> Self {
        Self {
            id: String::new(),
            pack: None,
            file: None,
            place: Span::call_site(),
        }
    }

    /// JSON Schema of one context field.
    pub(crate) fn declared(&self, field: &str) -> Option<&Value> {
        let schema = self.pack.as_ref()?.required_context()?;
        schema.get("properties")?.get(field)
    }

    /// Fields that every context must have, without those of the gate.
    pub(crate) fn required(&self) -> Vec<&str> {
        let pack = self.pack.as_ref();
        let mut fields = pack.map(Pack::required_fields).unwrap_or_default();
        fields.retain(|field| !crate::parameter::OF_THE_GATE.contains(field));
        fields
    }
}
