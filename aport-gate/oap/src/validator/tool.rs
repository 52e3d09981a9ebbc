//! Registering tools: names, uniqueness, capabilities, number.

use super::rate::REGISTRATIONS;
use super::{Call, Failure, pattern};
use crate::condition::explain::Finding;
use crate::reason::shown;
use regex::RegexBuilder;
use serde_json::Value;

pub(super) const NAMING_LIMITS: [&str; 8] = [
    "tool_name_pattern",
    "naming_pattern",
    "naming_convention",
    "name_pattern",
    "allowed_tool_prefixes",
    "tool_name_prefixes",
    "reserved_tool_names",
    "blocked_tool_names",
];
pub(super) const COUNT_LIMITS: [&str; 2] = ["max_tools_per_agent", "max_registrations_per_day"];
pub(super) const CAPABILITY_LIMITS: [&str; 4] = [
    "allowed_capabilities",
    "allowed_tool_capabilities",
    "blocked_capabilities",
    "blocked_tool_capabilities",
];

/// Facts by which a server tells what is registered.
const KNOWN: [&str; 4] = [
    "existing_tools",
    "registered_tools",
    "existing_tool_names",
    "current_tools",
];

fn the_name<'a>(call: &Call<'a>) -> Result<&'a str, Failure> {
    let name = call.text(&["tool_name"])?;
    name.map(|(_, name)| name)
        .ok_or_else(|| Failure::missing_field("tool_name"))
}

/// Lower-case letters, digits, dots, dashes and underscores; begins and ends with a letter or digit; 3 to 100
/// characters; and whatever the passport asks for besides.
pub(super) fn naming(call: &Call<'_>) -> Result<(), Failure> {
    let name = the_name(call)?;
    let refuse = |why: String| {
        let text = format!("`tool_name` {} {why}", shown(&name.into()));
        Failure::of("tool_name", name, text)
    };
    let end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let inner = |c: char| end(c) || matches!(c, '.' | '_' | '-');
    if !(3..=100).contains(&name.len()) {
        return Err(refuse("must have 3 to 100 characters".to_owned()));
    }
    if !name.chars().all(inner)
        || !name.starts_with(end)
        || !name.ends_with(end)
        || name.contains("..")
    {
        return Err(refuse(
            "must be lower-case letters, digits, `.`, `_` and `-`, with a letter or digit at both ends".to_owned(),
        ));
    }
    if let Some(reserved) = call.limit_list(&NAMING_LIMITS[6..])? {
        for entry in reserved {
            if pattern::wild(call, &entry.trim().to_lowercase(), name)? {
                return Err(refuse(format!("is reserved by `{entry}`")).with_limit(entry));
            }
        }
    }
    if let Some(prefixes) = call.limit_list(&NAMING_LIMITS[4..6])?
        && !prefixes
            .iter()
            .any(|prefix| name.starts_with(prefix.trim_end_matches('*')))
    {
        let list = Value::from(prefixes);
        return Err(refuse(format!("must begin with one of {}", shown(&list))).with_limit(list));
    }
    for convention in call.limit_list(&NAMING_LIMITS[..4])?.unwrap_or_default() {
        if !follows(name, convention)? {
            return Err(refuse(format!("does not follow `{convention}`")).with_limit(convention));
        }
    }
    Ok(())
}

/// A well-known style, or a regular expression that the whole name has to match.
fn follows(name: &str, convention: &str) -> Result<bool, Failure> {
    let only = |mark: Option<char>| {
        name.chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || Some(c) == mark)
    };
    Ok(match convention {
        "snake_case" => only(Some('_')),
        "kebab-case" | "kebab_case" => only(Some('-')),
        "dot.case" | "dot_case" | "dotted" => only(Some('.')),
        "lowercase" => true,
        pattern => RegexBuilder::new(&format!("^(?:{pattern})$"))
            .size_limit(1 << 18)
            .build()
            .map_err(|_| Failure::Fault(format!("naming pattern `{pattern}` is malformed")))?
            .is_match(name),
    })
}

