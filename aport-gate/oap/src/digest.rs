//! SHA-256 over canonical JSON (RFC 8785): one document, one digest, in every language.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// Largest integer that every JSON reader holds exactly: 2^53 - 1 (RFC 8785, section 3.2.2.3).
const MAX_SAFE: u64 = (1 << 53) - 1;

/// A SHA-256 digest, written `sha256:` and 64 lowercase hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

/// The text is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no digest: expected `sha256:` and 64 lowercase hex digits")]
pub struct InvalidDigest {
    /// What was given, cut to 80 characters.
    pub text: String,
}

/// The value has no canonical form that every reader would agree on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// A number that canonical JSON would silently round.
    #[error(
        "number {number} at `{path}` is beyond 2^53 - 1 and would be rounded; send it as a string"
    )]
    UnsafeInteger {
        /// JSON path, `$` for the root.
        path: String,
        /// The number as read.
        number: String,
    },
    /// The canonicaliser refused the value.
    #[error("no canonical form: {0}")]
    Canonicalizer(String),
}

/// Canonical bytes of a value (RFC 8785).
///
/// # Errors
/// [`CanonicalError::UnsafeInteger`] for integers beyond ±(2^53 - 1), floats of that size included: a
/// canonicaliser rounds them, and two different amounts would share one digest.
pub fn canonical_json(value: &Value) -> Result<Vec<u8>, CanonicalError> {
    refuse_unsafe(value, &mut Vec::new())?;
    serde_json_canonicalizer::to_vec(value)
        .map_err(|error| CanonicalError::Canonicalizer(error.to_string()))
}

/// Digest of the canonical form of a value.
///
/// ```
/// use aport_gate_oap::digest_json;
/// use serde_json::json;
/// let one = digest_json(&json!({"b": 1, "a": 2}))?;
/// assert_eq!(one, digest_json(&json!({"a": 2, "b": 1.0}))?);
/// assert!(one.to_string().starts_with("sha256:"));
/// # Ok::<(), aport_gate_oap::CanonicalError>(())
/// ```
///
/// # Errors
/// As [`canonical_json`].
pub fn digest_json(value: &Value) -> Result<Digest, CanonicalError> {
    canonical_json(value).map(|bytes| Digest::of(&bytes))
}

/// One step into a document. Text is only made of it when something is refused.
enum Step<'v> {
    Key(&'v str),
    Item(usize),
}

fn refuse_unsafe<'v>(value: &'v Value, path: &mut Vec<Step<'v>>) -> Result<(), CanonicalError> {
    match value {
        Value::Number(number) => {
            let safe = if let Some(int) = number.as_i64() {
                int.unsigned_abs() <= MAX_SAFE
            } else if number.is_u64() {
                false
            } else {
                // A float of this size has no fraction: it is an integer that was rounded while reading.
                number
                    .as_f64()
                    .is_some_and(|float| float.abs() < 9_007_199_254_740_992.0)
            };
            if safe {
                Ok(())
            } else {
                Err(CanonicalError::UnsafeInteger {
                    path: render(path),
                    number: number.to_string(),
                })
            }
        }
        Value::Array(items) => items.iter().enumerate().try_for_each(|(at, item)| {
            path.push(Step::Item(at));
            refuse_unsafe(item, path)?;
            path.pop();
            Ok(())
        }),
        Value::Object(map) => map.iter().try_for_each(|(key, item)| {
            path.push(Step::Key(key));
            refuse_unsafe(item, path)?;
            path.pop();
            Ok(())
        }),
        _ => Ok(()),
    }
}

fn render(path: &[Step<'_>]) -> String {
    path.iter().fold("$".to_owned(), |text, step| match step {
        Step::Key(key) => format!("{text}.{key}"),
        Step::Item(at) => format!("{text}[{at}]"),
    })
}

impl Digest {
    /// SHA-256 of these bytes as they are.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads `sha256:<hex>`.
    ///
    /// # Errors
    /// [`InvalidDigest`] for any other text, uppercase hex included.
    pub fn parse(text: &str) -> Result<Self, InvalidDigest> {
        let invalid = || InvalidDigest {
            text: text.chars().take(80).collect(),
        };
        let hex = text
            .strip_prefix("sha256:")
            .map(str::as_bytes)
            .ok_or_else(invalid)?;
        if hex.len() != 64 {
            return Err(invalid());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            let mut digits = pair.iter().map(|digit| match digit {
                b'0'..=b'9' => Some(digit - b'0'),
                b'a'..=b'f' => Some(digit - b'a' + 10),
                _ => None,
            });
            let (Some(Some(high)), Some(Some(low))) = (digits.next(), digits.next()) else {
                return Err(invalid());
            };
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
