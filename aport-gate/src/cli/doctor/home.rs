//! The home: its folders, passports and packs.

use std::path::Path;

use aport_gate_oap::PassportStatus;
use jiff::Timestamp;

use super::Check;
use crate::cli::environment::Environment;
use crate::cli::output::counted;
use crate::cli::passport::store::Store;
use crate::packs::PackSet;

pub(super) fn checks(environment: &Environment) -> Vec<Check> {
    let mut checks = vec![folder(&environment.home)];
    for part in ["passports", "packs", "keys"] {
        let path = environment.home.join(part);
        if path.exists() {
            checks.extend(open_to_others(&path));
        }
    }
    checks.extend(passports(environment));
    checks.extend(bound(environment));
    checks.extend(packs(environment));
    checks
}

fn folder(home: &Path) -> Check {
    let place = home.display();
    if !home.exists() {
        return Check::doubtful(
            "home",
            format!("`{place}` is not there yet; a server makes it"),
        )
        .next("issue a passport with `aport-gate passport issue`, or correct APORT_HOME");
    }
    if !home.is_dir() {
        return Check::bad("home", format!("`{place}` is no folder")).next("correct APORT_HOME");
    }
    // Asking for permissions does not tell whether a file can be made: quotas, read-only mounts.
    let probe = home.join(format!(".doctor-{}", std::process::id()));
    match std::fs::write(&probe, b"") {
        Err(error) => Check::bad("home", format!("`{place}` cannot be written: {error}"))
            .next("make it writable for the user that runs the server"),
        Ok(()) => {
            let _ = std::fs::remove_file(&probe);
            open_to_others(home).unwrap_or_else(|| Check::good("home", format!("`{place}`")))
        }
    }
}

/// Warns of a folder that others may read or write: who writes there decides.
#[cfg(unix)]
fn open_to_others(path: &Path) -> Option<Check> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    let place = path.display();
    if mode & 0o022 != 0 {
        let found = format!(
            "`{place}` can be written by others (mode {:o}): they can issue passports and packs",
            mode & 0o777
        );
        return Some(Check::bad("permissions", found).next(format!("chmod go-rwx {place}")));
    }
    (mode & 0o077 != 0).then(|| {
        let found = format!("`{place}` can be read by others (mode {:o})", mode & 0o777);
        Check::doubtful("permissions", found).next(format!("chmod go-rwx {place}"))
    })
}

/// Windows has access lists, which a per-user folder inherits from its user.
#[cfg(not(unix))]
fn open_to_others(_path: &Path) -> Option<Check> {
    None
}

fn passports(environment: &Environment) -> Vec<Check> {
    let all = match Store::new(environment.passports()).all() {
        Ok(all) => all,
        Err(failure) => return vec![Check::bad("passports", failure.to_string())],
    };
    if all.is_empty() {
        return vec![
            Check::doubtful("passports", "there are none: every call is denied")
                .next("aport-gate passport issue --help"),
        ];
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
                let expired = passport
                    .expires_at()
                    .is_some_and(|expiry| expiry <= Timestamp::now());
                if expired {
                    let found = format!("the passport of `{}` has expired", passport.agent_id());
                    checks.push(
                        Check::doubtful("passport", found)
                            .next("aport-gate passport issue --replace"),
                    );
                }
                if passport.status() == PassportStatus::Active && !expired {
                    active += 1;
                } else {
                    stopped += 1;
                }
            }
        }
    }
    let found = format!("{active} in force, {stopped} not");
    checks.insert(0, Check::good("passports", found));
    checks
}

/// The passport of the agent that servers with this environment are bound to.
fn bound(environment: &Environment) -> Option<Check> {
    let agent = environment.agent.as_ref()?;
    let found = Store::new(environment.passports()).find(agent);
    Some(match found {
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
        Ok(Some(_)) => Check::good("agent", format!("bound to `{agent}`")),
    })
}

fn packs(environment: &Environment) -> Vec<Check> {
    let packs = match PackSet::from_home(&environment.home) {
        Ok(packs) => packs,
        Err(error) => {
            return vec![
                Check::bad(
                    "packs",
                    format!(
                        "{error}; no server starts, and those that run keep their last good packs"
                    ),
                )
                .next("aport-gate policy check FILE"),
            ];
        }
    };
    let mut checks = vec![Check::good("packs", counted(packs.iter().count(), "pack"))];
    for loaded in packs.iter() {
        let id = loaded.pack().id();
        for problem in loaded.pack().problems() {
            let found = format!(
                "`{id}` denies every call: rule `{}` cannot be evaluated: {}",
                problem.rule, problem.message
            );
            checks.push(
                Check::doubtful("pack", found)
                    .next("correct the rule, or waive it in pack-options.json"),
            );
        }
        let waived = loaded
            .operator_options()
            .map(|options| options.waived_rules.join(", "))
            .filter(|rules| !rules.is_empty());
        if let Some(rules) = waived {
            checks.push(Check::doubtful(
                "pack",
                format!("`{id}` is weakened: waived {rules}"),
            ));
        }
    }
    checks
}
