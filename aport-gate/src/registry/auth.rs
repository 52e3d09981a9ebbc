//! Who calls, and what they may.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use super::limits::Subject;
use super::problem::Problem;
use super::serve::Peer;
use super::state::Registry;

/// A caller that may do what it asks for.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// Name of its key; none for a caller without one.
    pub(super) key: Option<String>,
    peer: Peer,
}

impl Caller {
    /// Whose requests these count as.
    pub(super) fn subject(&self) -> Subject {
        match &self.key {
            Some(name) => Subject::Key(name.clone()),
            None => Subject::Address(self.peer.0.ip()),
        }
    }
}

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing.
    Nothing,
    /// A key, unless only this machine reaches the registry and no keys were made for callers.
    Caller,
    /// An administrator's key.
    Administrator,
}

/// # Errors
/// 401 without a key that counts, 403 for a key that may not.
pub(super) fn allow(
    registry: &Registry,
    headers: &HeaderMap,
    peer: Peer,
    need: Need,
) -> Result<Caller, Problem> {
    let anybody = Caller { key: None, peer };
    if need == Need::Nothing {
        return Ok(anybody);
    }
    let failed = |error| {
        tracing::error!(%error, "the keys of callers cannot be read; nobody is let in");
        Problem::unavailable("the keys of callers cannot be read")
    };
    let presented = bearer(headers)?;
    let key = match presented {
        Some(key) => registry.key_ring.find(key).map_err(failed)?,
        None => None,
    };
    match (key, need) {
        (Some(key), Need::Administrator) if !key.admin => Err(Problem::forbidden(format!(
            "key `{}` may not do this; it needs an administrator's key",
            key.name
        ))),
        (Some(key), _) => Ok(Caller {
            key: Some(key.name),
            peer,
        }),
        (None, Need::Caller) if open_to_all(registry).map_err(failed)? => Ok(anybody),
        (None, _) => {
            // Guessing is counted against where it comes from.
            registry.limits.count(anybody.subject())?;
            Err(Problem::unauthorized(if presented.is_some() {
                "this key is unknown or revoked"
            } else {
                "send a key as `Authorization: Bearer …`; `aport-gate registry key add` makes one"
            }))
        }
    }
}

fn open_to_all(registry: &Registry) -> Result<bool, super::KeyRingError> {
    // Revoked ones too: revoking the last key must not open the registry to everybody.
    let for_callers = registry.key_ring.all()?.iter().any(|key| !key.admin);
    Ok(registry.settings.only_this_machine && !for_callers)
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    };
    let (scheme, key) = value
        .and_then(|value| value.split_once(' '))
        .ok_or_else(|| {
            Problem::unauthorized("header `Authorization` must be `Bearer` and a key")
        })?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(Some(key.trim()))
    } else {
        Err(Problem::unauthorized(
            "header `Authorization` must be of the scheme `Bearer`",
        ))
    }
}
