//! URLs as the WHATWG standard reads them, which is how browsers and most HTTP clients do. What clients read
//! in different ways is refused, since the one that fetches may be another than the one that judged.

use super::{Call, Failure};
use crate::reason::shown;
use url::{Host, Url};

pub(super) const FIELDS: [&str; 5] = ["url", "target_url", "uri", "endpoint", "href"];

/// The URL of the call.
pub(super) struct Target {
    pub(super) field: &'static str,
    pub(super) raw: String,
    pub(super) url: Url,
    /// Host without a final dot.
    pub(super) host: Host,
}

/// The URL of the call, if it has one. A browser's click has none, nor has its empty page.
pub(super) fn read(call: &Call<'_>) -> Result<Option<Target>, Failure> {
    let Some((field, raw)) = call.text(&FIELDS)? else {
        return Ok(None);
    };
    if raw.trim().is_empty() || raw.trim() == "about:blank" {
        return Ok(None);
    }
    let (url, host) = parse(field, raw, &["http", "https"])?;
    Ok(Some(Target {
        field,
        raw: raw.to_owned(),
        url,
        host,
    }))
}

/// Parses an absolute URL of one of the schemes.
pub(super) fn parse(field: &str, raw: &str, schemes: &[&str]) -> Result<(Url, Host), Failure> {
    let refuse = |why: String| {
        let text = format!("`{field}` {} {why}", shown(&raw.into()));
        Failure::of(field, raw, text)
    };
    if raw.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(refuse("holds spaces or control characters".to_owned()));
    }
    // Some clients take `\` for `/`, others for a part of the name before `@`.
    if raw.contains('\\') {
        return Err(refuse("holds a backslash".to_owned()));
    }
    let url = Url::parse(raw).map_err(|error| refuse(format!("is no absolute URL: {error}")))?;
    if !schemes.contains(&url.scheme()) {
        let known = schemes.join("` or `");
        return Err(refuse(format!(
            "has the scheme `{}`, expected `{known}`",
            url.scheme()
        )));
    }
    // `https:example.com` and `https:///example.com` are repaired by some clients only.
    let slashes = raw
        .get(url.scheme().len()..)
        .and_then(|rest| rest.strip_prefix("://"))
        .is_some_and(|rest| !rest.starts_with('/'));
    if !slashes {
        return Err(refuse(
            "must have `://` and a host after its scheme".to_owned(),
        ));
    }
    if !url.username().is_empty() || url.password().is_some() || authority(raw).contains('@') {
        return Err(refuse(
            "carries a user name before its host; leave it out".to_owned(),
        ));
    }
    match url.host().map(|host| host.to_owned()) {
        Some(host) => {
            let host = without_dot(host);
            Ok((url, host))
        }
        None => Err(refuse("has no host".to_owned())),
    }
}

fn authority(raw: &str) -> &str {
    let rest = raw.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// `example.com.` is `example.com`.
fn without_dot(host: Host) -> Host {
    match host {
        Host::Domain(name) => {
            let bare = name.trim_end_matches('.');
            // `127.0.0.1.` is a name to the URL standard and an address to resolvers.
            Host::parse(bare).unwrap_or_else(|_| Host::Domain(bare.to_owned()))
        }
        address => address,
    }
}
