//! HTTP headers that would carry credentials away, or another request inside.

use super::{Call, Failure, pattern, target};
use crate::reason::shown;
use serde_json::Value;

/// Headers that carry credentials. They apply where the passport has no list of its own.
const CREDENTIALS: [&str; 16] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "api-key",
    "apikey",
    "x-auth-token",
    "x-access-token",
    "x-csrf-token",
    "x-amz-security-token",
    "x-goog-api-key",
    "x-vault-token",
    "private-token",
    "x-gitlab-token",
    "x-github-token",
];

/// Schemes in front of credentials, whatever the header is called.
const SCHEMES: [&str; 9] = [
    "bearer",
    "basic",
    "token",
    "digest",
    "negotiate",
    "ntlm",
    "apikey",
    "hawk",
    "aws4-hmac-sha256",
];

pub(super) fn check(call: &Call<'_>) -> Result<(), Failure> {
    let blocked = call.limit_list(&["blocked_headers", "blocked_header_patterns"])?;
    let allowed = call.limit_list(&["allowed_headers"])?;
    let headers = match call.field("headers") {
        None => return Ok(()),
        Some(Value::Object(headers)) => headers,
        Some(_) => {
            return Err(Failure::Fault(
                "`context.headers` must be an object".to_owned(),
            ));
        }
    };
    let host = target::read(call)
        .ok()
        .flatten()
        .map(|target| target.host.to_string());
    for (name, value) in headers {
        let values: Vec<&str> = match value {
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
            Value::String(text) => vec![text],
            _ => {
                let message = format!("header `{}` must be a string", shown(&name.as_str().into()));
                return Err(Failure::Fault(message));
            }
        };
        let field = format!("headers.{name}");
        // The value may be the secret itself; it is not repeated.
        let refuse = |why: String| {
            let text = format!("header `{}` {why}", shown(&name.as_str().into()));
            Err(Failure::of(&field, name.as_str(), text))
        };
        let plain = |text: &str| !text.chars().any(|c| c.is_control() && c != '\t');
        if !plain(name) || name.contains([' ', ':']) || !values.iter().all(|value| plain(value)) {
            return refuse("holds control characters, which can hide another request".to_owned());
        }
        let lower = name.to_lowercase();
        if lower == "host"
            && let Some(host) = &host
            && !values
                .iter()
                .all(|value| value.trim().split(':').next() == Some(host))
        {
            return refuse(format!("names another host than the URL's {host}"));
        }
        let mut exempt = false;
        for entry in allowed.iter().flatten() {
            exempt |= pattern::wild(call, &entry.trim().to_lowercase(), &lower)?;
        }
        match &blocked {
            Some(blocked) => {
                for entry in blocked {
                    if is_about(call, entry, &lower, &values)? {
                        return refuse(format!("is blocked by `{entry}`"));
                    }
                }
            }
            None if !exempt
                && (CREDENTIALS.contains(&lower.as_str())
                    || values.iter().any(|value| is_credential(value))) =>
            {
                return refuse("carries credentials".to_owned());
            }
            None => {}
        }
        if allowed.is_some() && !exempt {
            let list = Value::from(allowed.unwrap_or_default());
            return refuse(format!("is not one of {}", shown(&list)))
                .map_err(|failure: Failure| failure.with_limit(list));
        }
    }
    Ok(())
}

/// Whether a value, or a part of a list, is a scheme and one word behind it, or its parameters.
fn is_credential(value: &str) -> bool {
    value.split([',', ';']).any(|part| {
        let mut words = part.split_whitespace();
        let scheme = words.next().unwrap_or_default().to_lowercase();
        let secret = words.next().is_some();
        secret && words.next().is_none() && SCHEMES.contains(&scheme.as_str())
    })
}

/// A name, a name with wildcards, or a part of `name: value`.
fn is_about(call: &Call<'_>, entry: &str, name: &str, values: &[&str]) -> Result<bool, Failure> {
    let bare = entry.trim().trim_end_matches(':').to_lowercase();
    if bare == name || (pattern::is_wild(&bare) && pattern::wild(call, &bare, name)?) {
        return Ok(true);
    }
    for value in values {
        let line = format!("{name}: {value}");
        if pattern::found(call, entry, &line, &line.to_lowercase())? {
            return Ok(true);
        }
    }
    Ok(false)
}
