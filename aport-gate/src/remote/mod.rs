//! Registry mode: decisions over HTTP (design, section 8), from a server that may be slow, broken or
//! hostile, over a network that may be all three.
//!
//! `exchange` makes one request under one deadline, `attempts` repeats it where the answer was no
//! decision, `breaker` stops asking a registry that is dead, `answer`, `decision` and `signature`
//! are what an answer has to pass before it counts.

mod administration;
mod answer;
mod api_key;
mod attempts;
mod base_url;
mod breaker;
mod cache;
#[cfg(feature = "cli")]
mod checkup;
mod client;
mod decision;
mod error;
mod exchange;
mod gate;
mod health;
mod keys;
mod outcome;
mod passport;
mod record;
mod secrets;
mod settings;
mod signature;
mod tls;
mod used;
mod verifier;

pub(crate) use self::api_key::ApiKey;
#[cfg(any(feature = "http", feature = "http-client"))]
pub(crate) use self::base_url::is_loopback;
#[cfg(feature = "cli")]
pub(crate) use self::checkup::pinned_keys;
pub use self::client::{DecisionToken, RegistryClient, RegistryClientBuilder};
pub use self::error::RegistryError;
pub use self::health::RegistryHealth;
pub(crate) use self::settings::{LONGEST_CACHE, RegistrySettings};
#[cfg(any(feature = "http", feature = "http-client"))]
pub(crate) use self::tls::config as tls_config;
pub(crate) use self::verifier::RegistryVerifier;
