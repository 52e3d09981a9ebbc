//! The variables of the gate, as this process has them.

use super::Check;

/// Every variable that something reads, and what it means when it is not set.
const KNOWN: [(&str, &str); 10] = [
    ("APORT_MODE", "local"),
    ("APORT_BASE_URL", "no registry"),
    ("APORT_HOME", "the per-user data folder"),
    ("APORT_DATABASE_URL", "ledger.sqlite3 in the home"),
    ("APORT_AGENT_ID", "bound to no agent"),
    ("APORT_SECURITY", "simple"),
    ("APORT_SIGN_DECISIONS", "off"),
    ("APORT_TIMEOUT_MS", "5000"),
    ("APORT_KEY_RETENTION_DAYS", "90"),
    ("APORT_API_KEY", "none"),
];

pub(super) fn checks() -> Vec<Check> {
    let mut checks: Vec<Check> = KNOWN
        .into_iter()
        .filter_map(|(name, _)| {
            let value = std::env::var_os(name)?;
            Some(Check::good(
                "variable",
                format!("{name} is {}", shown(name, &value.to_string_lossy())),
            ))
        })
        .collect();
    let unset: Vec<String> = KNOWN
        .into_iter()
        .filter(|(name, _)| std::env::var_os(name).is_none())
        .map(|(name, default)| format!("{name} ({default})"))
        .collect();
    if !unset.is_empty() {
        checks.push(Check::good("defaults", unset.join(", ")));
    }
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("APORT_") && !KNOWN.iter().any(|(known, _)| *known == name) {
            checks.push(
                Check::doubtful("variable", format!("{name} is set, but nothing reads it"))
                    .next("correct its name, or remove it"),
            );
        }
    }
    checks
}

/// A value that may be printed and pasted into a report: without secrets.
fn shown(name: &str, value: &str) -> String {
    if name == "APORT_API_KEY" {
        return "set (not shown)".to_owned();
    }
    // postgres://user:password@host/database?password=…
    let Some((scheme, rest)) = value.split_once("://") else {
        return format!("`{value}`");
    };
    let (place, more) = rest
        .split_once('?')
        .map_or((rest, ""), |(place, _)| (place, "?(not shown)"));
    let (user, host) = place
        .rsplit_once('@')
        .map_or(("", place), |(_, host)| ("(not shown)@", host));
    format!("`{scheme}://{user}{host}{more}`")
}
