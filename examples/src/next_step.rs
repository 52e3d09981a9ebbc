//! What to do after an error.

use std::io::ErrorKind;

use aport_gate::terminal::tell_error;
use aport_gate::{ClientError, DecisionMatch, Denial, DenialClass};

use crate::agent::AgentError;
use crate::{RunError, seen};

/// An error that says what to do next.
pub trait NextStep: std::fmt::Display {
    /// What to do next, in words for the user of a command.
    fn next_step(&self) -> String;

    /// Tells the error and the next step on standard error: as text, or as JSON for machines.
    fn tell(&self, json: bool) {
        tell_error(
            json,
            &seen::line(&self.to_string()),
            &seen::line(&self.next_step()),
        );
    }
}

impl NextStep for RunError {
    fn next_step(&self) -> String {
        match self {
            Self::NoHome => "set APORT_HOME to a folder".to_owned(),
            Self::File { path, source, .. } => match source.kind() {
                ErrorKind::NotFound => {
                    format!(
                        "check the path `{}`, and that its folder is there",
                        path.display()
                    )
                }
                ErrorKind::PermissionDenied => format!(
                    "change the permissions of `{}`, or name another with the option",
                    path.display()
                ),
                ErrorKind::IsADirectory => {
                    format!("`{}` is a folder: name a file", path.display())
                }
                _ => format!("check `{}` and the disk", path.display()),
            },
            Self::Passport { .. } => {
                "correct the file; `aport-gate passport check FILE` names everything that is wrong"
                    .to_owned()
            }
            Self::NoServer { .. } => {
                "install it with `cargo install --path examples`, or name one with `--server PATH`"
                    .to_owned()
            }
            Self::NotForBundle { .. } => {
                "without `--server` it takes the one beside this program; `cargo build --release --bin aport-gate-server` builds one"
                    .to_owned()
            }
            Self::Start { path, .. } => format!(
                "run `aport-gate doctor`, or start `{}` by itself and read its log",
                path.display()
            ),
            Self::Arguments(_) => "give a JSON object, in single quotes for the shell".to_owned(),
            Self::NoToken(name) | Self::UnusableToken(name) => {
                format!("`aport-gate token create --agent ID` makes one; `export {name}=…`")
            }
            Self::DemoOverHttp => {
                "`aport-gate-client tools --http URL` lists what there is to call".to_owned()
            }
            Self::Client(error) => after_client(error),
            Self::Setting(error) => format!("set `{}` right, or unset it", error.variable),
            Self::Ledger(_) | Self::Gate(_) => {
                "`aport-gate doctor` looks at the whole set-up and says what to do".to_owned()
            }
            Self::NoRegistry => "`export APORT_BASE_URL=http://127.0.0.1:8787`".to_owned(),
            Self::Registry(_) => "check APORT_BASE_URL and APORT_API_KEY".to_owned(),
            Self::Output(_) => "check where standard output leads".to_owned(),
        }
    }
}

impl NextStep for AgentError {
    fn next_step(&self) -> String {
        match self {
            Self::Setting(error) => format!("set `{}` right, or unset it", error.variable),
            Self::NoModel(_) => "give `--model NAME`".to_owned(),
            Self::Run(error) => error.next_step(),
            Self::NoAnswer { .. } => {
                "check the address of the API in its `…_BASE_URL`, and that it can be reached"
                    .to_owned()
            }
            Self::Unauthorized { variable, .. } => format!("put a valid key into `{variable}`"),
            Self::TooMany { .. } | Self::Unavailable { .. } => {
                "try again later; the calls that were made are in the server's audit trail"
                    .to_owned()
            }
            Self::Refused { .. } => "check the model's name and whether it takes tools".to_owned(),
            Self::Answer { .. } => {
                "check that the address speaks this API; `--json` shows what was done before"
                    .to_owned()
            }
        }
    }
}

