//! Passports as files, read anew for every call.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aport_gate_oap::{AgentId, Passport};

use crate::bounded_file;
use crate::refusal::{Refusal, RefusalCode};

/// Largest passport file that is read, in bytes.
pub(crate) const MAX_PASSPORT_BYTES: u64 = 1024 * 1024;
/// Longest chain of parents; a circle of templates ends here.
const MAX_PARENTS: usize = 4;
/// How many bytes of files are kept beside their parsed passports.
const KEPT_BYTES: usize = 8 * 1024 * 1024;

/// The folder `APORT_HOME/passports`, one `<agent id>.json` each.
///
/// The file is read on every call, so that an edit or a suspension counts
/// from the next call on; only parsing is saved, when the bytes are the same.
/// A file that cannot be read or parsed refuses the call: what it held before
/// may have allowed more.
pub(crate) struct PassportFolder {
    path: PathBuf,
    parsed: Mutex<Parsed>,
}

#[derive(Default)]
struct Parsed {
    by_agent: HashMap<AgentId, (Vec<u8>, Arc<Passport>)>,
    bytes: usize,
}

impl PassportFolder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            parsed: Mutex::default(),
        }
    }

    /// The agent's passport under its parents, as far as they are here; `None` when it has no file. A parent
    /// that is here but cannot be read refuses the call.
    pub(crate) fn read(&self, agent: &AgentId) -> Result<Option<Arc<Passport>>, Refusal> {
        self.read_under(agent, MAX_PARENTS)
    }

    fn read_under(
        &self,
        agent: &AgentId,
        parents: usize,
    ) -> Result<Option<Arc<Passport>>, Refusal> {
        let Some(passport) = self.read_one(agent)? else {
            return Ok(None);
        };
        let Some(parent_id) = passport.parent_id() else {
            return Ok(Some(passport));
        };
        if parents == 0 {
            let path = self.path.join(format!("{agent}.json"));
            let problem = format!("it has more than {MAX_PARENTS} parents above one another");
            return Err(unreadable(&path, problem));
        }
        Ok(Some(match self.read_under(parent_id, parents - 1)? {
            Some(parent) => Arc::new(passport.as_ref().clone().with_parent(&parent)),
            None => passport,
        }))
    }

    fn read_one(&self, agent: &AgentId) -> Result<Option<Arc<Passport>>, Refusal> {
        // An agent id holds only letters, digits, `_` and `-`: it cannot leave the folder.
        let path = self.path.join(format!("{agent}.json"));
        let bytes = match bounded_file::read(&path, MAX_PASSPORT_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(&path, error)),
        };
        if let Some(passport) = self.parsed().get(agent, &bytes) {
            return Ok(Some(passport));
        }
        let passport = Passport::parse(&bytes).map_err(|error| unreadable(&path, error))?;
        // A case-insensitive file system finds `ap_ONE.json` for `ap_one`; and a file
        // may have been copied under another name. The document's own id decides.
        if passport.agent_id() != agent {
            let holder = passport.agent_id();
            let problem = format!("it is the passport of `{holder}`, not of `{agent}`");
            return Err(unreadable(&path, problem));
        }
        let passport = Arc::new(passport);
        self.parsed().keep(agent, bytes, &passport);
        Ok(Some(passport))
    }

    fn parsed(&self) -> std::sync::MutexGuard<'_, Parsed> {
        self.parsed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Parsed {
    fn get(&self, agent: &AgentId, bytes: &[u8]) -> Option<Arc<Passport>> {
        let (known, passport) = self.by_agent.get(agent)?;
        (known == bytes).then(|| Arc::clone(passport))
    }

    fn keep(&mut self, agent: &AgentId, bytes: Vec<u8>, passport: &Arc<Passport>) {
        if self.bytes.saturating_add(bytes.len()) > KEPT_BYTES {
            self.by_agent.clear();
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(bytes.len());
        let kept = (bytes, Arc::clone(passport));
        if let Some((replaced, _)) = self.by_agent.insert(agent.clone(), kept) {
            self.bytes = self.bytes.saturating_sub(replaced.len());
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use aport_gate_oap::PassportStatus;
    use serde_json::json;

    fn document(agent: &str, status: &str) -> String {
        json!({
            "passport_id": agent, "spec_version": "oap/1.0", "owner_id": "org_1", "status": status,
            "assurance_level": "L2", "capabilities": ["finance.payment.refund"], "regions": ["US"],
        })
        .to_string()
    }

    struct Scratch {
        directory: tempfile::TempDir,
        folder: PassportFolder,
    }

    impl Scratch {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let folder = PassportFolder::new(directory.path().to_owned());
            Self { directory, folder }
        }

        fn write(&self, text: &str) {
            std::fs::write(self.directory.path().join("ap_one.json"), text).unwrap();
        }

        fn read(&self) -> Result<Option<Arc<Passport>>, Refusal> {
            self.folder.read(&AgentId::parse("ap_one").unwrap())
        }
    }

    #[test]
    fn a_suspension_counts_from_the_next_call() {
        let scratch = Scratch::new();
        scratch.write(&document("ap_one", "active"));
        assert_eq!(
            scratch.read().unwrap().unwrap().status(),
            PassportStatus::Active
        );
        scratch.write(&document("ap_one", "suspended"));
        assert_eq!(
            scratch.read().unwrap().unwrap().status(),
            PassportStatus::Suspended
        );
        std::fs::remove_file(scratch.directory.path().join("ap_one.json")).unwrap();
        assert!(scratch.read().unwrap().is_none());
    }

    #[test]
    fn a_parent_that_is_here_stops_its_instances_and_a_circle_refuses() {
        let scratch = Scratch::new();
        let child = |parent: &str| {
            document("ap_one", "active").replacen(
                '{',
                &format!(r#"{{"parent_agent_id": "{parent}", "#),
                1,
            )
        };
        scratch.write(&child("ap_top"));
        assert!(
            scratch.read().unwrap().is_some(),
            "its template may be elsewhere"
        );
        let top = scratch.directory.path().join("ap_top.json");
        std::fs::write(&top, document("ap_top", "suspended")).unwrap();
        let passport = scratch.read().unwrap().unwrap();
        assert_eq!(passport.parent_status(), Some(PassportStatus::Suspended));
        std::fs::write(&top, document("ap_top", "active")).unwrap();
        assert_eq!(scratch.read().unwrap().unwrap().parent_status(), None);
        std::fs::write(&top, "{").unwrap();
        assert_eq!(
            scratch.read().unwrap_err().code(),
            "gate.passport_unreadable"
        );
        scratch.write(&child("ap_one"));
        assert_eq!(
            scratch.read().unwrap_err().code(),
            "gate.passport_unreadable"
        );
    }

    #[test]
    fn a_file_that_broke_refuses_instead_of_falling_back() {
        let scratch = Scratch::new();
        let whole = document("ap_one", "active");
        scratch.write(&whole);
        assert!(scratch.read().is_ok());
        for broken in [
            "",
            &whole[..whole.len() - 1],
            "[]",
            &document("ap_two", "active"),
        ] {
            scratch.write(broken);
            assert_eq!(
                scratch.read().unwrap_err().code(),
                "gate.passport_unreadable"
            );
        }
    }

    #[test]
    fn an_unchanged_file_is_not_parsed_again() {
        let scratch = Scratch::new();
        scratch.write(&document("ap_one", "active"));
        let (first, second) = (
            scratch.read().unwrap().unwrap(),
            scratch.read().unwrap().unwrap(),
        );
        assert!(Arc::ptr_eq(&first, &second));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_refuses_at_once() {
        let scratch = Scratch::new();
        let path = scratch.directory.path().join("ap_one.json");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        if !made.is_ok_and(|status| status.success()) {
            std::fs::create_dir(&path).unwrap();
        }
        assert_eq!(
            scratch.read().unwrap_err().code(),
            "gate.passport_unreadable"
        );
    }

    #[test]
    fn kept_passports_stay_within_their_bound() {
        let mut parsed = Parsed::default();
        let passport = Arc::new(Passport::parse(document("ap_one", "active").as_bytes()).unwrap());
        for number in 0..20 {
            let agent = AgentId::parse(&format!("ap_{number}")).unwrap();
            parsed.keep(&agent, vec![0; KEPT_BYTES / 8], &passport);
            parsed.keep(&agent, vec![1; KEPT_BYTES / 8], &passport);
            let held: usize = parsed.by_agent.values().map(|(bytes, _)| bytes.len()).sum();
            assert!(held == parsed.bytes && held <= KEPT_BYTES);
        }
    }
}
