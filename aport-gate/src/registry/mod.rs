//! The registry: an HTTP server that answers for many gates, over the local verifier and its ledger.

mod access;
mod answer;
mod auth;
mod body;
mod expiry;
mod health;
mod key_ring;
mod limits;
mod metrics;
mod openapi;
mod origin;
mod outcome;
mod outcome_token;
mod passports;
mod problem;
mod published_keys;
mod question;
mod replay;
mod routes;
mod serve;
mod settings;
mod state;
mod tokens;
mod verify;

pub(crate) use self::access::Access;
pub(crate) use self::key_ring::{KeyRing, KeyRingError};
pub(crate) use self::serve::serve;
pub(crate) use self::settings::Settings;
pub(crate) use self::state::Registry;
