//! Canonical JSON (RFC 8785), written in one pass: members sorted, numbers as ECMAScript writes them, and
//! numbers that it would round refused.

use serde_json::{Map, Number, Value};
use sha2::{Digest as _, Sha256};
use std::cmp::Ordering;

use crate::digest::Digest;

/// Integers below 2^53 are those that every JSON reader holds exactly (RFC 8785, section 3.2.2.3).
const BEYOND_SAFE: u64 = 1 << 53;

/// Deepest nesting of arrays and objects.
const MAX_DEPTH: usize = 128;

/// What was written is hashed whenever there is this much of it, in bytes.
const PIECE: usize = 16 * 1024;

/// The value has no canonical form that every reader would agree on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// A number that canonical JSON would silently round.
    #[error(
        "number {number} at `{path}` is beyond 2^53 - 1 and would be rounded; send a smaller one, or a string where one is taken"
    )]
    UnsafeInteger {
        /// JSON path, `$` for the root.
        path: String,
        /// The number as read.
        number: String,
    },
    /// Nested deeper than 128 levels.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

/// Canonical bytes of a value (RFC 8785).
///
/// # Errors
/// [`CanonicalError::UnsafeInteger`] for integers beyond ±(2^53 - 1), floats of that size included: a
/// canonicaliser rounds them, and two different amounts would share one digest.
/// [`CanonicalError::TooDeep`] beyond 128 levels of arrays and objects.
pub fn canonical_json(value: &Value) -> Result<Vec<u8>, CanonicalError> {
    let mut writer = Writer::new(None);
    writer.value(value, 0).map_err(Refused::into_error)?;
    Ok(writer.out)
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
    let mut hasher = Sha256::new();
    let mut writer = Writer::new(Some(&mut hasher));
    writer.value(value, 0).map_err(Refused::into_error)?;
    let rest = writer.out;
    hasher.update(&rest);
    Ok(Digest::from_bytes(hasher.finalize().into()))
}

/// Whether a number has a canonical form.
#[cfg(feature = "evaluate")]
pub(crate) fn is_exact(number: &Number) -> bool {
    let integer = number.as_i64().map(i64::unsigned_abs).or(number.as_u64());
    match integer {
        Some(integer) => integer < BEYOND_SAFE,
        None => number
            .as_f64()
            .is_some_and(|float| float.abs() < BEYOND_SAFE as f64),
    }
}

/// What was refused, and the steps to it from the inside out.
enum Refused {
    Unsafe { number: Number, path: Vec<String> },
    TooDeep,
}

impl Refused {
    #[cold]
    fn inside(mut self, step: impl FnOnce() -> String) -> Self {
        if let Self::Unsafe { path, .. } = &mut self {
            path.push(step());
        }
        self
    }

    fn into_error(self) -> CanonicalError {
        match self {
            Self::TooDeep => CanonicalError::TooDeep,
            Self::Unsafe { number, path } => CanonicalError::UnsafeInteger {
                path: path
                    .iter()
                    .rev()
                    .fold("$".to_owned(), |all, step| all + step),
                number: number.to_string(),
            },
        }
    }
}

struct Writer<'h> {
    out: Vec<u8>,
    /// Takes what was written, piece by piece: a digest of a large document needs no copy of it.
    hasher: Option<&'h mut Sha256>,
}

impl<'h> Writer<'h> {
    fn new(hasher: Option<&'h mut Sha256>) -> Self {
        let out = Vec::with_capacity(1024);
        Self { out, hasher }
    }

    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Refused> {
        match value {
            Value::Null => self.out.extend_from_slice(b"null"),
            Value::Bool(true) => self.out.extend_from_slice(b"true"),
            Value::Bool(false) => self.out.extend_from_slice(b"false"),
            Value::Number(number) => return self.number(number),
            Value::String(text) => self.text(text),
            Value::Array(items) => return self.array(items, depth + 1),
            Value::Object(members) => return self.object(members, depth + 1),
        }
        Ok(())
    }

