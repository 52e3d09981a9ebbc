//! The demonstration's passports: files that an operator can edit, or passports of a registry.

use std::{
    fs,
    path::{Path, PathBuf},
};

use aport_gate::RegistryClient;
use aport_gate::oap::{AgentId, PassportStatus};
use serde_json::{Map, Value};

use super::DEMO_AGENT;
use super::registry;
use crate::RunError;

/// The shipped passport that is suspended.
const SUSPENDED_AGENT: &str = "ap_5u5pended0demo0agent";

/// Part of the program, so that it runs without the source tree.
const SHIPPED: [(&str, &str); 2] = [
    (
        DEMO_AGENT,
        include_str!("../../passports/ap_a2d10232c6534523812423eec8a1425c.json"),
    ),
    (
        SUSPENDED_AGENT,
        include_str!("../../passports/ap_5u5pended0demo0agent.json"),
    ),
];

/// Where the passports are, and whose they are.
pub(super) struct Passports {
    place: Place,
    /// May refund and merge.
    pub(super) agent: String,
    /// May do nothing.
    pub(super) suspended: String,
}

enum Place {
    /// `APORT_HOME/passports`.
    Folder(PathBuf),
    Registry(Box<RegistryClient>),
}

impl Passports {
    /// Puts the shipped passports into `home`.
    pub(super) fn install(home: &Path) -> Result<Self, RunError> {
        let directory = home.join("passports");
        fs::create_dir_all(&directory).map_err(failed("create", &directory))?;
        for (agent, passport) in SHIPPED {
            let path = file(&directory, agent);
            fs::write(&path, passport).map_err(failed("write", &path))?;
        }
        Ok(Self {
            place: Place::Folder(directory),
            agent: DEMO_AGENT.to_owned(),
            suspended: SUSPENDED_AGENT.to_owned(),
        })
    }

    /// Has the same issued by a registry, to agents of this run alone: what an earlier run took from a cap
    /// stays taken there.
    pub(super) async fn issue(registry: RegistryClient) -> Result<Self, RunError> {
        let run = uuid::Uuid::new_v4().simple();
        let [agent, suspended] = ["agent", "suspended"].map(|who| format!("ap_demo_{who}_{run}"));
        for ((shipped, passport), id) in SHIPPED.iter().zip([&agent, &suspended]) {
            let mut order: Map<String, Value> =
                serde_json::from_str(passport).map_err(|problem| RunError::Passport {
                    path: PathBuf::from(shipped),
                    problem: problem.to_string(),
                })?;
            order.insert("passport_id".to_owned(), id.as_str().into());
            // Nobody is issued a passport that is suspended already.
            order.insert("status".to_owned(), "active".into());
            let issued = registry.issue_passport(&order).await;
            issued.map_err(registry::refused)?;
        }
        let passports = Self {
            place: Place::Registry(Box::new(registry)),
            agent,
            suspended,
        };
        passports.suspend(&passports.suspended).await?;
        Ok(passports)
    }

    /// What an operator does in an emergency.
    pub(super) async fn suspend(&self, agent: &str) -> Result<(), RunError> {
        match &self.place {
            Place::Folder(directory) => edit(directory, agent),
            Place::Registry(registry) => {
                let agent = AgentId::parse(agent).map_err(|problem| RunError::Passport {
                    path: PathBuf::from(agent),
                    problem: problem.to_string(),
                })?;
                let suspended = PassportStatus::Suspended;
                let changed = registry.change_status(&agent, suspended).await;
                changed.map_err(registry::refused)
            }
        }
    }
}

/// Edits a passport's status.
fn edit(directory: &Path, agent: &str) -> Result<(), RunError> {
    let path = file(directory, agent);
    let text = fs::read_to_string(&path).map_err(failed("read", &path))?;
    let malformed = |problem: serde_json::Error| RunError::Passport {
        path: path.clone(),
        problem: problem.to_string(),
    };
    let mut passport: Map<String, Value> = serde_json::from_str(&text).map_err(malformed)?;
    passport.insert("status".to_owned(), "suspended".into());
    let text = serde_json::to_string_pretty(&passport).map_err(malformed)?;
    // Renamed into place: the server never reads half a passport.
    let new = path.with_extension("new");
    fs::write(&new, text).map_err(failed("write", &new))?;
    fs::rename(&new, &path).map_err(failed("replace", &path))
}

fn file(directory: &Path, agent: &str) -> PathBuf {
    directory.join(format!("{agent}.json"))
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> RunError + use<> {
    let path = path.to_owned();
    move |source| RunError::File {
        action,
        path,
        source,
    }
}
