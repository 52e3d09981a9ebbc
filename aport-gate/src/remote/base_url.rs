//! Where the registry is.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use super::error::RegistryError;

/// The registry of registry mode when nobody names another.
pub(super) const DEFAULT: &str = "https://api.aport.io";

/// The address of a registry: HTTPS, or HTTP where nobody on the way can read or change it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    url: Url,
    is_loopback: bool,
}

impl BaseUrl {
    /// `allow_http`: the operator said by name that HTTP will do.
    ///
    /// # Errors
    /// What is wrong, without the URL: it may hold a password by mistake.
    pub(crate) fn parse(text: &str, allow_http: bool) -> Result<Self, RegistryError> {
        let wrong = |problem: &str| Err(RegistryError::Setup(problem.to_owned()));
        let Ok(mut url) = Url::parse(text.trim()) else {
            return wrong("is no URL; give one such as `https://registry.example.com`");
        };
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("holds a user name or password; give the key with APORT_API_KEY");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return wrong("must end with its path: no `?` and no `#`");
        }
        let is_loopback = url.host_str().is_some_and(is_loopback);
        match url.scheme() {
            "https" => {}
            "http" if is_loopback || allow_http => {}
            "http" => {
                return wrong(
                    "is `http:`: anybody on the way could read the key and forge decisions; use `https:`, or set APORT_ALLOW_HTTP=on if that network is yours alone",
                );
            }
            _ => return wrong("must begin with `https://`"),
        }
        // A base without its slash at the end would lose its last segment to what is joined.
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(Self { url, is_loopback })
    }

    /// The address of `segments` under this one.
    pub(super) fn at(&self, segments: &[&str]) -> Url {
        let mut url = self.url.clone();
        // Never fails: the schemes above have paths.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    pub(super) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether it is this machine; a proxy is never asked for it.
    pub(super) fn is_loopback(&self) -> bool {
        self.is_loopback
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether a URL's host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_needs_loopback_or_the_operators_word() {
        for (url, allowed) in [
            ("https://registry.example.com", true),
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:8080", true),
            ("http://localhost:8080", true),
            ("http://registry.example.com", false),
            ("http://localhost.example.com", false),
            ("http://127.0.0.1.example.com", false),
            ("ftp://127.0.0.1", false),
            ("127.0.0.1:80", false),
            ("https://user:hunter2@registry.example.com", false),
            ("https://registry.example.com/?key=hunter2", false),
        ] {
            let parsed = BaseUrl::parse(url, false);
            assert_eq!(parsed.is_ok(), allowed, "{url}");
            if let Err(error) = parsed {
                assert!(!error.to_string().contains("hunter2"), "{error}");
            }
        }
        assert!(BaseUrl::parse("http://registry.example.com", true).is_ok());
    }

    #[test]
    fn a_path_before_the_api_stays() {
        let base = BaseUrl::parse("https://example.com/aport", false).unwrap();
        let url = base.at(&["api", "verify", "policy", "a.b.v1"]);
        assert_eq!(
            url.as_str(),
            "https://example.com/aport/api/verify/policy/a.b.v1"
        );
        assert_eq!(
            base.at(&["api", "../x"]).as_str(),
            "https://example.com/aport/api/..%2Fx"
        );
    }
}
