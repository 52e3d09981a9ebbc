//! The tokens of agents, by which a server over HTTP knows who calls.

use std::collections::BTreeMap;

use aport_gate_oap::AgentId;
use jiff::Timestamp;

use super::Check;
use super::passports::EXPIRES_SOON;
use crate::agent_tokens::{AgentToken, AgentTokens};
use crate::cli::environment::Environment;
use crate::cli::output::counted;
use crate::file_writers;
use crate::secret_file::Entry as _;

const SUBJECT: &str = "tokens";

pub(super) fn checks(environment: &Environment) -> Vec<Check> {
    let tokens = AgentTokens::new(&environment.home);
    let all = match tokens.all() {
        Ok(all) => all,
        Err(error) => {
            return vec![
                Check::bad(SUBJECT, format!("{error}; over HTTP nobody is let in"))
                    .next("aport-gate token list, once that is put right"),
            ];
        }
    };
    if all.is_empty() {
        let found = "there are none: over HTTP, whoever reaches a server on this machine may call, unless it asks for other proof";
        return vec![Check::good(SUBJECT, found)];
    }
    let mut checks = vec![counts(&all)];
    checks.extend(all.iter().filter_map(|token| doubt(token, environment)));
    if let Ok(Some(open)) = file_writers::writers(tokens.path()) {
        let place = open.path.display();
        let found = format!(
            "others of its group may write `{place}` (mode {:03o}): they can let themselves in",
            open.mode
        );
        checks.push(Check::doubtful("permissions", found).next(format!("chmod go-w {place}")));
    }
    checks
}

fn counts(all: &[AgentToken]) -> Check {
    let mut of: BTreeMap<&AgentId, usize> = BTreeMap::new();
    for token in all.iter().filter(|token| token.is_in_force()) {
        let count = of.entry(&token.agent).or_default();
        *count = count.saturating_add(1);
    }
    let revoked = all.iter().filter(|token| token.revoked_at.is_some());
    let revoked = revoked.count();
    let in_force: usize = of.values().sum();
    let expired = all.len().saturating_sub(in_force).saturating_sub(revoked);
    let whose: Vec<String> = of
        .iter()
        .map(|(agent, count)| format!("{count} of `{agent}`"))
        .collect();
    let found = format!(
        "{} in force ({}), {revoked} revoked, {expired} expired",
        counted(in_force, "token"),
        whose.join(", ")
    );
    if in_force == 0 {
        let found = format!(
            "none in force, {revoked} revoked, {expired} expired: over HTTP no token lets anybody in"
        );
        return Check::doubtful(SUBJECT, found).next("aport-gate token create --agent ID");
    }
    Check::good(SUBJECT, found)
}

/// What is probably not meant by a token that is in force.
fn doubt(token: &AgentToken, environment: &Environment) -> Option<Check> {
    if !token.is_in_force() {
        return None;
    }
    let AgentToken { name, agent, .. } = token;
    let passport = environment.passports().join(format!("{agent}.json"));
    if !environment.asks_a_registry() && !passport.exists() {
        let found =
            format!("`{name}` is of `{agent}`, which has no passport: its calls are denied");
        return Some(Check::doubtful("token", found).next(format!(
            "aport-gate passport issue --id {agent}, or aport-gate token revoke {name}"
        )));
    }
    let left = token.expires_at?.duration_since(Timestamp::now());
    (left < EXPIRES_SOON).then(|| {
        let hours = left.as_hours();
        let found = format!("`{name}` of `{agent}` ends in {hours} hours");
        Check::doubtful("token", found).next(format!(
            "aport-gate token create --agent {agent}, and give it to whoever has `{name}`"
        ))
    })
}
