//! Passports as files, read anew for every call.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use aport_gate_oap::{AgentId, Passport};

use crate::refusal::{Refusal, RefusalCode};

/// Largest passport file that is read, in bytes.
const MAX_PASSPORT_BYTES: u64 = 1024 * 1024;
/// How many parsed passports are kept.
const KEPT: usize = 256;

/// The folder `APORT_HOME/passports`, one `<agent id>.json` each.
///
/// The file is read on every call, so that an edit or a suspension counts
/// from the next call on; only parsing is saved, when the bytes are the same.
pub(crate) struct PassportFolder {
    path: PathBuf,
    parsed: Mutex<Vec<(Vec<u8>, Arc<Passport>)>>,
}

impl PassportFolder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            parsed: Mutex::default(),
        }
    }

    /// The agent's passport; `None` when there is no such file.
    pub(crate) fn read(&self, agent: &AgentId) -> Result<Option<Arc<Passport>>, Refusal> {
        // An agent id holds only letters, digits, `_` and `-`: it cannot leave the folder.
        let path = self.path.join(format!("{agent}.json"));
        let Some(bytes) = read_bounded(&path).map_err(|error| unreadable(&path, error))? else {
            return Ok(None);
        };
        let mut parsed = self
            .parsed
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, passport)) = parsed.iter().find(|(known, _)| *known == bytes) {
            return named(passport, agent, &path).map(Some);
        }
        let passport = Arc::new(Passport::parse(&bytes).map_err(|error| unreadable(&path, error))?);
        let passport = named(&passport, agent, &path)?;
        if parsed.len() >= KEPT {
            parsed.clear();
        }
        parsed.push((bytes, Arc::clone(&passport)));
        Ok(Some(passport))
    }
}

// A case-insensitive file system finds `ap_ONE.json` for `ap_one`; and a file
// may have been copied under another name. The document's own id decides.
fn named(passport: &Arc<Passport>, agent: &AgentId, path: &Path) -> Result<Arc<Passport>, Refusal> {
    if passport.agent_id() == agent {
        return Ok(Arc::clone(passport));
    }
    Err(unreadable(
        path,
        format!(
            "it is the passport of `{}`, not of `{agent}`",
            passport.agent_id()
        ),
    ))
}

fn unreadable(path: &Path, problem: impl std::fmt::Display) -> Refusal {
    // The folder's place on the machine is the operator's business, not the agent's.
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    tracing::warn!(path = %path.display(), %problem, "passport cannot be used");
    Refusal::new(
        RefusalCode::PassportUnreadable,
        format!("passport file `{file}` cannot be used: {problem}"),
    )
}

fn read_bounded(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    use std::io::Read as _;
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(MAX_PASSPORT_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_PASSPORT_BYTES {
        return Err(std::io::Error::other(format!(
            "it is larger than {MAX_PASSPORT_BYTES} bytes"
        )));
    }
    Ok(Some(bytes))
}
