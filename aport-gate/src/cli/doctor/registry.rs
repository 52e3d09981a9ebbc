//! The registry, as a server of this set-up would meet it.

use std::time::Duration;

use aport_gate_oap::{AgentId, PackId};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::Check;
use super::passports::{EXPIRES_SOON, fit};
use crate::cli::environment::Environment;
use crate::packs::PackSet;
use crate::remote::{RegistrySettings, pinned_keys};
use crate::{RegistryClient, RegistryError, Security};

/// A decision lives a minute or so: clocks that are further apart lose decisions.
const APART: SignedDuration = SignedDuration::from_secs(30);

/// Any pack will do: the question to it is empty.
const ANY_PACK: &str = "finance.payment.refund.v1";

pub(super) async fn checks(environment: &Environment) -> Vec<Check> {
    let Some(settings) = &environment.registry else {
        return Vec::new();
    };
    let name = settings.base_url().map(|url| url.to_string());
    let name = name.unwrap_or_default();
    let client = match RegistryClient::new(settings, environment.timeout()) {
        Ok(client) => client,
        Err(error) => {
            return vec![Check::bad("registry", error.to_string()).next("no server starts before")];
        }
    };
    let mut checks = Vec::new();
    match client.greet().await {
        Err(error) => {
            let found = format!("`{name}`: {error}");
            checks.push(Check::bad("registry", found).next(way_out(&error)));
            // Whatever else is asked would fail in the same way.
            return checks;
        }
        Ok(greeting) => {
            checks.push(reached(&name, greeting.took, environment.timeout()));
            checks.push(clock(greeting.ahead));
            checks.push(keys(settings, environment.security, greeting.has_keys));
        }
    }
    checks.push(access(&client, settings).await);
    checks.push(match &environment.agent {
        None => Check::good("agent", "bound to no agent: each call has to name one"),
        Some(agent) => {
            let view = client.verify_view(agent).await;
            passport(agent, view, &PackSet::from_home(&environment.home).ok())
        }
    });
    checks
}

fn way_out(error: &RegistryError) -> &'static str {
    match error {
        RegistryError::Unreachable(_) => {
            "check APORT_BASE_URL, and that the registry runs and this machine may reach it"
        }
        RegistryError::Tls(_) => {
            "name the file of the registry's certificate authority in APORT_CA_FILE, or correct its certificate"
        }
        RegistryError::Timeout(_) => {
            "ask the registry's operator, or raise APORT_TIMEOUT_MS if the way there is slow"
        }
        RegistryError::Redirected(_) => "set APORT_BASE_URL to where it points",
        RegistryError::Unauthorized { .. } => {
            "set APORT_API_KEY to a key of this registry; its operator makes one with `aport-gate registry key add NAME`"
        }
        _ => "ask the registry's operator; until then every call is refused",
    }
}

fn reached(name: &str, took: Duration, timeout: Duration) -> Check {
    let found = format!("`{name}` answers, in {} ms", took.as_millis());
    if took > timeout / 2 {
        let timeout = timeout.as_millis();
        return Check::doubtful(
            "registry",
            format!("{found} of the {timeout} that a decision may take"),
        )
        .next("raise APORT_TIMEOUT_MS, or ask the registry's operator");
    }
    Check::good("registry", found)
}

fn clock(ahead: Option<SignedDuration>) -> Check {
    match ahead {
        None => Check::good("registry time", "its answers have no date to compare with"),
        Some(ahead) if ahead.abs() > APART => {
            let which = if ahead.is_positive() {
                "ahead of"
            } else {
                "behind"
            };
            let found = format!(
                "the registry's clock is {} seconds {which} this one: decisions may count as expired or not yet made",
                ahead.abs().as_secs()
            );
            Check::bad("registry time", found)
                .next("set the clock of this machine, or of the registry's")
        }
        Some(_) => Check::good("registry time", "its clock agrees with this one"),
    }
}

fn keys(
    settings: &RegistrySettings,
    security: Security,
    published: Result<bool, RegistryError>,
) -> Check {
    let subject = "registry keys";
    if let Some(path) = &settings.jwks_file {
        return match pinned_keys(path) {
            Ok(()) => Check::good(subject, format!("those in `{}`", path.display())),
            Err(error) => Check::bad(subject, error.to_string())
                .next("copy the registry's `/jwks.json` there, over a way that you trust"),
        };
    }
    let found = match published {
        Ok(true) => return Check::good(subject, "it publishes keys that it signs decisions with"),
        Ok(false) => "it publishes no key".to_owned(),
        Err(error) => error.to_string(),
    };
    if security == Security::Secure {
        Check::bad(
            subject,
            format!("{found}; in secure mode every call is refused"),
        )
        .next("name the registry's keys in APORT_JWKS_FILE, or ask its operator to sign")
    } else {
        Check::good(
            subject,
            format!("{found}; in simple mode nothing is checked with them"),
        )
    }
}

/// Whether the API key, or none, is enough to ask.
async fn access(client: &RegistryClient, settings: &RegistrySettings) -> Check {
    let pack = PackId::parse(ANY_PACK);
    let admitted = match &pack {
        Ok(pack) => client.admits(pack).await,
        Err(error) => Err(RegistryError::Setup(error.to_string())),
    };
    match (admitted, settings.api_key.is_some()) {
        (Ok(()), true) => Check::good("access", "the registry lets APORT_API_KEY in"),
        (Ok(()), false) => Check::good("access", "the registry asks for no key"),
        (Err(error), _) => Check::bad("access", error.to_string()).next(way_out(&error)),
    }
}

/// The bound agent, as the registry shows it.
fn passport(
    agent: &AgentId,
    view: Result<Map<String, Value>, RegistryError>,
    packs: &Option<PackSet>,
) -> Check {
    let view = match view {
        Ok(view) => view,
        Err(RegistryError::Refused { status: 404, .. }) => {
            return Check::bad(
                "agent",
                format!("the registry has no passport of `{agent}`"),
            )
            .next("issue one there, or correct APORT_AGENT_ID");
        }
        Err(error) => {
            let way = way_out(&error);
            return Check::bad("agent", format!("`{agent}`: {error}")).next(way);
        }
    };
    let text = |key: &str| view.get(key).and_then(Value::as_str);
    match text("status") {
        Some("active") => {}
        status => {
            let status = status.unwrap_or("of no known status");
            return Check::bad(
                "agent",
                format!("the passport of `{agent}` is {status}: every call is denied"),
            )
            .next("resume it at the registry, or bind another agent");
        }
    }
    let expiry = text("expires_at").and_then(|at| at.parse::<Timestamp>().ok());
    if let Some(expiry) = expiry
        && expiry.duration_since(Timestamp::now()) < EXPIRES_SOON
    {
        return Check::doubtful(
            "agent",
            format!("the passport of `{agent}` ends at {expiry}"),
        )
        .next("have it renewed at the registry");
    }
    let held: Vec<&str> = view
        .get("capabilities")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|held| held.as_str().or_else(|| held.get("id")?.as_str()))
        .collect();
    let holds = |capability: &str| held.contains(&capability);
    match packs {
        Some(packs) => fit(agent, packs, &holds, text("assurance_level")),
        None => Check::good("agent", format!("`{agent}` has a passport in force")),
    }
}