pub(crate) fn after_client(error: &ClientError) -> String {
    if error.may_have_run() {
        return look(error);
    }
    let told = match error {
        ClientError::InvalidAgentId(_) => "give `--agent ID`, or set APORT_AGENT_ID right",
        ClientError::Setup(_) => "correct the option or the variable",
        ClientError::Connect(_) => "check that the server runs, and its address",
        ClientError::AccessRefused { .. } => {
            "put a valid token into a variable, and name it with `--token-env`"
        }
        ClientError::Unavailable(denial) if denial.has_code("gate.invalid_arguments") => {
            "correct the arguments; `aport-gate-client tools` lists those that the tool requires"
        }
        ClientError::Denied(denial) if denial.is_malformed() => {
            "correct the arguments, as its reasons say"
        }
        ClientError::Unavailable(denial) if denial.has_code("gate.facts_refused") => {
            "correct what its reason tells of: the same call cannot pass"
        }
        ClientError::Unavailable(denial) if denial.has_code("gate.facts_unavailable") => {
            "correct the call where its reason tells of what was asked for; else try again in a moment"
        }
        ClientError::Unavailable(denial) if denial.class() != DenialClass::Transient => {
            "`aport-gate doctor` looks at the whole set-up and says what to do"
        }
        ClientError::NotSent { .. }
        | ClientError::Unavailable(_)
        | ClientError::Deadline { .. } => "try again in a moment",
        ClientError::Denied(denial) => match denial.class() {
            DenialClass::Adjustable => {
                "keep to the limits in its reasons; `--retry-on-denial 1` takes what they leave"
            }
            DenialClass::Transient => "try again later: its reasons say what has to be over",
            _ => "no other arguments can pass: whoever issues passports has to decide",
        },
        ClientError::Adjustment { .. } => {
            "name with `--halve` an argument that is a number, or keep to the limits in its reasons"
        }
        ClientError::Tool { .. } => "nothing was done: the tool says why",
        ClientError::Protocol { .. } => "`aport-gate-client tools` lists what there is to call",
        _ => "`aport-gate doctor` looks at the whole set-up and says what to do",
    };
    told.to_owned()
}

/// After a call of which nobody knows whether it ran.
fn look(error: &ClientError) -> String {
    let whether = match error.denial().is_some_and(Denial::key_was_used) {
        true => "whether the earlier call ran",
        false => "whether it ran",
    };
    let under = match error.idempotency_key() {
        Some(key) => format!(", under the idempotency key `{key}`"),
        None => String::new(),
    };
    let search = search(error);
    format!("look with `{search}` at the server {whether}{under}, before it is done again")
}

/// The command that finds, at the server, the call of which nobody knows whether it ran. An allowed decision is found
/// by its id. That of a denial is not the one under which it may have run, so the key has to be looked for.
pub(crate) fn search(error: &ClientError) -> String {
    let allowed = error.decision_id().filter(|_| error.denial().is_none());
    match (allowed, error.idempotency_key()) {
        (Some(id), _) => format!("aport-gate audit show {}", in_shell(id)),
        (None, Some(key)) => format!("aport-gate audit list --key {}", in_shell(key)),
        (None, None) => "aport-gate audit list --allow".to_owned(),
    }
}

/// As one word of a shell, whatever stands in it.
fn in_shell(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/@".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// After a result whose decision is not one about the call.
pub(crate) fn after_unmatched(found: DecisionMatch) -> String {
    let what = match found {
        DecisionMatch::Foreign => "is about another agent or by another policy",
        _ => "is missing",
    };
    format!(
        "the tool ran, and the decision that its gate should have sent about this call {what}: ask whoever runs the server, or what stands before it"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_word_of_the_printed_command() {
        let of = |key: &str| {
            search(&ClientError::Transport {
                tool: "pay".to_owned(),
                source: Box::new(aport_gate::rmcp::service::ServiceError::TransportClosed),
                key: Some(key.to_owned()),
            })
        };
        for (key, word) in [
            ("order-7", "order-7"),
            ("a b; rm c", "'a b; rm c'"),
            ("it's $HOME", r"'it'\''s $HOME'"),
        ] {
            assert_eq!(of(key), format!("aport-gate audit list --key {word}"));
        }
    }
}
