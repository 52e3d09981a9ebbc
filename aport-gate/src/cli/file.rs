//! Reading files that somebody else wrote.

use std::io::Read as _;
use std::path::Path;

use super::failure::Failure;

/// Largest file that is read, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The whole file, without a byte order mark: data for this one command.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = as_it_is(path)?;
    // Editors on Windows put one in front; JSON has no place for it.
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    Ok(bytes)
}

/// The whole file: a document that servers read as it is, and that must fare here as it does there.
pub(super) fn as_it_is(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| Failure::io("read", path, &error))?;
    if bytes.len() as u64 > LARGEST {
        return Err(
            Failure::file("read", path, format!("it is larger than {LARGEST} bytes"))
                .hint("check that it is the file that was meant"),
        );
    }
    Ok(bytes)
}
