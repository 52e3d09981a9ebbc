//! The demonstration's passports: files that an operator can edit.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::{DEMO_AGENT, SUSPENDED_AGENT};
use crate::RunError;

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

/// Puts the shipped passports into `home`; returns their directory.
pub(super) fn install(home: &Path) -> Result<PathBuf, RunError> {
    let directory = home.join("passports");
    fs::create_dir_all(&directory).map_err(failed("create", &directory))?;
    for (agent, passport) in SHIPPED {
        let path = file(&directory, agent);
        fs::write(&path, passport).map_err(failed("write", &path))?;
    }
    Ok(directory)
}

/// What an operator does in an emergency: edits the passport's status.
pub(super) fn suspend(directory: &Path, agent: &str) -> Result<(), RunError> {
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
