//! The URL under which others reach a server, through a proxy that ends TLS.

use std::fmt;
use std::str::FromStr;

use axum::http::Uri;

/// An `https:` URL without user, query or fragment, such as `https://mcp.example.com/mcp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    host: String,
    authority: String,
    path: String,
}

/// A text that is no URL under which a server can be published.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{0}` is no URL of a server behind TLS; use one such as `https://mcp.example.com/mcp`")]
pub struct InvalidPublicUrl(String);

impl PublicUrl {
    /// The name that clients put into `Host`, without a port.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Its origin, as browsers write it.
    pub(super) fn origin(&self) -> String {
        let authority = self.authority.strip_suffix(":443");
        format!("https://{}", authority.unwrap_or(&self.authority))
    }

    /// Its path, without a slash at the end.
    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(text: &str) -> Result<Self, InvalidPublicUrl> {
        let invalid = || InvalidPublicUrl(text.chars().take(200).collect());
        let uri: Uri = text.parse().map_err(|_| invalid())?;
        let authority = uri.authority().ok_or_else(invalid)?;
        let plain = uri.scheme_str() == Some("https")
            && uri.query().is_none()
            && !text.contains(['#', '@', '"', '\\'])
            && !authority.host().is_empty();
        if !plain {
            return Err(invalid());
        }
        Ok(Self {
            text: text.to_owned(),
            host: authority.host().to_ascii_lowercase(),
            authority: authority.as_str().to_ascii_lowercase(),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_url_of_https_is_one() {
        let url: PublicUrl = "https://MCP.example.com:443/mcp".parse().unwrap();
        assert_eq!((url.host(), url.path()), ("mcp.example.com", "/mcp"));
        assert_eq!(url.origin(), "https://mcp.example.com");
        for wrong in [
            "http://mcp.example.com/mcp",
            "mcp.example.com",
            "/mcp",
            "https://user@example.com/",
            "https://example.com/?a=b",
            "https://example.com/#a",
            "",
        ] {
            assert!(wrong.parse::<PublicUrl>().is_err(), "{wrong}");
        }
    }
}
