//! Configuration from the environment (see the README's table).

#[cfg(feature = "registry")]
mod registry;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aport_gate_oap::AgentId;
use etcetera::BaseStrategy as _;

use crate::error::{Error, Result};
use crate::ledger::Retention;
use crate::ledger_place::LedgerPlace;
#[cfg(feature = "registry")]
use crate::remote::RegistrySettings;

/// Whole decision, in milliseconds, unless `APORT_TIMEOUT_MS` says otherwise.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_millis(5000);
const LARGEST_TIMEOUT_MS: u64 = 600_000;
const LONGEST_RETENTION_DAYS: u64 = 36_500;

/// Every variable that a gate reads, and what it means when it is not set.
#[cfg(feature = "cli")]
pub(crate) const VARIABLES: [(&str, &str); 15] = [
    (
        "APORT_MODE",
        "`registry` where APORT_BASE_URL is set, else `local`",
    ),
    ("APORT_BASE_URL", "the hosted registry, in registry mode"),
    ("APORT_API_KEY", "none"),
    ("APORT_CA_FILE", "the system's authorities"),
    ("APORT_JWKS_FILE", "the keys that the registry publishes"),
    ("APORT_ALLOW_HTTP", "off"),
    ("APORT_CACHE", "off"),
    ("APORT_CACHE_SECONDS", "10"),
    ("APORT_HOME", "the per-user data folder"),
    ("APORT_DATABASE_URL", "ledger.sqlite3 in the home"),
    ("APORT_AGENT_ID", "bound to no agent"),
    ("APORT_SECURITY", "simple"),
    ("APORT_SIGN_DECISIONS", "off"),
    ("APORT_TIMEOUT_MS", "5000"),
    ("APORT_KEY_RETENTION_DAYS", "90"),
];

/// How much proof of identity a call needs (`APORT_SECURITY`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// An agent id that only the caller names is believed.
    #[default]
    Simple,
    /// Something that the caller cannot choose must name the agent.
    Secure,
}

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) home: Option<PathBuf>,
    pub(crate) ledger: Option<LedgerPlace>,
    pub(crate) timeout: Duration,
    pub(crate) agent: Option<AgentId>,
    pub(crate) security: Security,
    pub(crate) sign_decisions: bool,
    pub(crate) retention: Retention,
    /// Present in registry mode.
    #[cfg(feature = "registry")]
    pub(crate) registry: Option<RegistrySettings>,
    /// Variables that name a registry although the mode is `local`.
    pub(crate) unused: Vec<&'static str>,
}

impl Config {
    pub(crate) fn from_env() -> Result<Self> {
        Self::read(std::env::var_os)
    }

