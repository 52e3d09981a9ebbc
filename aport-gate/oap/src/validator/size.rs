//! Sizes of contents and parameters against limits in bytes, kilobytes (1024) or megabytes (1024²).

use super::rate::words;
use super::{Call, Failure};
use crate::condition::explain::Finding;
use serde_json::Value;

/// Words that the name of a limit may use.
pub(super) const CONTENT: &[&str] = &["file", "content", "write", "length"];
pub(super) const PARAMETERS: &[&str] = &[
    "parameter",
    "parameters",
    "param",
    "params",
    "payload",
    "length",
];

/// Bytes in one unit of the limit of this name, if it is about the size of this.
pub(super) fn unit_of(name: &str, about: &[&str]) -> Option<f64> {
    let mut unit = None;
    let (mut size, mut named, mut most) = (false, false, false);
    for word in words(name) {
        match word.as_str() {
            "max" | "maximum" | "limit" => most = true,
            "size" | "length" => size = true,
            "bytes" | "byte" | "b" => unit = Some(1.0),
            "kb" | "kib" => unit = Some(1024.0),
            "mb" | "mib" => unit = Some(1_048_576.0),
            "gb" | "gib" => unit = Some(1_073_741_824.0),
            "in" | "total" => {}
            word if about.contains(&word) => named = true,
            _ => return None,
        }
    }
    (most && (size || unit.is_some()) && (named || size)).then(|| unit.unwrap_or(1.0))
}

pub(super) fn content(call: &Call<'_>) -> Result<(), Failure> {
    let limits = limits(call, CONTENT)?;
    if limits.is_empty() {
        return call.demand(&|name| unit_of(name, CONTENT).is_some());
    }
    let claimed = match call.field("content_length") {
        None => None,
        Some(value) => Some(super::natural(value).ok_or_else(|| {
            Failure::Fault("`context.content_length` must be an integer".to_owned())
        })?),
    };
    let encoding = call.text(&["encoding"])?.map(|(_, encoding)| encoding);
    let written = call.long_text("content")?.map(|text| match encoding {
        Some("base64") => (text.len() / 4 * 3) as u64,
        Some("utf-16") => 2 * text.encode_utf16().count() as u64,
        _ => text.len() as u64,
    });
    // A claim may be larger than what is here, never smaller.
    let size = match (claimed, written) {
        (None, None) => return Err(Failure::missing_field("content_length")),
        (claimed, written) => claimed.unwrap_or(0).max(written.unwrap_or(0)),
    };
    within(
        if written.is_some() {
            "content"
        } else {
            "content_length"
        },
        size,
        &limits,
    )
}

pub(super) fn parameters(call: &Call<'_>) -> Result<(), Failure> {
    let limits = limits(call, PARAMETERS)?;
    if limits.is_empty() {
        return call.demand(&|name| unit_of(name, PARAMETERS).is_some());
    }
    let size = match call.size_of("parameters") {
        None => return Err(Failure::missing_field("parameters")),
        Some(size) => size,
    };
    within("parameters", size, &limits)
}

fn limits<'a>(call: &Call<'a>, about: &[&str]) -> Result<Vec<(&'a str, f64, f64)>, Failure> {
    let mut found = Vec::new();
    for (name, value) in call.limits() {
        let Some(unit) = unit_of(name, about).filter(|_| !value.is_null()) else {
            continue;
        };
        call.saw(&format!("limits.{name}"), Some(value.clone()));
        let most = value.as_f64().filter(|most| *most >= 0.0);
        let most = most.ok_or_else(|| {
            Failure::Fault(format!(
                "`limits.{name}` must be a number that is not negative"
            ))
        })?;
        found.push((name, most, unit));
    }
    Ok(found)
}

fn within(field: &str, size: u64, limits: &[(&str, f64, f64)]) -> Result<(), Failure> {
    for (name, most, unit) in limits {
        // Both below 2^53 in anything that is a size; rounding is far below one byte.
        let bytes = most * unit;
        if size as f64 <= bytes {
            continue;
        }
        let most_bytes = Value::from(bytes.floor() as u64);
        let text = format!(
            "`{field}` has {size} bytes, over the limit of {most_bytes} bytes (`{name}` {most})"
        );
        return Err(Failure::denied(Finding {
            field: Some(field.to_owned()),
            actual: Some(size.into()),
            limit: Some(most_bytes),
            text: Some(text),
            ..Finding::default()
        }));
    }
    Ok(())
}
