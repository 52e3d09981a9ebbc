//! The demonstration: what a gate allows, what it refuses, and its record.

mod passports;
mod registry;
mod steps;

use aport_gate::{Ledger, PassportClient};
use serde_json::json;

use self::passports::Passports;
use crate::{
    RunError,
    cli::{Common, DEMO_AGENT},
    report::{Reporter, Step},
    server_process,
};

/// Runs every step in a fresh directory. `Ok(false)` when one of them did not
/// go as expected. Where the environment names a registry, that decides.
///
/// # Errors
/// [`RunError`] when the demonstration could not run to its end.
pub async fn run(common: &Common, keep: bool) -> Result<bool, RunError> {
    if common.http.is_some() {
        return Err(RunError::DemoOverHttp);
    }
    let mut home = tempfile::Builder::new()
        .prefix("aport-gate-demo-")
        .tempdir()?;
    home.disable_cleanup(keep);
    let registry = registry::named()?;
    let passports = match &registry {
        None => Passports::install(home.path())?,
        Some(variables) => Passports::issue(registry::client(variables)?).await?,
    };
    let server = server_process::locate(common.server.as_deref()).await?;
    let mut reporter = Reporter::new(common.json);
    reporter.heading("aport-gate demonstration (payments and git host are simulated)")?;
    if registry.is_some() {
        reporter.heading("decided by the registry that APORT_BASE_URL names")?;
    }

    let service = server_process::start(&server, |command| {
        // Only what this run sets up may decide, whatever the shell has set.
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("APORT_") {
                command.env_remove(variable);
            }
        }
        // A demonstration moves no money, also in a shell that has the keys.
        command.env_remove("GITHUB_TOKEN");
        command.env_remove("STRIPE_API_KEY");
        command.env_remove("STRIPE_API_BASE");
        command.env("APORT_HOME", home.path());
        command.envs(registry.iter().flatten().map(|(name, value)| (name, value)));
    })
    .await?;
    let client = PassportClient::new(service, &passports.agent)?;
    let suspended = PassportClient::from_peer(client.peer(), &passports.suspended)?;

    reporter.step(steps::list(&client).await)?;
    reporter.step(steps::merge(&client).await)?;
    reporter.step(steps::refund(&client).await)?;
    reporter.step(steps::refund_over_limit(&client).await)?;
    reporter.step(steps::adjusted_refund(&client).await)?;
    reporter.step(steps::suspended_passport(&suspended).await)?;
    passports.suspend(&passports.agent).await?;
    reporter.step(steps::suspended_meanwhile(&client).await)?;
    client.close().await;

    reporter.step(audit(&home.path().join("ledger.sqlite3")).await?)?;
    let kept = keep.then(|| home.path().display().to_string());
    Ok(reporter.finish(kept)?)
}

async fn audit(ledger: &std::path::Path) -> Result<Step, RunError> {
    let (ok, observed, detail) = match Ledger::open(ledger)?.verify().await {
        // Seven calls decided, three of them with an outcome.
        Ok(summary) => (
            summary.records >= 10,
            format!("{} records, head {}", summary.records, summary.head),
            json!({ "records": summary.records, "head": summary.head }),
        ),
        Err(error) => (
            false,
            error.to_string(),
            json!({ "error": error.to_string() }),
        ),
    };
    Ok(Step {
        name: "audit_verified",
        expected: "The audit chain holds every decision and verifies",
        observed,
        ok,
        detail,
    })
}
