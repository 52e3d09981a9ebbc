//! What of a decision is signed.

use aport_gate_oap::canonical_json;
use serde_json::{Map, Value};

use super::error::SignatureError;

/// Field of the signature.
pub(super) const SIGNATURE: &str = "signature";
/// Field of the key's id.
pub(super) const KID: &str = "kid";
/// What a signature begins with.
pub(super) const ALGORITHM: &str = "ed25519:";

/// The canonical bytes that a signature is over: the document as it is, without its signature.
///
/// The key's id stays in: a signature is moved to no other key.
pub(super) fn signed_bytes(document: &Map<String, Value>) -> Result<Vec<u8>, SignatureError> {
    let mut unsigned = document.clone();
    unsigned.remove(SIGNATURE);
    Ok(canonical_json(&Value::Object(unsigned))?)
}