    /// From variables that somebody else holds, such as those that a client gives to a server.
    pub(crate) fn read(get: impl Fn(&'static str) -> Option<OsString>) -> Result<Self> {
        let get = |variable| text(variable, get(variable));
        let is_registry = match get("APORT_MODE")?.as_deref() {
            None => get("APORT_BASE_URL")?.is_some(),
            Some("local") => false,
            Some("registry") => true,
            Some(other) => {
                return Err(environment(
                    "APORT_MODE",
                    format!("is `{other}`; use `local` or `registry`"),
                ));
            }
        };
        #[cfg(not(feature = "registry"))]
        if is_registry {
            let problem = "asks for a registry; build with the feature `registry` of aport-gate";
            return Err(environment("APORT_MODE", problem.to_owned()));
        }
        let home = get("APORT_HOME")?.map(PathBuf::from);
        let mut unused = Vec::new();
        for variable in ["APORT_BASE_URL", "APORT_API_KEY"] {
            if !is_registry && get("APORT_MODE")?.is_some() && get(variable)?.is_some() {
                unused.push(variable);
            }
        }
        Ok(Self {
            unused,
            #[cfg(feature = "registry")]
            registry: registry::read(&get)?.filter(|_| is_registry),
            ledger: get("APORT_DATABASE_URL")?
                .map(|url| ledger(&url, home.as_deref()))
                .transpose()?,
            home,
            timeout: get("APORT_TIMEOUT_MS")?.map_or(Ok(DEFAULT_TIMEOUT), |text| timeout(&text))?,
            agent: get("APORT_AGENT_ID")?
                .map(|text| {
                    AgentId::parse(&text)
                        .map_err(|error| environment("APORT_AGENT_ID", error.to_string()))
                })
                .transpose()?,
            security: match get("APORT_SECURITY")?.as_deref() {
                None | Some("simple") => Security::Simple,
                Some("secure") => Security::Secure,
                Some(other) => {
                    return Err(environment(
                        "APORT_SECURITY",
                        format!("is `{other}`; use `simple` or `secure`"),
                    ));
                }
            },
            sign_decisions: switch("APORT_SIGN_DECISIONS", get("APORT_SIGN_DECISIONS")?)?,
            retention: get("APORT_KEY_RETENTION_DAYS")?
                .map_or(Ok(Retention::default()), |text| retention(&text))?,
        })
    }
}

/// The per-user data folder of the gate's state.
pub(crate) fn default_home() -> Result<PathBuf> {
    let base = etcetera::choose_base_strategy().map_err(|_| Error::NoHome)?;
    Ok(base.data_dir().join("aport"))
}

// A client that failed to expand `${VAR}`, or a variable set to nothing, is a
// mistake of the set-up; taking the default instead could mean another ledger
// or no bound agent.
fn text(variable: &'static str, value: Option<OsString>) -> Result<Option<String>> {
    let Some(value) = value else { return Ok(None) };
    let value = value
        .into_string()
        .map_err(|_| environment(variable, "is not valid UTF-8".to_owned()))?;
    if value.trim().is_empty() {
        return Err(environment(
            variable,
            "is empty; set it or remove it".to_owned(),
        ));
    }
    if value.contains("${") {
        // A URL may hold a password beside what was not expanded.
        let shown = if variable == "APORT_API_KEY" {
            "holds an unexpanded `${…}`".to_owned()
        } else if value.contains("://") {
            "is a URL with an unexpanded `${…}`".to_owned()
        } else {
            format!("is the unexpanded text `{value}`")
        };
        return Err(environment(
            variable,
            format!("{shown}; the client that starts this server did not fill it in"),
        ));
    }
    Ok(Some(value))
}

fn switch(variable: &'static str, value: Option<String>) -> Result<bool> {
    match value.as_deref() {
        None | Some("off") => Ok(false),
        Some("on") => Ok(true),
        Some(other) => Err(environment(
            variable,
            format!("is `{other}`; use `on` or `off`"),
        )),
    }
}

fn retention(text: &str) -> Result<Retention> {
    match text.parse() {
        Ok(days @ 1..=LONGEST_RETENTION_DAYS) => {
            let kept = Duration::from_secs(days * 24 * 60 * 60);
            Ok(Retention::default().idempotency_keys(kept))
        }
        _ => Err(environment(
            "APORT_KEY_RETENTION_DAYS",
            format!("is `{text}`; use whole days from 1 to {LONGEST_RETENTION_DAYS}"),
        )),
    }
}

fn ledger(url: &str, home: Option<&Path>) -> Result<LedgerPlace> {
    let place =
        LedgerPlace::from_url(url).map_err(|problem| environment("APORT_DATABASE_URL", problem))?;
    match place {
        // Each client starts its server in a folder of its own choice: there, each would have caps of its own.
        LedgerPlace::File(path) if path.is_relative() => {
            let home = home.map_or_else(default_home, |home| Ok(home.to_owned()))?;
            Ok(LedgerPlace::File(home.join(path)))
        }
        place => Ok(place),
    }
}

fn timeout(text: &str) -> Result<Duration> {
    match text.parse() {
        Ok(ms @ 1..=LARGEST_TIMEOUT_MS) => Ok(Duration::from_millis(ms)),
        _ => Err(environment(
            "APORT_TIMEOUT_MS",
            format!("is `{text}`; use whole milliseconds from 1 to {LARGEST_TIMEOUT_MS}"),
        )),
    }
}

fn environment(variable: &'static str, problem: String) -> Error {
    Error::Environment { variable, problem }
}

#[cfg(test)]
mod tests;
