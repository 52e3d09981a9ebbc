//! An intention in a file: what lets a program that was killed go on with the same idempotency key.

use std::fs;
use std::io::{self, ErrorKind};
use std::ops::Deref;
use std::path::{Path, PathBuf};

use rmcp::model::JsonObject;

use super::intention_file::{failed, load, save, sync_folder};
use super::{ClientError, DenialClass, Intention, ToolReply};

/// An [`Intention`] that is kept in a file from before the first attempt until it is settled.
///
/// Without it, each start of a program would intend something new, under a new key, and do what an earlier start
/// has done already. The file is for its owner only, as arguments may be personal. File access blocks for a
/// moment: it is of one small file.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use aport_gate::StoredIntention;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("refund.json");
/// let serde_json::Value::Object(arguments) = serde_json::json!({ "order_id": "order-1", "amount": 500 })
///     else { unreachable!() };
/// let first = StoredIntention::load_or_new(&path, "process_refund", arguments.clone())?;
/// // The program is killed, and starts again.
/// let second = StoredIntention::load_or_new(&path, "process_refund", arguments)?;
/// assert_eq!(first.key(), second.key());
/// assert!(second.is_resumed());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct StoredIntention {
    intention: Intention,
    path: PathBuf,
}

/// Why an intention could not be kept in a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoredIntentionError {
    /// The file could not be read, written or removed.
    #[error("cannot {action} `{}`, in which the intention is kept: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The file holds no intention.
    #[error(
        "`{}` holds no intention: {problem}; look what it is, and move it away or name another file",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The file holds an intention to do something else.
    #[error(
        "`{}` holds another intention, under the key `{key}`: {difference}; look what became of that one, and remove the file when it is settled, or name another file",
        path.display()
    )]
    Another {
        /// The file.
        path: PathBuf,
        /// Idempotency key of the intention in it.
        key: String,
        /// In what it differs.
        difference: String,
    },
}

impl StoredIntention {
    /// The intention in the file, where there is one; else a new one, which is in the file, and on the disk,
    /// when this returns. Of two programs that start at once with the same file both have the same intention.
    ///
    /// # Errors
    /// [`StoredIntentionError::Another`] when the file holds an intention of another tool or with other
    /// arguments; [`StoredIntentionError::Unreadable`] when it holds something else;
    /// [`StoredIntentionError::File`] when it cannot be read or written.
    pub fn load_or_new(
        path: impl Into<PathBuf>,
        tool: impl Into<String>,
        arguments: JsonObject,
    ) -> Result<Self, StoredIntentionError> {
        let path = path.into();
        let intention = Intention::new(tool, arguments);
        if let Some(stored) = load(&path)? {
            return Self::resumed(path, stored, &intention);
        }
        if save(&path, &intention)? {
            return Ok(Self { intention, path });
        }
        // Another start of the same program was faster.
        match load(&path)? {
            Some(stored) => Self::resumed(path, stored, &intention),
            None => {
                let source = io::Error::from(ErrorKind::NotFound);
                Err(failed("read", &path, source))
            }
        }
    }

    fn resumed(
        path: PathBuf,
        stored: Intention,
        asked: &Intention,
    ) -> Result<Self, StoredIntentionError> {
        if let Some(difference) = difference(&stored, asked) {
            let key = stored.key;
            return Err(StoredIntentionError::Another {
                path,
                key,
                difference,
            });
        }
        Ok(Self {
            intention: stored.resumed(),
            path,
        })
    }

    /// Whether it was in the file already: an earlier start may have carried it out, wholly or in part.
    pub fn is_resumed(&self) -> bool {
        self.intention.is_resumed()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file where `outcome` is the last word on the intention, and says whether it did: the call
    /// succeeded, or it was refused for good and nobody can have carried it out. Else the file stays, and the
    /// next start goes on under the same key.
    ///
    /// What an earlier start did is not known here: of a [resumed](Self::is_resumed) intention only success is
    /// the last word. For any other end, look at the server's audit trail and remove the file by hand.
    ///
    /// # Errors
    /// [`StoredIntentionError::File`] when it cannot be removed. Then the next start is refused by the gate, as
    /// the key was used.
    pub fn settle(
        &self,
        outcome: &Result<ToolReply, ClientError>,
    ) -> Result<bool, StoredIntentionError> {
        let is_settled = match outcome {
            Ok(_) => true,
            Err(error) => !self.is_resumed() && is_refused_for_good(error),
        };
        if !is_settled {
            return Ok(false);
        }
        match fs::remove_file(&self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed("remove", &self.path, error)),
        }
        sync_folder(&self.path).map_err(|error| failed("remove", &self.path, error))?;
        Ok(true)
    }
}

impl Deref for StoredIntention {
    type Target = Intention;

    fn deref(&self) -> &Intention {
        &self.intention
    }
}

/// Nothing was done, and the same call would be refused again.
fn is_refused_for_good(error: &ClientError) -> bool {
    if error.may_have_run() {
        return false;
    }
    match error {
        ClientError::Denied(denial) => denial.class() != DenialClass::Transient,
        ClientError::Adjustment { .. }
        | ClientError::Tool { .. }
        | ClientError::Protocol { .. } => true,
        _ => false,
    }
}

fn difference(stored: &Intention, asked: &Intention) -> Option<String> {
    if stored.tool != asked.tool {
        let (stored, asked) = (&stored.tool, &asked.tool);
        return Some(format!(
            "its tool is `{stored}`, and `{asked}` was asked for"
        ));
    }
    let names = stored.arguments.keys().chain(asked.arguments.keys());
    let of = |intention: &Intention, name: &str| match intention.arguments.get(name) {
        Some(value) => value.to_string(),
        None => "not given".to_owned(),
    };
    for name in names {
        if stored.arguments.get(name) != asked.arguments.get(name) {
            let (stored, asked) = (of(stored, name), of(asked, name));
            return Some(format!(
                "`{name}` is {stored} in it, and {asked} was asked for"
            ));
        }
    }
    None
}
