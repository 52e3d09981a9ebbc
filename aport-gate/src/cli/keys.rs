//! `aport-gate keys`.

use clap::Subcommand;
use serde_json::json;

use super::Verdict;
use super::environment::Environment;
use super::failure::Failure;
use super::output::Output;
use crate::{Error, Jwks, SigningKeys};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the public keys as a JSON Web Key Set: the one that signs first, then older ones.
    Jwks,
    /// Make a new signing key. Servers use it from their next start on; older keys stay published.
    Rotate,
}

impl Command {
    pub(super) fn run(&self, output: &mut Output) -> Result<Verdict, Failure> {
        let folder = Environment::read()?.home.join("keys");
        match self {
            Self::Jwks => {
                let keys = SigningKeys::existing(&folder).map_err(Error::from)?;
                let jwks = keys.map_or_else(Jwks::default, |keys| keys.jwks());
                output.value(&json!(jwks));
            }
            Self::Rotate => {
                let keys = match SigningKeys::existing(&folder).map_err(Error::from)? {
                    Some(keys) => keys.rotate(),
                    None => SigningKeys::open(&folder),
                };
                let keys = keys.map_err(Error::from)?;
                let kid = keys.signer().kid();
                if output.is_json() {
                    output.value(&json!({ "kid": kid }));
                } else {
                    output.line(format_args!(
                        "`{kid}` signs from the next start of a server on; a registry that runs publishes it within 5 s, and signs with it `--new-key-after` later (90 s if not given)"
                    ));
                }
            }
        }
        Ok(Verdict::Good)
    }
}
