//! The folder of passports, as an operator changes it.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use aport_gate_oap::AgentId;
use jiff::Timestamp;

use super::document::Document;
use crate::cli::failure::Failure;
use crate::cli::file;
use crate::gate::create_private;
use crate::passports::{MAX_PASSPORT_BYTES, PassportFolder};

/// Name of the file that changes are made under the lock of.
const LOCK: &str = ".lock";

/// `APORT_HOME/passports`.
pub(crate) struct Store {
    folder: PathBuf,
}

/// A file in the folder, and the passport in it or why it holds none.
pub(crate) type Entry = (PathBuf, Result<Document, String>);

/// Held while passports are read and changed: two commands never undo each other.
pub(crate) struct Locked<'s> {
    store: &'s Store,
    _lock: File,
}

impl Store {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where the agent's passport lies.
    pub(crate) fn path(&self, agent: &AgentId) -> PathBuf {
        self.folder.join(format!("{agent}.json"))
    }

    /// The agent's passport, if there is a file of it.
    pub(crate) fn find(&self, agent: &AgentId) -> Result<Option<Document>, Failure> {
        let path = self.path(agent);
        if !path.exists() {
            return Ok(None);
        }
        Document::parse(&file::as_it_is(&path)?)
            .and_then(|document| document.of(agent))
            .map(Some)
            .map_err(|problem| {
                Failure::file("use passport", &path, problem)
                    .hint("correct the file; until then every call of this agent is refused")
            })
    }

    /// As [`Store::find`], and there must be one.
    pub(crate) fn get(&self, agent: &AgentId) -> Result<Document, Failure> {
        self.find(agent)?.ok_or_else(|| {
            Failure::new(format!(
                "there is no passport of `{agent}` in `{}`",
                self.folder.display()
            ))
            .hint("aport-gate passport list")
        })
    }

    /// Why the agent's passport is not in force now: its state, its times, its parents, a file that refuses.
    /// `None` where it is, or there is none.
    pub(crate) fn kept_back(&self, agent: &AgentId) -> Option<String> {
        match PassportFolder::new(self.folder.clone()).read(agent) {
            Err(refusal) => Some(refusal.message().to_owned()),
            Ok(None) => None,
            Ok(Some(passport)) => {
                let reasons = passport.standing(Timestamp::now());
                let messages: Vec<_> = reasons.into_iter().map(|reason| reason.message).collect();
                (!messages.is_empty()).then(|| messages.join("; "))
            }
        }
    }

    /// Every file that looks like a passport, by name, and what it holds.
    pub(crate) fn all(&self) -> Result<Vec<Entry>, Failure> {
        let mut paths = Vec::new();
        for name in self.names()? {
            paths.push(self.folder.join(name));
        }
        paths.sort();
        let read = |path: PathBuf| {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let document = AgentId::parse(&stem)
                .map_err(|error| format!("its name is no agent id: {error}"))
                .and_then(|agent| {
                    // A reader that looks for the id finds this file by its exact name only.
                    if agent.as_str() != stem {
                        return Err(format!("its name must be `{agent}.json`"));
                    }
                    let bytes = file::as_it_is(&path).map_err(|failure| failure.to_string())?;
                    Document::parse(&bytes)?.of(&agent)
                });
            (path, document)
        };
        Ok(paths.into_iter().map(read).collect())
    }

    /// Waits for other commands to be done, and keeps them out.
    pub(crate) fn lock(&self) -> Result<Locked<'_>, Failure> {
        create_private(&self.folder)?;
        let path = self.folder.join(LOCK);
        let lock = private(OpenOptions::new().create(true).truncate(false).write(true))
            .open(&path)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|error| Failure::io("lock", &path, &error))?;
        Ok(Locked {
            store: self,
            _lock: lock,
        })
    }

    fn names(&self) -> Result<Vec<String>, Failure> {
        let unreadable = |error| Failure::io("read folder", &self.folder, &error);
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(unreadable)?.file_name();
            let name = name.to_string_lossy();
            if name.ends_with(".json") && !name.starts_with('.') {
                names.push(name.into_owned());
            }
        }
        Ok(names)
    }
}

impl Locked<'_> {
    /// Refuses an id that another file has in other letters: on many file systems they are one
    /// file, and the agents would share a passport.
    pub(crate) fn refuse_twin(&self, agent: &AgentId) -> Result<(), Failure> {
        let own = format!("{agent}.json");
        let names = self.store.names()?;
        match names
            .iter()
            .find(|name| name.eq_ignore_ascii_case(&own) && **name != own)
        {
            Some(twin) => Err(Failure::new(format!(
                "`{agent}` differs from the passport `{twin}` only by upper and lower case"
            ))
            .hint("choose another id")),
            None => Ok(()),
        }
    }

    /// Puts the passport in place of what is there, as a whole: no reader ever meets half of it.
    pub(crate) fn put(&self, agent: &AgentId, document: &Document) -> Result<PathBuf, Failure> {
        let path = self.store.path(agent);
        let text = document.text();
        if text.len() as u64 > MAX_PASSPORT_BYTES {
            let problem =
                format!("it has more than the {MAX_PASSPORT_BYTES} bytes that a verifier reads");
            return Err(Failure::file("write", &path, problem));
        }
        // A link stays a link, and what it leads to changes.
        let target = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        replace(&target, &text).map_err(|error| Failure::io("write", &path, &error))?;
        Ok(path)
    }
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.{}.tmp", std::process::id()));
    // Left over by a command of the same process id that was killed.
    let _ = fs::remove_file(&temporary);
    let written = private(OpenOptions::new().create_new(true).write(true))
        .open(&temporary)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| sync_folder(folder));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// The rename itself must survive a power cut.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Windows has no handle on a folder to flush; NTFS journals the rename.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> std::io::Result<()> {
    Ok(())
}

/// For the owner's eyes only.
#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600)
}

/// A new file takes the access list of its folder, which is the user's own by default.
#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}
