//! One private key as a file: a JWK (RFC 8037) for its owner's eyes only.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::KeyError;
use super::signer::DecisionSigner;

/// Largest key file that is read, in bytes.
const MAX_BYTES: u64 = 4096;

#[derive(Serialize, Deserialize)]
struct PrivateJwk {
    kty: String,
    crv: String,
    kid: String,
    x: String,
    d: Zeroizing<String>,
}

pub(super) fn read(path: &Path) -> Result<DecisionSigner, KeyError> {
    let damaged = |problem| KeyError::Damaged {
        path: path.to_owned(),
        problem,
    };
    let bytes = read_private(path)?;
    // The parser's own message could quote the key.
    let jwk: PrivateJwk =
        serde_json::from_slice(&bytes).map_err(|_| damaged("it is not a private JWK"))?;
    if jwk.kty != "OKP" || jwk.crv != "Ed25519" {
        return Err(damaged("it is not an Ed25519 key"));
    }
    let mut seed = Zeroizing::new([0; 32]);
    match BASE64_URL_SAFE_NO_PAD.decode_slice(jwk.d.as_bytes(), &mut *seed) {
        Ok(32) => {}
        _ => return Err(damaged("`d` is not 32 bytes as base64url without padding")),
    }
    let signer = DecisionSigner::from_seed(&seed);
    let public = signer.public_key();
    if public.x.as_deref() != Some(jwk.x.as_str()) || signer.kid() != jwk.kid {
        return Err(damaged(
            "its public and its private half do not belong together",
        ));
    }
    Ok(signer)
}

/// The bytes of a file that only its owner may read.
pub(crate) fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let io = |source| KeyError::Io {
        path: path.to_owned(),
        source,
    };
    if !std::fs::metadata(path).map_err(io)?.is_file() {
        return Err(KeyError::Damaged {
            path: path.to_owned(),
            problem: "it is not a regular file",
        });
    }
    let file = File::open(path).map_err(io)?;
    // Asked of the open file: another one under its name would not be noticed.
    refuse_open_to_others(&file, path)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES as usize));
    file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

/// Makes a key and writes it to `path`, whole or not at all. Tells whether it did: where there is
/// a file already, that one stays.
pub(super) fn create(path: &Path) -> Result<bool, KeyError> {
    let io = |source| KeyError::Io {
        path: path.to_owned(),
        source,
    };
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(KeyError::Random)?;
    let signer = DecisionSigner::from_seed(&seed);
    let jwk = PrivateJwk {
        kty: "OKP".to_owned(),
        crv: "Ed25519".to_owned(),
        kid: signer.kid().to_owned(),
        x: signer.public_key().x.unwrap_or_default(),
        d: Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(*seed)),
    };
    let text = serde_json::to_string(&jwk).map(Zeroizing::new);
    let text = text.map_err(|error| io(error.into()))?;
    create_private_file(path, text.as_bytes())
}

/// Writes a file that only its owner may read, whole or not at all. Tells whether it did: where there
/// is a file already, that one stays.
pub(crate) fn create_private_file(path: &Path, bytes: &[u8]) -> Result<bool, KeyError> {
    let io = |source| KeyError::Io {
        path: path.to_owned(),
        source,
    };
    let scratch = path.with_file_name(format!(".new-{}", uuid::Uuid::new_v4()));
    let written = write_private(&scratch, bytes)
        // Unlike a rename, a link never replaces the key of somebody who was faster.
        .and_then(|()| std::fs::hard_link(&scratch, path));
    let removed = std::fs::remove_file(&scratch);
    match written {
        Ok(()) => removed.map(|()| true).map_err(io),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(io(error)),
    }
}

pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    // A key that signed something must not be lost to a power cut.
    file.sync_all()
}

#[cfg(unix)]
fn refuse_open_to_others(file: &File, path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = file.metadata().map_err(|source| KeyError::Io {
        path: path.to_owned(),
        source,
    })?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(KeyError::OpenToOthers {
        path: path.to_owned(),
        mode,
    })
}

// Elsewhere the per-user data folder's own access list protects it.
#[cfg(not(unix))]
fn refuse_open_to_others(_file: &File, _path: &Path) -> Result<(), KeyError> {
    Ok(())
}
