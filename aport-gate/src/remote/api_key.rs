//! The bearer of this server's access to the registry.

use std::fmt;

use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

use super::error::RegistryError;

/// A secret that nothing prints; wiped when it is dropped.
#[derive(Clone)]
pub(crate) struct ApiKey(Zeroizing<String>);

impl ApiKey {
    pub(crate) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The key itself, to find it where it must not stand.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The value of `Authorization`, which no debug output shows.
    ///
    /// # Errors
    /// What is wrong, without any of the key: a character that cannot stand in a header would fail at the first
    /// call, or end the header.
    pub(crate) fn header(&self) -> Result<HeaderValue, RegistryError> {
        let wrong = |problem: &str| RegistryError::Setup(format!("the API key {problem}"));
        if self.0.is_empty() {
            return Err(wrong("is empty"));
        }
        let bearer = Zeroizing::new(format!("Bearer {}", self.0.as_str()));
        let value = HeaderValue::from_str(&bearer)
            .ok()
            .filter(|_| self.0.bytes().all(|byte| byte.is_ascii_graphic()));
        let mut value = value.ok_or_else(|| {
            wrong("holds a space, a line end or another character that cannot stand in it")
        })?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_shows_itself_nowhere() {
        let key = ApiKey::new("hunter2".to_owned());
        assert!(!format!("{key:?} {:?}", key.header().unwrap()).contains("hunter2"));
        for bad in ["", "hunter2\n", "hunter2 x", "hunter2é"] {
            let error = ApiKey::new(bad.to_owned()).header().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
