//! What secure mode asks of a decision beyond the simple checks.

use serde_json::{Map, Value};

use aport_gate_oap::Digest;

use super::error::RegistryError;

/// Whom, what and until when: all of it has to stand in what is signed.
///
/// # Errors
/// The first thing that is missing.
pub(super) fn is_bound(document: &Map<String, Value>) -> Result<(), RegistryError> {
    let has = |field: &str| document.get(field).is_some_and(|value| !value.is_null());
    if !has("policy_id") {
        return Err(RegistryError::Unbound("policy_id"));
    }
    if !has("agent_id") && !has("passport_id") {
        return Err(RegistryError::Unbound("agent_id"));
    }
    if !has("expires_at") && !(has("expires_in") && (has("created_at") || has("issued_at"))) {
        return Err(RegistryError::Unbound("expires_at"));
    }
    passport_digest(document).map(|_| ())
}

/// Digest of the passport that the decision was made on.
///
/// # Errors
/// It is missing or no digest.
pub(super) fn passport_digest(document: &Map<String, Value>) -> Result<Digest, RegistryError> {
    let text = document.get("passport_digest").and_then(Value::as_str);
    text.and_then(|text| Digest::parse(text).ok())
        .ok_or(RegistryError::Unbound("passport_digest"))
}
