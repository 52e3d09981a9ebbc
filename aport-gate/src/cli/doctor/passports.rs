//! The passports of local mode, and what their agents may do.

use std::path::Path;

use aport_gate_oap::{AgentId, AssuranceLevel, Finding, Pack, Passport, PassportStatus};
use jiff::{SignedDuration, Timestamp};

use super::Check;
use crate::cli::environment::Environment;
use crate::cli::output::one_line;
use crate::cli::passport::document::Document;
use crate::cli::passport::store::Store;
use crate::packs::PackSet;

/// Time enough to renew a passport before its agent stands still.
pub(super) const EXPIRES_SOON: SignedDuration = SignedDuration::from_hours(7 * 24);

pub(super) fn checks(environment: &Environment, packs: Option<&PackSet>) -> Vec<Check> {
    let store = Store::new(environment.passports());
    let all = match store.all() {
        Ok(all) => all,
        Err(failure) => return vec![Check::bad("passports", failure.to_string())],
    };
    if all.is_empty() {
        let mut checks = vec![
            Check::doubtful("passports", "there are none: every call is denied")
                .next("aport-gate passport issue --help"),
        ];
        checks.extend(bound(environment, packs));
        return checks;
    }
    let mut checks = Vec::new();
    let (mut active, mut stopped) = (0, 0);
    for (path, document) in &all {
        match document {
            Err(problem) => checks.push(
                Check::bad("passport", format!("`{}`: {problem}", path.display()))
                    .next("correct or remove the file; until then its agent is refused"),
            ),
            Ok(document) => {
                let passport = document.passport();
                let left = left(passport);
                checks.extend(ends(passport, left));
                checks.extend(doubtful(path, document, packs));
                let Some(why) = store.kept_back(passport.agent_id()) else {
                    active += 1;
                    continue;
                };
                stopped += 1;
                // Its own state is what somebody chose, its own end was told.
                if passport.status() == PassportStatus::Active && left.is_none_or(is_some_time) {
                    let agent = passport.agent_id();
                    let found = format!("of `{agent}`, which is active, is not in force: {why}");
                    let next = format!("aport-gate passport show {agent}");
                    checks.push(Check::doubtful("passport", found).next(next));
                }
            }
        }
    }
    let found = format!("{active} in force, {stopped} not");
    checks.insert(0, Check::good("passports", found));
    checks.extend(bound(environment, packs));
    checks
}

/// What a passport grants or limits in a way that is probably not meant.
fn doubtful(path: &Path, document: &Document, packs: Option<&PackSet>) -> Vec<Check> {
    let about = |finding: &Finding| {
        ["limits", "capabilities", "regions"]
            .iter()
            .any(|field| finding.path.starts_with(field))
    };
    let packs: Vec<&Pack> = packs
        .into_iter()
        .flat_map(PackSet::iter)
        .map(|loaded| &**loaded.pack())
        .collect();
    Passport::check_under(document.text().as_bytes(), &packs)
        .iter()
        .filter(|finding| about(finding))
        .map(|finding| {
            let agent = document.passport().agent_id();
            let Finding {
                path: at, message, ..
            } = finding;
            let found = one_line(&format!("of `{agent}`: {message} (at `{at}`)"));
            let next = format!("aport-gate passport check {}", path.display());
            Check::doubtful("passport", found).next(one_line(&next))
        })
        .collect()
}

fn left(passport: &Passport) -> Option<SignedDuration> {
    let expiry = passport.expires_at()?;
    Some(expiry.duration_since(Timestamp::now()))
}

fn is_some_time(left: SignedDuration) -> bool {
    left > SignedDuration::ZERO
}

fn ends(passport: &Passport, left: Option<SignedDuration>) -> Option<Check> {
    let (left, agent) = (left?, passport.agent_id());
    if left >= EXPIRES_SOON {
        return None;
    }
    let found = if is_some_time(left) {
        let hours = left.as_hours();
        format!("the passport of `{agent}` ends in {hours} hours")
    } else {
        format!("the passport of `{agent}` has expired")
    };
    Some(Check::doubtful("passport", found).next("aport-gate passport issue --replace"))
}

/// The passport of the agent that servers with this environment are bound to.
fn bound(environment: &Environment, packs: Option<&PackSet>) -> Option<Check> {
    let agent = environment.agent.as_ref()?;
    let store = Store::new(environment.passports());
    let kept_back = |document: &Document| store.kept_back(document.passport().agent_id());
    Some(match store.find(agent) {
        Err(failure) => Check::bad("agent", failure.to_string()),
        Ok(None) => Check::bad(
            "agent",
            format!("APORT_AGENT_ID is `{agent}`, which has no passport"),
        )
        .next(format!("aport-gate passport issue --id {agent} …")),
        Ok(Some(document)) if document.passport().status() != PassportStatus::Active => {
            Check::doubtful("agent", format!("the passport of `{agent}` is not active"))
                .next(format!("aport-gate passport show {agent}"))
        }
        Ok(Some(document)) if kept_back(&document).is_some() => {
            let why = kept_back(&document).unwrap_or_default();
            Check::doubtful(
                "agent",
                format!("the passport of `{agent}` is not in force: {why}"),
            )
            .next(format!("aport-gate passport show {agent}"))
        }
        Ok(Some(document)) => {
            let passport = document.passport();
            let holds = |capability: &str| passport.has_capability(capability);
            let level = passport.assurance_level();
            match packs {
                Some(packs) => fit(agent, packs, &holds, Some(level.as_str())),
                None => Check::good("agent", format!("bound to `{agent}`")),
            }
        }
    })
}

/// Which packs the agent's passport is enough for, by capability and by how well its owner is known.
pub(super) fn fit(
    agent: &AgentId,
    packs: &PackSet,
    holds: &dyn Fn(&str) -> bool,
    level: Option<&str>,
) -> Check {
    let level = level.and_then(|level| AssuranceLevel::parse(level).ok());
    let (mut enough, mut lacking) = (Vec::new(), Vec::new());
    for loaded in packs.iter() {
        let pack = loaded.pack();
        let alternatives = pack.requires_capabilities();
        let held = alternatives
            .iter()
            .any(|all| all.iter().all(|one| holds(one)));
        let known = level.is_none_or(|level| level >= pack.min_assurance());
        let id = pack.id();
        match (held, known) {
            (true, true) => enough.push(format!("`{id}`")),
            (true, false) => lacking.push(format!("`{id}` asks for {}", pack.min_assurance())),
            (false, _) => {
                let wanted = alternatives.first().map(|all| all.join(" and "));
                lacking.push(format!("`{id}` asks for {}", wanted.unwrap_or_default()));
            }
        }
    }
    if enough.is_empty() {
        let found = format!(
            "the passport of `{agent}` is enough for no pack that is here: {}",
            lacking.join(", ")
        );
        return Check::doubtful("agent", found)
            .next("grant it a capability, or bind another agent with APORT_AGENT_ID");
    }
    let more = if lacking.is_empty() {
        String::new()
    } else {
        format!("; {}", lacking.join(", "))
    };
    Check::good(
        "agent",
        format!(
            "bound to `{agent}`, whose passport is enough for {}{more}",
            enough.join(", ")
        ),
    )
}
