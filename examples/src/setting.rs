//! Variables of the environment, read strictly: half a configuration is an error, never a default.

use std::ffi::OsString;
use std::time::Duration;

use reqwest::Url;
use secrecy::SecretString;

/// What is wrong with a variable of the environment; never its value, where that may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{variable}` {problem}")]
pub struct SettingError {
    /// Name of the variable.
    pub variable: &'static str,
    /// What is wrong with it, and what to do.
    pub problem: String,
}

impl SettingError {
    pub(crate) fn new(variable: &'static str, problem: impl Into<String>) -> Self {
        Self {
            variable,
            problem: problem.into(),
        }
    }
}

/// Where variables are read from.
pub(crate) struct Environment<'a>(pub(crate) &'a dyn Fn(&str) -> Option<OsString>);

impl Environment<'_> {
    /// A variable, or none. One that is empty, or that a client failed to fill in, is an error.
    pub(crate) fn text(&self, variable: &'static str) -> Result<Option<String>, SettingError> {
        let Some(value) = (self.0)(variable) else {
            return Ok(None);
        };
        let wrong = |problem| Err(SettingError::new(variable, problem));
        match value.into_string() {
            Err(_) => wrong("is not valid UTF-8"),
            Ok(text) if text.trim().is_empty() => wrong("is empty; set it or remove it"),
            Ok(text) if text.contains("${") => wrong(
                "holds an unexpanded `${…}`; the client that starts this server did not fill it in",
            ),
            Ok(text) => Ok(Some(text)),
        }
    }

    /// A key that goes into a header.
    pub(crate) fn secret(
        &self,
        variable: &'static str,
    ) -> Result<Option<SecretString>, SettingError> {
        match self.text(variable)? {
            None => Ok(None),
            Some(text) if text.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Some(SecretString::from(text)))
            }
            Some(_) => Err(SettingError::new(
                variable,
                "holds a space, a line end or another character that cannot stand in a key",
            )),
        }
    }

    /// The address of an API: HTTPS, or HTTP to this machine.
    pub(crate) fn base(&self, variable: &'static str, default: &str) -> Result<Base, SettingError> {
        let text = self.text(variable)?;
        Base::parse(text.as_deref().unwrap_or(default), true)
            .map_err(|problem| SettingError::new(variable, problem))
    }

    /// The address of an API that may ask for no key: without one, HTTP to another machine will do.
    pub(crate) fn base_with(
        &self,
        has_key: bool,
        variable: &'static str,
        default: &str,
    ) -> Result<Base, SettingError> {
        let text = self.text(variable)?;
        Base::parse(text.as_deref().unwrap_or(default), has_key)
            .map_err(|problem| SettingError::new(variable, problem))
    }

    /// A time in whole milliseconds.
    pub(crate) fn milliseconds(
        &self,
        variable: &'static str,
        default: u64,
    ) -> Result<Duration, SettingError> {
        let text = self.text(variable)?;
        match text.as_deref().map_or(Ok(default), str::parse) {
            Ok(ms @ 100..=600_000) => Ok(Duration::from_millis(ms)),
            _ => Err(SettingError::new(
                variable,
                "is no number of milliseconds from 100 to 600000",
            )),
        }
    }
}

/// Where an API is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Base(Url);

impl Base {
    fn parse(text: &str, has_key: bool) -> Result<Self, &'static str> {
        let mut url = Url::parse(text.trim()).map_err(|_| "is no URL")?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("holds a user name or password; the key has a variable of its own");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("must end with its path: no `?` and no `#`");
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) || !has_key => {}
            "http" => {
                return Err(
                    "is `http:`: anybody on the way could read the key; use `https:`, or an address of this machine",
                );
            }
            _ => return Err("must begin with `https://`"),
        }
        // Paths are joined to it as text.
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    /// The address of `path`, which begins with a slash and is made of parts that were checked.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{self}{path}")
    }

    pub(crate) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }
}

impl std::fmt::Display for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_is_reached_over_tls_or_on_this_machine() {
        for (url, joined) in [
            ("https://api.github.com", Some("https://api.github.com/x")),
            (
                "https://git.acme.com/api/v3/",
                Some("https://git.acme.com/api/v3/x"),
            ),
            ("http://127.0.0.1:80/", Some("http://127.0.0.1/x")),
            ("http://[::1]:8080", Some("http://[::1]:8080/x")),
            ("http://localhost:1", Some("http://localhost:1/x")),
            ("http://api.github.com", None),
            ("http://127.0.0.1.acme.com", None),
            ("ftp://127.0.0.1", None),
            ("https://user:hunter2@acme.com", None),
            ("https://acme.com/?key=hunter2", None),
            ("acme.com", None),
        ] {
            let base = Base::parse(url, true);
            assert_eq!(
                base.as_ref().ok().map(|base| base.at("/x")).as_deref(),
                joined,
                "{url}"
            );
            assert!(
                base.err()
                    .is_none_or(|problem| !problem.contains("hunter2"))
            );
        }
    }

    #[test]
    fn a_variable_that_is_half_set_is_an_error_that_names_it_and_shows_no_value() {
        for value in ["", "  ", "${input:hunter2}", "hunter2\n", "hunter2 x"] {
            let get = |_: &str| Some(OsString::from(value));
            let error = Environment(&get).secret("GITHUB_TOKEN").unwrap_err();
            assert!(error.to_string().starts_with("`GITHUB_TOKEN` "), "{error}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
