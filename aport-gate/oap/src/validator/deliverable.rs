//! Evidence that a task is done.

use super::{Call, Failure, pattern};
use crate::reason::shown;
use serde_json::{Map, Value};

const ATTESTATIONS: &str = "criteria_attestations";
pub(super) const SUMMARY_LIMITS: [&str; 5] = [
    "require_summary",
    "min_summary_words",
    "summary_min_words",
    "min_summary_word_count",
    "min_words",
];

/// What marks unfinished work or leaks a key. Used where the passport scans without patterns of its own.
const UNFINISHED: [&str; 6] = [
    "TODO",
    "FIXME",
    "lorem ipsum",
    "-----BEGIN RSA PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----",
];

fn attestations<'a>(call: &Call<'a>) -> Result<Vec<&'a Map<String, Value>>, Failure> {
    let value = call
        .field(ATTESTATIONS)
        .ok_or_else(|| Failure::missing_field(ATTESTATIONS))?;
    let items = value
        .as_array()
        .and_then(|items| items.iter().map(Value::as_object).collect());
    items.ok_or_else(|| {
        Failure::Fault(format!(
            "`context.{ATTESTATIONS}` must be a list of objects"
        ))
    })
}

fn criterion(attestation: &Map<String, Value>) -> String {
    attestation
        .get("criterion_id")
        .map_or_else(|| "(no id)".to_owned(), shown)
}

/// Every attestation says something a person can look up.
pub(super) fn evidence(call: &Call<'_>) -> Result<(), Failure> {
    for (at, attestation) in attestations(call)?.into_iter().enumerate() {
        let evidence = attestation.get("evidence");
        let says = evidence.and_then(Value::as_str).is_some_and(|text| {
            text.chars()
                .any(|c| !c.is_whitespace() && !c.is_control() && c.is_alphanumeric())
        });
        if !says {
            let field = format!("{ATTESTATIONS}[{at}].evidence");
            let text = format!("criterion {} has no evidence", criterion(attestation));
            return Err(Failure::of(
                &field,
                evidence.cloned().unwrap_or_default(),
                text,
            ));
        }
    }
    Ok(())
}

pub(super) fn met(call: &Call<'_>) -> Result<(), Failure> {
    for (at, attestation) in attestations(call)?.into_iter().enumerate() {
        let met = attestation.get("met");
        if met != Some(&Value::Bool(true)) {
            let field = format!("{ATTESTATIONS}[{at}].met");
            let text = format!("criterion {} is not met", criterion(attestation));
            return Err(
                Failure::of(&field, met.cloned().unwrap_or_default(), text).with_limit(true)
            );
        }
    }
    Ok(())
}

/// Required where the passport says so; a summary that is there has to have the words asked for unless the
/// passport says that none is required.
pub(super) fn summary(call: &Call<'_>) -> Result<(), Failure> {
    let required = call.limit_flag(&SUMMARY_LIMITS[..1])?;
    let least = call
        .limit_number(&SUMMARY_LIMITS[1..])?
        .map(|(_, least)| least);
    let summary = call.text(&["summary"])?.map(|(_, text)| text);
    if required == Some(false) || (required.is_none() && (least.is_none() || summary.is_none())) {
        return Ok(());
    }
    let least = least.unwrap_or(1).max(1);
    let words = summary
        .unwrap_or_default()
        .split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .count() as u64;
    if words >= least {
        return Ok(());
    }
    let text = match summary {
        None => format!("`summary` is missing, expected at least {least} words"),
        Some(_) => format!("`summary` has {words} words, expected at least {least}"),
    };
    Err(Failure::of("summary", words, text).with_limit(least))
}

pub(super) fn tests(call: &Call<'_>) -> Result<(), Failure> {
    if call.limit_flag(&["require_tests_passing"])? != Some(true) {
        return Ok(());
    }
    let passing = call.flag("tests_passing")?;
    if passing == Some(true) {
        return Ok(());
    }
    let text = match passing {
        None => "`tests_passing` is missing, and the passport requires passing tests",
        Some(_) => "`tests_passing` is false, and the passport requires passing tests",
    };
    let actual = passing.map_or(Value::Null, Value::Bool);
    Err(Failure::of("tests_passing", actual, text.to_owned()).with_limit(true))
}

/// The output holds none of the passport's patterns, where the passport has it scanned.
pub(super) fn content(call: &Call<'_>) -> Result<(), Failure> {
    if call.limit_flag(&["scan_output"])? != Some(true) {
        return Ok(());
    }
    let patterns = call
        .limit_list(&["blocked_patterns"])?
        .unwrap_or_else(|| UNFINISHED.to_vec());
    let Some(content) = call.long_text("output_content")? else {
        return Ok(());
    };
    let lower = content.to_lowercase();
    for pattern in patterns {
        if pattern::found(call, pattern, content, &lower)? {
            let text = format!(
                "`output_content` holds the blocked `{}`",
                shown(&pattern.into())
            );
            return Err(Failure::of("output_content", pattern, text).with_limit(pattern));
        }
    }
    Ok(())
}
