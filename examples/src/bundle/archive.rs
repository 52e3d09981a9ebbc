//! The bundle itself: a zip archive with the manifest and the server.

use std::io::{Cursor, Write as _};
use std::path::Path;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::file;
use super::manifest::entry_point;
use crate::RunError;

/// The bundle's bytes; `path` is where they go.
pub(super) fn pack(path: &Path, manifest: &Value, program: &[u8]) -> Result<Vec<u8>, RunError> {
    let failed = |error: zip::result::ZipError| RunError::File {
        action: "write",
        path: path.to_owned(),
        source: error.into(),
    };
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    archive
        .start_file("manifest.json", options.unix_permissions(0o644))
        .map_err(failed)?;
    archive
        .write_all(format!("{manifest:#}\n").as_bytes())
        .map_err(file("write", path))?;
    // A client unpacks it with these rights, and runs it.
    archive
        .start_file(entry_point(), options.unix_permissions(0o755))
        .map_err(failed)?;
    archive.write_all(program).map_err(file("write", path))?;
    Ok(archive.finish().map_err(failed)?.into_inner())
}

/// SHA-256 in hexadecimal.
pub(super) fn sha256(bundle: &[u8]) -> String {
    let digest = Sha256::digest(bundle);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
