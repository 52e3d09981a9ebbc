//! The file of one intention: written whole and to the disk, never over another one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::Path;

use super::{Intention, StoredIntentionError};

/// Largest file that is read, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

pub(super) fn load(path: &Path) -> Result<Option<Intention>, StoredIntentionError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path, error)),
    };
    let mut text = Vec::new();
    let read = file.take(LARGEST + 1).read_to_end(&mut text);
    read.map_err(|error| failed("read", path, error))?;
    let unreadable = |problem: String| StoredIntentionError::Unreadable {
        path: path.to_owned(),
        problem,
    };
    if text.len() as u64 > LARGEST {
        return Err(unreadable(format!("it has more than {LARGEST} bytes")));
    }
    let intention: Intention =
        serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
    if intention.key.is_empty() {
        return Err(unreadable("its `key` is empty".to_owned()));
    }
    Ok(Some(intention))
}

/// Whole or not at all, and never over another one: `false` where there is one by now.
pub(super) fn save(path: &Path, intention: &Intention) -> Result<bool, StoredIntentionError> {
    let failed = |error| failed("write", path, error);
    let text = serde_json::to_vec(intention).map_err(|error| failed(error.into()))?;
    if text.len() as u64 > LARGEST {
        let problem = format!("its arguments have more than {LARGEST} bytes");
        return Err(failed(io::Error::new(ErrorKind::InvalidInput, problem)));
    }
    // Beside it: a name can be given to what is on the same disk only.
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", intention.key));
    let unnamed = path.with_file_name(name);
    let written = write_new(&unnamed, &text).and_then(|()| name_it(&unnamed, path));
    let removed = fs::remove_file(&unnamed);
    let is_ours = written.map_err(failed)?;
    if is_ours {
        match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
            _ => sync_folder(path).map_err(failed)?,
        }
    }
    Ok(is_ours)
}

fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

/// A link fails where the name is taken; a renaming would replace what another program has just stored.
fn name_it(unnamed: &Path, path: &Path) -> io::Result<bool> {
    match fs::hard_link(unnamed, path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        // A disk without links.
        Err(_) if !path.exists() => fs::rename(unnamed, path).map(|()| true),
        Err(error) => Err(error),
    }
}

/// A name is on the disk when its folder is.
#[cfg(unix)]
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|parent| *parent != Path::new(""));
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

pub(super) fn failed(action: &'static str, path: &Path, source: io::Error) -> StoredIntentionError {
    StoredIntentionError::File {
        action,
        path: path.to_owned(),
        source,
    }
}
