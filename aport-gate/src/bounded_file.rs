//! Reading the operator's files: regular ones only, and never without a bound.

use std::fs::File;
use std::io::{Error, Read as _, Result};
use std::path::Path;

/// The bytes of a regular file of at most `max` bytes; symbolic links are followed.
pub(crate) fn read(path: &Path, max: u64) -> Result<Vec<u8>> {
    // Asked before the file is opened: opening a named pipe would wait for its writer.
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(Error::other("it is not a regular file"));
    }
    let expected = usize::try_from(metadata.len().min(max)).unwrap_or_default();
    let mut bytes = Vec::with_capacity(expected.saturating_add(1));
    // One byte more than allowed shows that there is more; the length asked above may be old.
    File::open(path)?
        .take(max.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(Error::other(format!("it is larger than {max} bytes")));
    }
    Ok(bytes)
}
