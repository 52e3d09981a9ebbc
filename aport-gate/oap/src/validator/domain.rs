//! Domains: blocked, and truly within the allowed ones.

use super::target::{self, Target};
use super::{Call, Failure, pattern};
use crate::reason::shown;
use serde_json::Value;
use url::Host;

/// Services that take any data from anybody. They apply unless the passport allows one of them by name.
const DROPS: [&str; 32] = [
    "pastebin.com",
    "hastebin.com",
    "paste.ee",
    "dpaste.com",
    "dpaste.org",
    "ghostbin.com",
    "rentry.co",
    "termbin.com",
    "ix.io",
    "sprunge.us",
    "0x0.st",
    "transfer.sh",
    "file.io",
    "gofile.io",
    "temp.sh",
    "anonfiles.com",
    "bashupload.com",
    "catbox.moe",
    "webhook.site",
    "requestbin.com",
    "requestbin.net",
    "pipedream.net",
    "requestcatcher.com",
    "beeceptor.com",
    "interact.sh",
    "oast.fun",
    "oast.pro",
    "oast.site",
    "oast.me",
    "burpcollaborator.net",
    "ngrok.io",
    "ngrok-free.app",
];

pub(super) fn blocked(call: &Call<'_>) -> Result<(), Failure> {
    let blocked = call.limit_list(&["blocked_domains", "blocked_hosts", "blocked_urls"])?;
    let allowed = call.limit_list(&["allowed_domains", "allowed_hosts"])?;
    let Some(target) = target::read(call)? else {
        return Ok(());
    };
    let host = target.host.to_string();
    for entry in blocked.iter().flatten() {
        if Entry::read(entry).is_about(call, &target)? {
            let text = format!("host {host} of `{}` is blocked by `{entry}`", target.field);
            return Err(Failure::of(target.field, target.raw, text).with_limit(*entry));
        }
    }
    let mut named = false;
    let mut any = allowed.is_none();
    for entry in allowed.iter().flatten() {
        match entry.trim() {
            "*" | "**" | "*.*" => any = true,
            _ => named |= Entry::read(entry).covers_host(call, &target.host)?,
        }
    }
    if let Some(drop) = DROPS.iter().find(|drop| is_within(&host, drop))
        && !named
    {
        let text = format!(
            "host {host} of `{}` is blocked as a public drop `{drop}`",
            target.field
        );
        return Err(Failure::of(target.field, target.raw, text).with_limit(*drop));
    }
    // Published packs look for the allowed domain anywhere in the URL, which
    // `https://evil.example/?allowed.example` passes. Where a list is set, the host has to be on it.
    if !any && !named {
        let list = Value::from(allowed.unwrap_or_default());
        let text = format!(
            "host {host} of `{}` is not one of {}",
            target.field,
            shown(&list)
        );
        return Err(Failure::of(target.field, target.raw, text)
            .with_limit(list)
            .with_code("oap.domain_not_allowed"));
    }
    Ok(())
}

/// Whether the host is the domain or below it.
pub(super) fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// An entry of a list of domains: `example.com`, `*.example.com`, `.example.com`, `example`, or a whole URL.
pub(super) struct Entry {
    host: String,
    parsed: Option<Host>,
    path: String,
}

impl Entry {
    pub(super) fn read(entry: &str) -> Self {
        let bare = entry.trim();
        let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest);
        let bare = bare.trim_start_matches("//");
        let (authority, path) = match bare.split_once(['/', '?', '#']) {
            Some((authority, path)) => (authority, path.trim_end_matches('*').to_owned()),
            None => (bare, String::new()),
        };
        let authority = authority.rsplit('@').next().unwrap_or(authority);
        let host = match authority.rsplit_once(':') {
            // A colon inside brackets, or several without them, is part of an IPv6 address.
            Some((host, port))
                if port.bytes().all(|b| b.is_ascii_digit() || b == b'*')
                    && (host.ends_with(']') || !host.contains(':')) =>
            {
                host
            }
            _ => authority,
        };
        let host = host.strip_prefix("*.").unwrap_or(host);
        let host = host
            .trim_start_matches('.')
            .trim_end_matches('.')
            .to_lowercase();
        let bracketed = if host.matches(':').count() > 1 && !host.starts_with('[') {
            format!("[{host}]")
        } else {
            host.clone()
        };
        let parsed = Host::parse(&bracketed).ok();
        // International names compare in the form in which the URL has them.
        let host = match &parsed {
            Some(Host::Domain(name)) => name.clone(),
            _ => host,
        };
        Self { host, parsed, path }
    }

    pub(super) fn covers_host(&self, call: &Call<'_>, host: &Host) -> Result<bool, Failure> {
        if self.host.is_empty() {
            return Ok(false);
        }
        if let (Some(Host::Ipv4(_) | Host::Ipv6(_)), address) = (&self.parsed, host)
            && self.parsed.as_ref() == Some(address)
        {
            return Ok(true);
        }
        let host = host.to_string();
        if pattern::is_wild(&self.host) {
            return pattern::wild(call, &self.host, &host);
        }
        // Without a dot it is one label: `pastebin` is about `pastebin.com` and `api.pastebin.org`.
        let label =
            !self.host.contains(['.', ':']) && host.split('.').any(|part| part == self.host);
        Ok(label || is_within(&host, &self.host))
    }

    /// Host and, if the entry has one, the start of the path.
    fn is_about(&self, call: &Call<'_>, target: &Target) -> Result<bool, Failure> {
        if self.host == "*" {
            return Ok(true);
        }
        let path = target.url.path().trim_start_matches('/').to_lowercase();
        Ok(self.covers_host(call, &target.host)?
            && (self.path.is_empty()
                || path.contains('%')
                || path.starts_with(&self.path.to_lowercase())))
    }
}
