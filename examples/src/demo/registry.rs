//! The registry that decides instead, where the environment names one.

use aport_gate::{RegistryClient, RegistryError};

use crate::RunError;
use crate::setting::Environment;

/// What the server needs to ask it, and this program to have passports issued.
const VARIABLES: [&str; 5] = [
    "APORT_BASE_URL",
    "APORT_API_KEY",
    "APORT_CA_FILE",
    "APORT_ALLOW_HTTP",
    "APORT_TIMEOUT_MS",
];

/// The variables of registry mode that are set; none in local mode. A registry that nobody named is never
/// asked for passports.
///
/// # Errors
/// [`RunError::NoRegistry`] for `APORT_MODE=registry` without `APORT_BASE_URL`; [`RunError::Setting`] for a variable
/// that is empty or was not filled in.
pub(super) fn named() -> Result<Option<Vec<(&'static str, String)>>, RunError> {
    named_in(&Environment(&|name| std::env::var_os(name)))
}

fn named_in(
    environment: &Environment<'_>,
) -> Result<Option<Vec<(&'static str, String)>>, RunError> {
    let mode = environment.text("APORT_MODE")?;
    if mode.as_deref() == Some("local") {
        return Ok(None);
    }
    let base = environment.text("APORT_BASE_URL")?;
    match (mode.as_deref(), base) {
        (None, None) => Ok(None),
        (Some("registry"), None) => Err(RunError::NoRegistry),
        _ => {
            let mut set = Vec::new();
            for variable in VARIABLES {
                if let Some(value) = environment.text(variable)? {
                    set.push((variable, value));
                }
            }
            Ok(Some(set))
        }
    }
}

/// A client of the registry that these variables name.
///
/// # Errors
/// [`RunError::Gate`] when one of them cannot be used.
pub(super) fn client(variables: &[(&'static str, String)]) -> Result<RegistryClient, RunError> {
    let value = |name: &str| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| value.as_str())
    };
    let mut builder = RegistryClient::builder(value("APORT_BASE_URL").unwrap_or_default())
        .allow_http(value("APORT_ALLOW_HTTP") == Some("on"));
    if let Some(key) = value("APORT_API_KEY") {
        builder = builder.api_key(key);
    }
    if let Some(file) = value("APORT_CA_FILE") {
        builder = builder.ca_file(file);
    }
    Ok(builder.build()?)
}

pub(super) fn refused(error: RegistryError) -> RunError {
    RunError::Registry(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_empty_is_named() {
        for (set, value, named) in [
            ("APORT_BASE_URL", "", "`APORT_BASE_URL` is empty"),
            ("APORT_BASE_URL", "${URL}", "`APORT_BASE_URL` holds"),
            ("APORT_MODE", "", "`APORT_MODE` is empty"),
        ] {
            let get = |name: &str| (name == set).then(|| value.into());
            let error = named_in(&Environment(&get)).unwrap_err();
            assert!(error.to_string().starts_with(named), "{error}");
        }
        let get = |name: &str| match name {
            "APORT_MODE" => Some("local".into()),
            _ => Some("".into()),
        };
        assert!(named_in(&Environment(&get)).unwrap().is_none());
    }
}
