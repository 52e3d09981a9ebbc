//! Why a signature does not count, and why keys cannot be used.

use std::path::PathBuf;

use aport_gate_oap::CanonicalError;

/// Why a document is not the signed decision that it says it is, or cannot be signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// Not a JSON object.
    #[error("a decision must be a JSON object")]
    NotAnObject,
    /// It has no canonical form, so there is nothing to sign.
    #[error("the decision cannot be signed or checked: {0}")]
    Canonical(#[from] CanonicalError),
    /// It cannot be written as JSON.
    #[error("the decision cannot be written as JSON: {0}")]
    Encoding(#[from] serde_json::Error),
    /// A field is missing or malformed.
    #[error("decision field `{field}` must be {expected}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// No key has this id.
    #[error("no known key has the id `{kid}`; fetch the signer's current keys")]
    UnknownKey {
        /// The id, cut to 200 characters.
        kid: String,
    },
    /// The signature is not this key's over this document.
    #[error("the signature is not that of key `{kid}` over this decision")]
    Mismatch {
        /// Id of the key.
        kid: String,
    },
    /// A key of a key set cannot be used.
    #[error("key `{kid}` cannot be used: {problem}")]
    Key {
        /// Id of the key, cut to 200 characters.
        kid: String,
        /// Why not.
        problem: &'static str,
    },
}

/// Why the signing keys cannot be used. Never tells anything of a key itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The folder or a file cannot be read or written.
    #[error("`{}` cannot be used for signing keys: {source}", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Others on this machine may read or change a key.
    #[error(
        "key file `{}` is open to other users (mode {mode:03o}); make it yours alone with `chmod 600`, and rotate it if somebody may have read it",
        path.display()
    )]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is no key file.
    #[error("key file `{}` is damaged: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, without its content.
        problem: &'static str,
    },
    /// The operating system gave no random bytes.
    #[error("no random bytes for a new key: {0}")]
    Random(getrandom::Error),
}
