//! The server as a desktop client starts it out of a bundle.
//!
//! A bundle's form has fields that may be left blank, and clients then hand over an empty text, or
//! the placeholder itself. A gate takes neither: an `APORT_…` variable that is set to nothing is a
//! mistake of somebody. So the form's values come under names of their own, and only those that were
//! filled in become variables of the server, which is then started anew.

use std::ffi::{OsStr, OsString};
use std::process::{Command, ExitCode};

/// A field of the form, and the variable that it sets.
pub(crate) struct Field {
    /// Its name in the manifest's `user_config`.
    pub(crate) key: &'static str,
    /// What it sets.
    pub(crate) variable: &'static str,
}

/// The whole form.
pub(crate) const FIELDS: [Field; 5] = [
    field("mode", "APORT_MODE"),
    field("base_url", "APORT_BASE_URL"),
    field("api_key", "APORT_API_KEY"),
    field("agent_id", "APORT_AGENT_ID"),
    field("home", "APORT_HOME"),
];

const fn field(key: &'static str, variable: &'static str) -> Field {
    Field { key, variable }
}

impl Field {
    /// The name under which the client hands its value over.
    pub(crate) fn handed_over_as(&self) -> String {
        format!("BUNDLE_{}", self.variable)
    }

    /// What the client puts the value in place of.
    pub(crate) fn placeholder(&self) -> String {
        format!("${{user_config.{}}}", self.key)
    }

    /// What was filled in, if anything was.
    fn filled(&self, handed_over: Option<OsString>) -> Option<OsString> {
        let value = handed_over?;
        let is_blank = value
            .to_str()
            .is_some_and(|text| text.trim().is_empty() || text == self.placeholder());
        (!is_blank).then_some(value)
    }
}

/// Starts this program anew, with the form's values as its variables and `--bundled` taken away.
///
/// Where there is `exec`, this process becomes the server; elsewhere it waits for it.
#[must_use]
pub fn relaunch() -> ExitCode {
    let mut command = match std::env::current_exe() {
        Ok(program) => Command::new(program),
        Err(error) => return failed(&error),
    };
    command.args(std::env::args_os().skip(1).filter(|one| one != "--bundled"));
    // What the desktop's own environment says is not what stands in the form: no other ledger, and no real money.
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_setting(name)) {
        command.env_remove(name);
    }
    for field in &FIELDS {
        command.env_remove(field.handed_over_as());
        if let Some(value) = field.filled(std::env::var_os(field.handed_over_as())) {
            command.env(field.variable, value);
        }
    }
    become_it(command)
}

/// Whether a variable is a setting of the gate or of a back end.
fn is_setting(name: &OsStr) -> bool {
    // As on Windows, where names differ in nothing by their case.
    let name = name.to_string_lossy().to_ascii_uppercase();
    ["APORT_", "GITHUB_", "STRIPE_"]
        .iter()
        .any(|start| name.starts_with(start))
}

#[cfg(unix)]
fn become_it(mut command: Command) -> ExitCode {
    use std::os::unix::process::CommandExt as _;
    failed(&command.exec())
}

#[cfg(not(unix))]
fn become_it(mut command: Command) -> ExitCode {
    match command.status() {
        Ok(status) => status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => failed(&error),
    }
}

fn failed(error: &std::io::Error) -> ExitCode {
    tracing::error!("cannot start anew with the bundle's settings: {error}");
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_blank_is_not_set() {
        let [_, base_url, ..] = FIELDS;
        for (handed_over, filled) in [
            (None, None),
            (Some(""), None),
            (Some("  "), None),
            (Some("${user_config.base_url}"), None),
            (
                Some("https://registry.example.com"),
                Some("https://registry.example.com"),
            ),
            // No placeholder of this form: the gate will name it as a mistake.
            (Some("${HOST}"), Some("${HOST}")),
        ] {
            let value = base_url.filled(handed_over.map(OsString::from));
            assert_eq!(value, filled.map(OsString::from), "{handed_over:?}");
        }
    }
}
