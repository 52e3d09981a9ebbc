//! The variables of registry mode.

use std::path::PathBuf;
use std::time::Duration;

use super::{environment, switch};
use crate::error::Result;
use crate::remote::{ApiKey, LONGEST_CACHE, RegistryError, RegistrySettings};

/// How long a decision is kept where nobody says how long.
const CACHE_SECONDS: u64 = 10;

/// All of them are checked, also where `APORT_MODE` makes none of them count.
pub(super) fn read(
    get: &impl Fn(&'static str) -> Result<Option<String>>,
) -> Result<Option<RegistrySettings>> {
    let settings = RegistrySettings {
        url: get("APORT_BASE_URL")?,
        allow_http: switch("APORT_ALLOW_HTTP", get("APORT_ALLOW_HTTP")?)?,
        api_key: get("APORT_API_KEY")?.map(ApiKey::new),
        ca_file: get("APORT_CA_FILE")?.map(PathBuf::from),
        cache: cache(get)?,
        jwks_file: get("APORT_JWKS_FILE")?.map(PathBuf::from),
    };
    let of = |variable| move |error: RegistryError| environment(variable, error.to_string());
    settings.base_url().map_err(of("APORT_BASE_URL"))?;
    if let Some(key) = &settings.api_key {
        key.header().map_err(of("APORT_API_KEY"))?;
    }
    Ok(Some(settings))
}

fn cache(get: &impl Fn(&'static str) -> Result<Option<String>>) -> Result<Option<Duration>> {
    let seconds = match get("APORT_CACHE_SECONDS")?.as_deref().map(str::parse) {
        None => CACHE_SECONDS,
        Some(Ok(seconds)) if (1..=LONGEST_CACHE.as_secs()).contains(&seconds) => seconds,
        Some(_) => {
            return Err(environment(
                "APORT_CACHE_SECONDS",
                format!(
                    "must be whole seconds from 1 to {}: a suspension has to count",
                    LONGEST_CACHE.as_secs()
                ),
            ));
        }
    };
    let on = switch("APORT_CACHE", get("APORT_CACHE")?)?;
    Ok(on.then_some(Duration::from_secs(seconds)))
}
