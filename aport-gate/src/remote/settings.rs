//! What an operator says about the registry.

use std::path::PathBuf;
use std::time::Duration;

use super::api_key::ApiKey;
use super::base_url::{BaseUrl, DEFAULT};
use super::error::RegistryError;

/// Longest time that an allow decision may be kept: a suspension has to bite.
pub(crate) const LONGEST_CACHE: Duration = Duration::from_secs(30);

/// As given, unchecked.
#[derive(Debug, Default)]
pub(crate) struct RegistrySettings {
    pub(crate) url: Option<String>,
    pub(crate) allow_http: bool,
    pub(crate) api_key: Option<ApiKey>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) cache: Option<Duration>,
    /// Keys that count instead of those that the registry publishes.
    pub(crate) jwks_file: Option<PathBuf>,
}

impl RegistrySettings {
    pub(crate) fn base_url(&self) -> Result<BaseUrl, RegistryError> {
        BaseUrl::parse(self.url.as_deref().unwrap_or(DEFAULT), self.allow_http)
    }
}
