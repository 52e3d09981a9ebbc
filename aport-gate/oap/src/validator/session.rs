//! Sessions: resources and number.

use super::rate::{SESSIONS, USER_SESSIONS, words};
use super::{Call, Failure};
use crate::condition::explain::Finding;
use serde_json::Value;

pub(super) const LIMITS: [&str; 4] = [
    "max_concurrent_sessions",
    "max_sessions",
    "max_active_sessions",
    "max_sessions_per_user",
];

/// Facts by which a server tells how many sessions run now.
const RUNNING: [&str; 5] = [
    "active_sessions",
    "concurrent_sessions",
    "current_sessions",
    "active_session_count",
    "open_sessions",
];
/// Other names for that number, which may come from anybody: they can only speak against a call.
const CLAIMED: [&str; 5] = [
    "current_session_count",
    "concurrent_session_count",
    "running_sessions",
    "session_count",
    "existing_sessions",
];
const RUNNING_OF_USER: [&str; 3] = ["user_active_sessions", "user_sessions", "sessions_of_user"];

/// Objects in which passports keep quotas.
const QUOTAS: [&str; 7] = [
    "resource_quota",
    "resource_quotas",
    "resource_limits",
    "max_resources",
    "resources",
    "quota",
    "quotas",
];

pub(super) fn is_quota(name: &str) -> bool {
    QUOTAS.contains(&name)
        || ["memory", "cpu", "storage"]
            .iter()
            .any(|resource| words(name).iter().any(|word| word == resource))
}

/// Each resource asked for, against `resource_quota.memory_mb`, `max_memory_mb` and the like. A quota object
/// that does not name a resource grants none of it.
pub(super) fn resources(call: &Call<'_>) -> Result<(), Failure> {
    let asked = match call.field("resources") {
        None => return Ok(()),
        Some(Value::Object(asked)) => asked,
        Some(_) => {
            return Err(Failure::Fault(
                "`context.resources` must be an object".to_owned(),
            ));
        }
    };
    let mut any = false;
    for (name, value) in asked.iter().filter(|(_, value)| !value.is_null()) {
        let number = value.as_f64().ok_or_else(|| {
            Failure::Fault(format!("`context.resources.{name}` must be a number"))
        })?;
        let spellings = [
            name.clone(),
            format!("max_{name}"),
            format!("{name}_limit"),
            format!("max_session_{name}"),
        ];
        for quota in QUOTAS {
            let Some(object) = call.limit(quota) else {
                continue;
            };
            any = true;
            let object = object
                .as_object()
                .ok_or_else(|| Failure::Fault(format!("`limits.{quota}` must be an object")))?;
            match spellings.iter().find_map(|spelling| object.get(spelling)) {
                Some(most) => within(name, value, number, most, quota)?,
                None => {
                    let text = format!("`resources.{name}` has no quota in `limits.{quota}`");
                    let field = format!("resources.{name}");
                    return Err(Failure::of(&field, value.clone(), text).with_limit(0));
                }
            }
        }
        for spelling in spellings.iter().skip(1) {
            if let Some(most) = call.limit(spelling) {
                any = true;
                within(name, value, number, most, spelling)?;
            }
        }
    }
    if any || asked.is_empty() {
        return Ok(());
    }
    call.demand(&is_quota)
}

fn within(
    name: &str,
    value: &Value,
    number: f64,
    most: &Value,
    limit: &str,
) -> Result<(), Failure> {
    let bound = most.as_f64().ok_or_else(|| {
        Failure::Fault(format!("`limits.{limit}` must have a number for `{name}`"))
    })?;
    if number <= bound {
        return Ok(());
    }
    let text = format!("`resources.{name}` {value} is over the quota {most}");
    let field = format!("resources.{name}");
    Err(Failure::of(&field, value.clone(), text).with_limit(most.clone()))
}

/// Sessions of the agent and of one user. How many run now only the server knows: it may say so by a fact
/// such as `active_sessions`. Without it the sessions begun this UTC day count, which is never fewer than
/// those of today that still run.
pub(super) fn concurrent(call: &Call<'_>) -> Result<(), Failure> {
    let (agent, user) = (agent_limit(call)?, user_limit(call)?);
    if agent.is_none() && user.is_none() {
        return call.demand(&|name| LIMITS.contains(&name));
    }
    for (limit, facts, counter, whose) in [
        (agent, &RUNNING[..], SESSIONS, "the agent"),
        (user, &RUNNING_OF_USER[..], USER_SESSIONS, "the user"),
    ] {
        let Some((name, most)) = limit else { continue };
        let claimed = if whose == "the agent" {
            running(call, &CLAIMED)?.filter(|claimed| *claimed >= most)
        } else {
            None
        };
        let (used, how) =
            match claimed.map_or_else(|| running(call, facts), |claimed| Ok(Some(claimed)))? {
                Some(running) => (running, "run"),
                None => (
                    u64::try_from(call.used(counter)?).unwrap_or(0),
                    "were begun today",
                ),
            };
        if used >= most {
            let text = format!("{used} sessions of {whose} {how}, the limit `{name}` is {most}");
            return Err(Failure::denied(Finding {
                field: Some("sessions".to_owned()),
                actual: Some(used.saturating_add(1).into()),
                limit: Some(most.into()),
                used: Some(used.into()),
                cap: Some(most.into()),
                text: Some(text),
                ..Finding::default()
            }));
        }
    }
    Ok(())
}

pub(super) fn counts_agent(call: &Call<'_>) -> bool {
    matches!(agent_limit(call), Ok(Some(_))) && matches!(running(call, &RUNNING), Ok(None))
}

pub(super) fn counts_user(call: &Call<'_>) -> bool {
    matches!(user_limit(call), Ok(Some(_))) && matches!(running(call, &RUNNING_OF_USER), Ok(None))
}

fn agent_limit(call: &Call<'_>) -> Result<Option<(String, u64)>, Failure> {
    call.limit_number(&LIMITS[..3])
}

fn user_limit(call: &Call<'_>) -> Result<Option<(String, u64)>, Failure> {
    call.limit_number(&LIMITS[3..])
}

/// A number, or a list of the sessions themselves.
fn running(call: &Call<'_>, facts: &[&str]) -> Result<Option<u64>, Failure> {
    for fact in facts {
        if !call.scene_has(fact) {
            continue;
        }
        let number = match call.field(fact) {
            None => None,
            Some(Value::Array(items)) => u64::try_from(items.len()).ok(),
            Some(value) => super::natural(value),
        };
        return number.map(Some).ok_or_else(|| {
            Failure::Fault(format!(
                "`context.{fact}` must be a number that is not negative"
            ))
        });
    }
    Ok(None)
}
