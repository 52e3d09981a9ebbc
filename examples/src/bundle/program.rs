//! What lies in a bundle: this server, as a program of this kind of machine.

use std::env::consts::{ARCH, OS};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::file;
use crate::RunError;

/// A program that only has to print its version.
const PATIENCE: Duration = Duration::from_secs(10);
/// What `--version` says: the bundle starts it as only this server of this version understands.
const SAYS: &str = concat!("aport-gate-server ", env!("CARGO_PKG_VERSION"));

/// Reads the server, if a client can start it out of a bundle.
///
/// # Errors
/// It cannot be read, is no program of this kind of machine, or is another one.
pub(super) async fn read(path: &Path) -> Result<Vec<u8>, RunError> {
    let unfit = |problem: String| RunError::NotForBundle {
        path: path.to_owned(),
        problem,
    };
    let program = std::fs::read(path).map_err(file("read", path))?;
    let kind = Kind::of(&program);
    if kind != Kind::HERE && !(kind.system == OS && kind.machine.is_none()) {
        return Err(unfit(format!(
            "it is {kind}, and a bundle made here is for {}",
            Kind::HERE
        )));
    }
    if !may_run(path) {
        return Err(unfit("it may not be run".to_owned()));
    }
    let asking = Command::new(path)
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let said = match tokio::time::timeout(PATIENCE, asking).await {
        Ok(Ok(said)) => said,
        Ok(Err(error)) => return Err(unfit(format!("it does not start: {error}"))),
        Err(_) => return Err(unfit("it does not tell its version".to_owned())),
    };
    let told: String = String::from_utf8_lossy(&said.stdout)
        .trim()
        .chars()
        .take(100)
        .collect();
    if told != SAYS {
        return Err(unfit(format!(
            "it has to be `{SAYS}`, and says that it is `{told}`"
        )));
    }
    Ok(program)
}

#[cfg(unix)]
fn may_run(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
}

/// Windows goes by the name's ending.
#[cfg(not(unix))]
fn may_run(_path: &Path) -> bool {
    true
}

/// Which machines run a program, by how its file begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    /// As [`OS`] has it; empty of what is no program.
    system: &'static str,
    /// As [`ARCH`] has it; none where it is for several, or not known.
    machine: Option<&'static str>,
}

impl Kind {
    const HERE: Self = Self {
        system: OS,
        machine: Some(ARCH),
    };

    fn of(program: &[u8]) -> Self {
        let at = |place: usize, length: usize| {
            let end = place.saturating_add(length);
            let bytes = program.get(place..end)?;
            Some(
                bytes
                    .iter()
                    .rev()
                    .fold(0_u64, |number, byte| number << 8 | u64::from(*byte)),
            )
        };
        let kind = |system, machine| Self { system, machine };
        let known = |number: Option<u64>, x86_64: u64, aarch64: u64| match number {
            Some(number) if number == x86_64 => Some("x86_64"),
            Some(number) if number == aarch64 => Some("aarch64"),
            // One that is not told apart here is at least not refused on its like.
            _ if !matches!(ARCH, "x86_64" | "aarch64") => Some(ARCH),
            _ => Some("another machine"),
        };
        match program {
            // Linux, and no other of the systems here.
            [0x7f, b'E', b'L', b'F', ..] => kind("linux", known(at(18, 2), 62, 183)),
            [0xcf, 0xfa, 0xed, 0xfe, ..] => {
                kind("macos", known(at(4, 4), 0x0100_0007, 0x0100_000c))
            }
            [0xca, 0xfe, 0xba, 0xbe, ..] => kind("macos", None),
            [b'M', b'Z', ..] => {
                let header = at(0x3c, 4).and_then(|place| usize::try_from(place).ok());
                let machine = header.and_then(|place| at(place.saturating_add(4), 2));
                kind("windows", known(machine, 0x8664, 0xaa64))
            }
            _ => kind("", None),
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.system, self.machine) {
            ("", _) => f.write_str("no program"),
            (system, Some(machine)) => write!(f, "a program of {system} on {machine}"),
            (system, None) => write!(f, "a program of {system}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_known_by_how_its_file_begins() {
        let mut pe = [0; 0x90];
        pe[..2].copy_from_slice(b"MZ");
        pe[0x3c] = 0x80;
        pe[0x80..0x86].copy_from_slice(b"PE\0\0\x64\x86");
        let mut elf = [0; 64];
        elf[..4].copy_from_slice(b"\x7fELF");
        elf[18] = 183;
        let mut macho = vec![0xcf, 0xfa, 0xed, 0xfe];
        macho.extend(0x0100_000c_u32.to_le_bytes());
        for (program, system, machine) in [
            (&pe[..], "windows", "x86_64"),
            (&elf, "linux", "aarch64"),
            (&macho, "macos", "aarch64"),
        ] {
            let kind = Kind::of(program);
            assert_eq!((kind.system, kind.machine), (system, Some(machine)));
        }
        for none in [&b""[..], b"#!/bin/sh\n", b"MZ", b"PK"] {
            let kind = Kind::of(none);
            assert_ne!(kind, Kind::HERE, "{none:?}");
        }
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(Kind::of(&own), Kind::HERE);
    }
}
