//! Pages that may call from a browser.

use std::fmt;
use std::str::FromStr;

use axum::http::HeaderValue;
use reqwest::Url;

/// Where a page comes from, as browsers write it: `https://inspector.example` or `http://localhost:6274`.
///
/// ```
/// use aport_gate::http::AllowedOrigin;
/// let inspector: AllowedOrigin = "http://localhost:6274".parse()?;
/// assert!("*".parse::<AllowedOrigin>().is_err());
/// # Ok::<(), aport_gate::http::InvalidOrigin>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedOrigin(String);

/// A text that is no origin of a page.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "`{0}` is no origin of a page; write it as browsers do, such as `https://inspector.example` or `http://localhost:6274`, one by one"
)]
pub struct InvalidOrigin(String);

impl AllowedOrigin {
    pub(super) fn is(&self, origin: &HeaderValue) -> bool {
        self.0.as_bytes() == origin.as_bytes()
    }
}

impl FromStr for AllowedOrigin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let url = Url::parse(text).ok();
        let web = url.filter(|url| matches!(url.scheme(), "http" | "https"));
        // Anything else than what a browser would write matches no request, so it was meant otherwise.
        web.filter(|url| url.origin().ascii_serialization() == text && !text.contains('*'))
            .map(|_| Self(text.to_owned()))
            .ok_or_else(|| InvalidOrigin(text.chars().take(200).collect()))
    }
}

impl fmt::Display for AllowedOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_browser_writes_is_one() {
        for good in [
            "https://inspector.example",
            "http://localhost:6274",
            "http://[::1]:6274",
        ] {
            assert_eq!(good.parse::<AllowedOrigin>().unwrap().to_string(), good);
        }
        for wrong in [
            "",
            "*",
            "null",
            "inspector.example",
            "https://inspector.example/",
            "https://inspector.example/page",
            "https://Inspector.example",
            "https://inspector.example:443",
            "https://*.example",
            "file:///page",
            "https://a.example https://b.example",
        ] {
            assert!(wrong.parse::<AllowedOrigin>().is_err(), "{wrong}");
        }
    }
}
