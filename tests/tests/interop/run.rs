//! Running a foreign program to its end.

use std::io::Read as _;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use aport_gate_tests::wait_for;

/// Longer than any of them takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(240);

/// What a program came to.
pub(crate) struct Ended {
    /// None: it did not end in time, and was ended.
    pub(crate) status: Option<ExitStatus>,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Ended {
    pub(crate) fn code(&self) -> Option<i32> {
        self.status?.code()
    }

    /// Everything it said, for the message of a failed test.
    pub(crate) fn said(&self) -> String {
        format!(
            "ended with {:?}\n{}\n{}",
            self.status, self.output, self.errors
        )
    }
}

/// Runs it without `APORT_*` of the tests' own environment, but for what the command sets.
pub(crate) fn run(command: &mut Command) -> Ended {
    let set: Vec<_> = command
        .get_envs()
        .map(|(name, _)| name.to_owned())
        .collect();
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("APORT_") && !set.contains(&name) {
            command.env_remove(name);
        }
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    // Read beside the wait: a full pipe would stop the program.
    let (mut output, mut errors) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let output = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        output.read_to_end(&mut bytes).map(|_| bytes)
    });
    let errors = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        errors.read_to_end(&mut bytes).map(|_| bytes)
    });
    let status = wait_for(&mut child, LIMIT);
    let text = |reader: std::thread::JoinHandle<std::io::Result<Vec<u8>>>| {
        String::from_utf8_lossy(&reader.join().unwrap().unwrap()).into_owned()
    };
    Ended {
        status,
        output: text(output),
        errors: text(errors),
    }
}
