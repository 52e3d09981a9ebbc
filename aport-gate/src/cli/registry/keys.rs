//! `aport-gate registry key`.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::Verdict;
use crate::cli::environment::Environment;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::registry::KeyRing;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a key and print it, once.
    Add {
        /// Name of the key, for people, logs and metrics.
        name: String,
        /// It may also issue passports and change their status.
        #[arg(long)]
        admin: bool,
    },
    /// List the keys by name; the keys themselves are stored nowhere.
    List,
    /// Revoke a key; it is refused from the next request on.
    Revoke {
        /// Name of the key.
        name: String,
    },
}

impl Command {
    pub(super) fn run(&self, output: &mut Output) -> Result<Verdict, Failure> {
        let ring = KeyRing::new(Environment::read()?.home.join("keys"));
        let failed = |error: crate::registry::KeyRingError| Failure::new(error.to_string());
        match self {
            Self::Add { name, admin } => {
                let key = ring.add(name, *admin).map_err(failed)?;
                if output.is_json() {
                    output.value(&json!({ "name": name, "admin": admin, "key": *key }));
                } else {
                    output.line(&*key);
                    eprintln!("this key is shown only now; who has it is `{name}`");
                }
            }
            Self::Revoke { name } => {
                ring.revoke(name).map_err(failed)?;
                if output.is_json() {
                    output.value(&json!({ "name": name, "revoked": true }));
                } else {
                    output.line(format_args!("`{name}` is revoked"));
                }
            }
            Self::List => list(&ring, output).map_err(failed)?,
        }
        Ok(Verdict::Good)
    }
}

fn list(ring: &KeyRing, output: &mut Output) -> Result<(), crate::registry::KeyRingError> {
    let keys = ring.all()?;
    if output.is_json() {
        let keys: Vec<Value> = keys
            .iter()
            .map(|key| {
                json!({
                    "name": key.name, "admin": key.admin,
                    "created_at": key.created_at, "revoked_at": key.revoked_at,
                })
            })
            .collect();
        output.value(&json!({ "keys": keys }));
        return Ok(());
    }
    let rows: Vec<Vec<String>> = keys
        .iter()
        .map(|key| {
            let may = if key.admin { "administrate" } else { "verify" };
            let state = match key.revoked_at {
                Some(time) => format!("revoked {time}"),
                None => "in force".to_owned(),
            };
            vec![
                key.name.clone(),
                may.to_owned(),
                key.created_at.to_string(),
                state,
            ]
        })
        .collect();
    output.table(&["NAME", "MAY", "MADE", "STATE"], &rows);
    Ok(())
}
