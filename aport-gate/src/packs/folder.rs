//! What lies in `APORT_HOME`: the files of `packs/` and the operator's options, as bytes.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::bounded_file;

/// Folder of the operator's packs in `APORT_HOME`.
pub(crate) const PACK_FOLDER: &str = "packs";
/// File of the operator's options in `APORT_HOME`.
pub(super) const OPTIONS_FILE: &str = "pack-options.json";

/// Largest file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// Most files that the folder may hold.
const MAX_FILES: usize = 1000;
/// Most bytes that the folder's files may have together.
const MAX_TOTAL_BYTES: usize = 32 * 1024 * 1024;

/// All files, read one after the other. What cannot be read is kept as text, so that two looks at
/// the same trouble are equal.
///
/// Files are compared by their bytes. Time and length would miss an edit of the same length within
/// the clock's grain, or a copy that keeps its time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) files: Result<Vec<PackFile>, String>,
    pub(super) options: Result<Option<Vec<u8>>, String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct PackFile {
    pub(super) path: PathBuf,
    pub(super) content: Result<Vec<u8>, String>,
}

impl Snapshot {
    pub(super) fn read(home: &Path) -> Self {
        let options = match bounded_file::read(&options_path(home), MAX_FILE_BYTES) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        };
        Self {
            files: files(&home.join(PACK_FOLDER)),
            options,
        }
    }

    /// Whether this file is still listed. When the folder cannot be listed, nobody knows: yes.
    pub(super) fn lists(&self, path: &Path) -> bool {
        self.files
            .as_ref()
            .map_or(true, |files| files.iter().any(|file| file.path == path))
    }
}

pub(super) fn options_path(home: &Path) -> PathBuf {
    home.join(OPTIONS_FILE)
}

fn files(folder: &Path) -> Result<Vec<PackFile>, String> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.to_string()),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        if is_pack(&path) {
            paths.push(path);
        }
        if paths.len() > MAX_FILES {
            return Err(format!("it holds more than {MAX_FILES} packs"));
        }
    }
    paths.sort();
    let mut total = 0_usize;
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let content = bounded_file::read(&path, MAX_FILE_BYTES).map_err(|error| error.to_string());
        total = total.saturating_add(content.as_ref().map_or(0, Vec::len));
        if total > MAX_TOTAL_BYTES {
            return Err(format!("its packs have more than {MAX_TOTAL_BYTES} bytes"));
        }
        files.push(PackFile { path, content });
    }
    Ok(files)
}

/// `*.json`, but no hidden file: editors keep `.x.json.swp` and `.#x.json` beside what they edit, and
/// a volume that is switched as a whole has `..data`.
fn is_pack(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    !hidden
        && path
            .extension()
            .is_some_and(|extension| extension == "json")
}
