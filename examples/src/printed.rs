//! Standard output, whose reader may go away: `aport-gate-client tools | head -1`.

use std::io::{self, ErrorKind, Write as _};

/// Writes a line, whole. A reader that went away is no error: it has what it wanted.
///
/// # Errors
/// Standard output cannot be written for another reason.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
