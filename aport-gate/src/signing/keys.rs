//! The signing keys of an installation: `APORT_HOME/keys`, numbered files, the last one signs.

use std::path::{Path, PathBuf};
#[cfg(feature = "cli")]
use std::time::Duration;
use std::time::SystemTime;

use super::error::KeyError;
use super::jwk::Jwks;
use super::key_file;
use super::signer::DecisionSigner;

/// The keys of one `APORT_HOME`: the current one signs, older ones stay published, so that what
/// they signed can be checked.
///
/// Files are named `ed25519-000001.jwk`, `ed25519-000002.jwk`, …; the highest number is current.
/// A file is for its owner alone (on Unix mode 600, else it is refused). To stop believing an old
/// key, remove its file.
#[derive(Debug)]
pub struct SigningKeys {
    folder: PathBuf,
    older: Vec<(SystemTime, DecisionSigner)>,
    current: DecisionSigner,
    #[cfg_attr(
        not(feature = "cli"),
        expect(
            dead_code,
            reason = "only a registry publishes keys before it signs with them"
        )
    )]
    made: SystemTime,
    number: u64,
}

impl SigningKeys {
    /// Opens the keys in `folder`, and makes the first one when there is none. Processes that start
    /// together agree on one key.
    ///
    /// # Errors
    /// [`KeyError`] names the file. One bad file stops it: which keys count must not depend on luck.
    pub fn open(folder: &Path) -> Result<Self, KeyError> {
        create_private(folder)?;
        if numbers(folder)?.is_empty() {
            key_file::create(&file(folder, 1))?;
        }
        Self::read(folder)
    }

    /// The keys in `folder`, if there are any. Makes nothing.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn existing(folder: &Path) -> Result<Option<Self>, KeyError> {
        if !folder.exists() || numbers(folder)?.is_empty() {
            return Ok(None);
        }
        Self::read(folder).map(Some)
    }

    /// Makes a new key, which is current from now on. Running gates go on with the key they started
    /// with; what it signs stays valid. Running registries take it up.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn rotate(self) -> Result<Self, KeyError> {
        // Where another process made this very number meanwhile, its key is the new one.
        key_file::create(&file(&self.folder, self.number.saturating_add(1)))?;
        Self::read(&self.folder)
    }

    /// The signer with the current key.
    #[must_use]
    pub fn signer(&self) -> &DecisionSigner {
        &self.current
    }

    /// The newest key that was there this long ago already, for those who publish keys before they sign with
    /// them; while all are newer, the oldest.
    #[cfg(feature = "cli")]
    pub(crate) fn signer_known_for(&self, age: Duration) -> &DecisionSigner {
        let now = SystemTime::now();
        let newest = std::iter::once((&self.made, &self.current));
        let older = self.older.iter().rev().map(|(made, key)| (made, key));
        let all: Vec<_> = newest.chain(older).collect();
        // A clock that was set back makes a key look newer than it is.
        let known = all
            .iter()
            .find(|(made, _)| now.duration_since(**made).is_ok_and(|found| found >= age));
        known
            .or(all.last())
            .map_or(&self.current, |(_, signer)| *signer)
    }

    /// All public keys, the current one first.
    #[must_use]
    pub fn jwks(&self) -> Jwks {
        let older = self.older.iter().rev().map(|(_, key)| key);
        let keys = std::iter::once(&self.current).chain(older);
        Jwks {
            keys: keys.map(DecisionSigner::public_key).collect(),
        }
    }

    fn read(folder: &Path) -> Result<Self, KeyError> {
        let mut keys = Vec::new();
        for number in numbers(folder)? {
            let path = file(folder, number);
            let key = key_file::read(&path)?;
            let data = std::fs::metadata(&path).and_then(|data| data.modified());
            let made = data.map_err(|source| KeyError::Io { path, source })?;
            keys.push((number, made, key));
        }
        let Some((number, made, current)) = keys.pop() else {
            return Err(KeyError::Io {
                path: folder.to_owned(),
                source: std::io::Error::other("its keys were removed while they were read"),
            });
        };
        Ok(Self {
            folder: folder.to_owned(),
            older: keys.into_iter().map(|(_, made, key)| (made, key)).collect(),
            current,
            made,
            number,
        })
    }
}

fn file(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("ed25519-{number:06}.jwk"))
}

fn numbers(folder: &Path) -> Result<Vec<u64>, KeyError> {
    let io = |source| KeyError::Io {
        path: folder.to_owned(),
        source,
    };
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        let number = name.to_str().and_then(|name| {
            name.strip_prefix("ed25519-")?
                .strip_suffix(".jwk")?
                .parse()
                .ok()
        });
        // Only names as this crate writes them: `ed25519-1.jwk` would be a second number 1.
        numbers.extend(number.filter(|number| file(folder, *number).file_name() == Some(&name)));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn create_private(folder: &Path) -> Result<(), KeyError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder).map_err(|source| KeyError::Io {
        path: folder.to_owned(),
        source,
    })
}
