//! The operator's command on a home.

use std::process::Command;

use crate::binary::command_binary;
use crate::home::Home;

/// What one run of `aport-gate` came to.
#[derive(Debug)]
pub struct Operated {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Home {
    /// `aport-gate` with these arguments on this home, not started yet.
    #[must_use]
    pub fn operator_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(command_binary());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("APORT_") {
                command.env_remove(name);
            }
        }
        command.env("APORT_HOME", self.path()).args(arguments);
        command
    }

    /// Runs `aport-gate` with these arguments on this home.
    ///
    /// # Panics
    /// When it cannot run.
    #[must_use]
    pub fn operate(&self, arguments: &[&str]) -> Operated {
        let output = self.operator_command(arguments).output().unwrap();
        Operated {
            code: output.status.code().expect("it ends by itself"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Operated {
    /// Standard output, of a run that ended with this code.
    ///
    /// # Panics
    /// When it ended with another.
    #[must_use]
    pub fn exits(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        self.stdout
    }
}
