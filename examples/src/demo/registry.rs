//! The registry that decides instead, where the environment names one.

use aport_gate::{RegistryClient, RegistryError};

use crate::RunError;

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
/// [`RunError::NoRegistry`] for `APORT_MODE=registry` without `APORT_BASE_URL`.
pub(super) fn named() -> Result<Option<Vec<(&'static str, String)>>, RunError> {
    let mode = std::env::var("APORT_MODE").ok();
    let is_named = std::env::var_os("APORT_BASE_URL").is_some();
    match (mode.as_deref(), is_named) {
        (Some("local"), _) | (None, false) => Ok(None),
        (Some("registry"), false) => Err(RunError::NoRegistry),
        _ => {
            let set = |variable| Some((variable, std::env::var(variable).ok()?));
            Ok(Some(VARIABLES.into_iter().filter_map(set).collect()))
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