    fn array(&mut self, items: &[Value], depth: usize) -> Result<(), Refused> {
        bounded(depth)?;
        self.out.push(b'[');
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            self.value(item, depth)
                .map_err(|refused| refused.inside(|| format!("[{at}]")))?;
            self.hash_full_piece();
        }
        self.out.push(b']');
        Ok(())
    }

    fn object(&mut self, members: &Map<String, Value>, depth: usize) -> Result<(), Refused> {
        bounded(depth)?;
        self.out.push(b'{');
        // How `serde_json` orders members depends on how it was built, and is never quite the RFC's order.
        if members
            .keys()
            .is_sorted_by(|one, next| by_utf16(one, next) == Ordering::Less)
        {
            self.members(members.iter(), depth)?;
        } else {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by(|(one, _), (other, _)| by_utf16(one, other));
            self.members(sorted.into_iter(), depth)?;
        }
        self.out.push(b'}');
        Ok(())
    }

    fn members<'v>(
        &mut self,
        members: impl Iterator<Item = (&'v String, &'v Value)>,
        depth: usize,
    ) -> Result<(), Refused> {
        for (at, (name, member)) in members.enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            self.text(name);
            self.out.push(b':');
            self.value(member, depth)
                .map_err(|refused| refused.inside(|| format!(".{name}")))?;
            self.hash_full_piece();
        }
        Ok(())
    }

    fn number(&mut self, number: &Number) -> Result<(), Refused> {
        if let Some(integer) = number.as_i64().filter(|it| it.unsigned_abs() < BEYOND_SAFE) {
            self.out
                .extend_from_slice(itoa::Buffer::new().format(integer).as_bytes());
            return Ok(());
        }
        // A float of this size has no fraction: it is an integer that was rounded while reading.
        match number
            .as_f64()
            .filter(|float| float.abs() < 9_007_199_254_740_992.0)
        {
            Some(float) => {
                let mut digits = ryu_js::Buffer::new();
                self.out
                    .extend_from_slice(digits.format_finite(float).as_bytes());
                Ok(())
            }
            None => Err(Refused::Unsafe {
                number: number.clone(),
                path: Vec::new(),
            }),
        }
    }

    fn text(&mut self, text: &str) {
        self.out.push(b'"');
        // Few texts hold anything to escape. A whole chunk is looked at without a branch for each byte.
        for chunk in text.as_bytes().chunks(32) {
            if chunk
                .iter()
                .fold(false, |found, byte| found | is_escaped(*byte))
            {
                chunk.iter().for_each(|byte| self.byte(*byte));
            } else {
                self.out.extend_from_slice(chunk);
            }
        }
        self.out.push(b'"');
    }

    /// RFC 8785, section 3.2.2.2.
    fn byte(&mut self, byte: u8) {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            0x08 => b"\\b",
            b'\t' => b"\\t",
            b'\n' => b"\\n",
            0x0c => b"\\f",
            b'\r' => b"\\r",
            control if control < 0x20 => {
                self.out.extend_from_slice(b"\\u00");
                self.out.push(b'0' + (control >> 4));
                let low = control & 0xf;
                self.out.push(if low < 10 {
                    b'0' + low
                } else {
                    b'a' - 10 + low
                });
                return;
            }
            plain => return self.out.push(plain),
        };
        self.out.extend_from_slice(escape);
    }

    fn hash_full_piece(&mut self) {
        if let Some(hasher) = &mut self.hasher
            && self.out.len() >= PIECE
        {
            hasher.update(&self.out);
            self.out.clear();
        }
    }
}

fn bounded(depth: usize) -> Result<(), Refused> {
    if depth > MAX_DEPTH {
        return Err(Refused::TooDeep);
    }
    Ok(())
}

fn is_escaped(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// The order of the texts' UTF-16 code units. That of their UTF-8 bytes differs in one place: characters from
/// U+10000 on (first byte F0 to F4) are surrogates in UTF-16, before U+E000 to U+FFFF (first byte EE or EF).
fn by_utf16(one: &str, other: &str) -> Ordering {
    let place = |byte: u8| match byte {
        0xee | 0xef => byte + 0x10,
        _ => byte,
    };
    let pairs = one.bytes().zip(other.bytes());
    let differs = pairs
        .map(|(one, other)| place(one).cmp(&place(other)))
        .find(|order| order.is_ne());
    differs.unwrap_or_else(|| one.len().cmp(&other.len()))
}