/// Not registered yet: by the server's fact `existing_tools` if it gives one, and by the ledger, which keeps
/// every name that this agent registered. Where the passport caps registrations, the cap holds here.
pub(super) fn uniqueness(call: &Call<'_>) -> Result<(), Failure> {
    let name = the_name(call)?;
    let taken = || {
        let text = format!("tool {} is registered already", shown(&name.into()));
        Err(Failure::of("tool_name", name, text))
    };
    let known = known(call)?;
    if let Some(tools) = &known
        && tools.iter().any(|tool| tool.eq_ignore_ascii_case(name))
    {
        return taken();
    }
    if call.scene_has("tool_exists") && call.flag("tool_exists")? == Some(true) {
        return taken();
    }
    match call.key_seen(name) {
        Some(true) => return taken(),
        Some(false) => {}
        None if known.is_none() => return Err(Failure::missing_field("existing_tools")),
        None => {}
    }
    for limit in COUNT_LIMITS {
        let Some((limit, most)) = call.limit_number(&[limit])? else {
            continue;
        };
        let registered = known.as_ref().filter(|_| limit == "max_tools_per_agent");
        let (used, when) = match registered {
            Some(tools) => (tools.len() as u64, ""),
            None => (
                u64::try_from(call.used(REGISTRATIONS)?).unwrap_or(0),
                " today",
            ),
        };
        if used >= most {
            let text = format!("{used} tools were registered{when}, the limit `{limit}` is {most}");
            return Err(Failure::denied(Finding {
                field: Some("registrations".to_owned()),
                actual: Some(used.saturating_add(1).into()),
                limit: Some(most.into()),
                used: Some(used.into()),
                cap: Some(most.into()),
                text: Some(text),
                ..Finding::default()
            })
            .with_code("oap.limit_exceeded"));
        }
    }
    Ok(())
}

pub(super) fn counts(call: &Call<'_>) -> bool {
    matches!(call.limit_number(&COUNT_LIMITS), Ok(Some(_)))
}

fn known<'a>(call: &Call<'a>) -> Result<Option<Vec<&'a str>>, Failure> {
    for fact in KNOWN {
        if !call.scene_has(fact) {
            continue;
        }
        let names = call.field(fact).and_then(Value::as_array).map(|items| {
            items
                .iter()
                .map(|item| {
                    ["name", "tool_name", "id"]
                        .iter()
                        .find_map(|key| item.get(*key)?.as_str())
                        .or_else(|| item.as_str())
                })
                .collect::<Option<Vec<_>>>()
        });
        return names.flatten().map(Some).ok_or_else(|| {
            Failure::Fault(format!("`context.{fact}` must be a list of tool names"))
        });
    }
    Ok(None)
}

/// Every capability that the tool declares, against the passport's lists, with wildcards.
pub(super) fn capabilities(call: &Call<'_>) -> Result<(), Failure> {
    let allowed = call.limit_list(&CAPABILITY_LIMITS[..2])?;
    let blocked = call
        .limit_list(&CAPABILITY_LIMITS[2..])?
        .unwrap_or_default();
    if allowed.is_none() && blocked.is_empty() {
        return call.demand(&|name| CAPABILITY_LIMITS.contains(&name));
    }
    let declared = call
        .field("capabilities")
        .ok_or_else(|| Failure::missing_field("capabilities"))?;
    let items = declared.as_array().map(Vec::as_slice).unwrap_or_default();
    let ids: Option<Vec<&str>> = items
        .iter()
        .map(|item| item.as_str().or_else(|| item.get("id")?.as_str()))
        .collect();
    let (Some(ids), true) = (ids, declared.is_array()) else {
        return Err(Failure::Fault(
            "`context.capabilities` must be a list of strings".to_owned(),
        ));
    };
    for id in ids {
        for entry in &blocked {
            if pattern::wild(call, entry.trim(), id)? {
                let text = format!("capability {} is blocked by `{entry}`", shown(&id.into()));
                return Err(Failure::of("capabilities", id, text).with_limit(*entry));
            }
        }
        let Some(allowed) = &allowed else { continue };
        let mut listed = false;
        for entry in allowed {
            listed |= pattern::wild(call, entry.trim(), id)?;
        }
        if !listed {
            let list = Value::from(allowed.clone());
            let text = format!(
                "capability {} is not one of {}",
                shown(&id.into()),
                shown(&list)
            );
            return Err(Failure::of("capabilities", id, text).with_limit(list));
        }
    }
    Ok(())
}
