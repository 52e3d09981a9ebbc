//! Where the crate `aport-gate` is, if the attribute does not say so: under the name that the user's
//! Cargo.toml gives it.

use std::path::{Path, PathBuf};

use proc_macro2::Span;
use syn::parse_quote;

use crate::errors::Errors;

/// What a manifest says.
#[derive(Debug, PartialEq)]
enum Named {
    /// The dependency, under this name.
    As(String),
    /// Nothing: the attribute came another way.
    Nowhere,
}

/// The path that stands for `crate = …` where it is left out.
pub(crate) fn path() -> syn::Path {
    match found() {
        Named::As(name) => {
            let name = proc_macro2::Ident::new(&name, Span::mixed_site());
            parse_quote!(::#name)
        }
        Named::Nowhere => parse_quote!(::aport_gate),
    }
}

/// Whether no path can be guessed.
pub(crate) fn is_unknown() -> bool {
    found() == Named::Nowhere
}

/// One error in the place of one for each path that the expansion would name in vain.
pub(crate) fn check(given: Option<&syn::Path>, errors: &mut Errors) {
    if given.is_none() && is_unknown() {
        errors.at_span(
            Span::call_site(),
            "Cargo.toml names no dependency `aport-gate`: say through which crate it comes, for example \
             `crate = ::facade::aport_gate`",
        );
    }
}

fn found() -> Named {
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    // Other build systems have no manifest, and call it by its name.
    let default = || Named::As("aport_gate".to_owned());
    let Some(folder) = folder else {
        return default();
    };
    let Ok(manifest) = std::fs::read_to_string(folder.join("Cargo.toml")) else {
        return default();
    };
    match in_manifest(&manifest) {
        Named::Nowhere => of_workspace(&folder, &manifest),
        named => named,
    }
}

/// The name that a workspace gives the dependency, where the member's manifest has that name.
fn of_workspace(folder: &Path, member: &str) -> Named {
    let roots = folder.ancestors().skip(1);
    for root in roots.filter_map(|root| std::fs::read_to_string(root.join("Cargo.toml")).ok()) {
        if let Named::As(name) = in_manifest(&root)
            && member.contains(&name)
        {
            return Named::As(name);
        }
    }
    Named::Nowhere
}

/// Read line by line: TOML has each dependency on one, or in a table of its own.
fn in_manifest(manifest: &str) -> Named {
    let mut table = String::new();
    let mut renamed = Named::Nowhere;
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            table = header
                .split(']')
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned();
            if table.ends_with("dependencies.aport-gate") || table == "package" {
                continue;
            }
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        let key = key.trim().trim_matches('"');
        let ours = value.contains("\"aport-gate\"");
        let of_package = |name: &str| Named::As(name.replace('-', "_"));
        if table == "package" {
            // The crate itself: its tests and examples call it by its name, as do those of this one.
            if key == "name" && (ours || value.contains("\"aport-gate-macros\"")) {
                return of_package("aport-gate");
            }
        } else if let Some((_, name)) = table.split_once("dependencies.") {
            if key == "package" && ours {
                renamed = of_package(name.trim_matches('"'));
            }
        } else if table.ends_with("dependencies") {
            let name = key.split('.').next().unwrap_or(key);
            if name == "aport-gate" {
                return of_package(name);
            }
            let inline = value.split_once("package").is_some_and(|(_, package)| {
                let package = package.trim_start().strip_prefix('=');
                package.is_some_and(|package| package.trim_start().starts_with("\"aport-gate\""))
            });
            if inline || (key.ends_with(".package") && ours) {
                renamed = of_package(name);
            }
        }
        if table.ends_with("dependencies.aport-gate") && (ours || key != "package") {
            return of_package("aport-gate");
        }
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_is_found_under_its_name() {
        let cases = [
            ("[dependencies]\naport-gate = \"0.1\"", Some("aport_gate")),
            (
                "[dependencies]\naport-gate.workspace = true",
                Some("aport_gate"),
            ),
            (
                "[dependencies.aport-gate]\nversion = \"0.1\"",
                Some("aport_gate"),
            ),
            ("[package]\nname = \"aport-gate\"", Some("aport_gate")),
            (
                "[dependencies]\ngates = { version = \"0.1\", package = \"aport-gate\" }",
                Some("gates"),
            ),
            (
                "[dev-dependencies]\nmy-gates = { package=\"aport-gate\", path = \"..\" } # ours",
                Some("my_gates"),
            ),
            (
                "[target.'cfg(unix)'.dependencies.gates]\npackage = \"aport-gate\"",
                Some("gates"),
            ),
            (
                "[workspace.dependencies]\ngates.package = \"aport-gate\"",
                Some("gates"),
            ),
            (
                "[dependencies]\ngates = { package = \"aport-gate\" }\naport-gate = \"0.1\"",
                Some("aport_gate"),
            ),
            (
                "[package]\nname = \"user\"\n[dependencies]\nfacade = \"1\"",
                None,
            ),
            ("[dependencies]\naport-gate-oap = \"0.1\"", None),
        ];
        for (manifest, expected) in cases {
            let expected = expected.map_or(Named::Nowhere, |name| Named::As(name.to_owned()));
            assert_eq!(in_manifest(manifest), expected, "{manifest}");
        }
    }
}
