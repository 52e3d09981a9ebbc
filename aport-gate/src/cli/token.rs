//! `aport-gate token`: what agents prove with who they are, over HTTP.

use aport_gate_oap::AgentId;
use clap::Subcommand;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Verdict;
use super::environment::Environment;
use super::failure::Failure;
use super::output::Output;
use super::when::in_future;
use crate::agent_tokens::{AgentToken, AgentTokens};
use crate::secret_file::SecretError;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a token that binds its requests to one agent, and print it, once.
    Create {
        /// The agent whose calls are made with it.
        #[arg(long, value_name = "ID", value_parser = |text: &str| AgentId::parse(text))]
        agent: AgentId,
        /// Name of the token, for people; else one is made up.
        #[arg(long)]
        name: Option<String>,
        /// When it ends by itself: RFC 3339, or from now on such as `12h` or `90d`.
        #[arg(long, value_name = "WHEN", value_parser = in_future)]
        expires: Option<Timestamp>,
    },
    /// List the tokens by name; the tokens themselves are stored nowhere.
    List,
    /// Revoke a token; it is refused from the next request on, by every running server of this home.
    Revoke {
        /// Name of the token.
        name: String,
    },
}

impl Command {
    pub(super) fn run(&self, output: &mut Output) -> Result<Verdict, Failure> {
        let environment = Environment::read()?;
        let tokens = AgentTokens::new(&environment.home);
        let failed = |error: SecretError| Failure::new(format!("the tokens of agents: {error}"));
        match self {
            Self::Create {
                agent,
                name,
                expires,
            } => {
                let made = tokens.create(agent, name.as_deref(), *expires);
                let (name, token) = made.map_err(failed)?;
                if output.is_json() {
                    output.value(&json!({
                        "name": name, "agent_id": agent, "expires_at": expires, "token": *token,
                    }));
                } else {
                    output.line(&*token);
                    eprintln!(
                        "this token is shown only now; who has it is `{agent}`; its name is `{name}`"
                    );
                }
                let passport = environment.passports().join(format!("{agent}.json"));
                if !passport.exists() {
                    eprintln!(
                        "note: there is no passport `{}`: unless a registry has one, every call is denied",
                        passport.display()
                    );
                }
            }
            Self::Revoke { name } => {
                tokens.revoke(name).map_err(failed)?;
                if output.is_json() {
                    output.value(&json!({ "name": name, "revoked": true }));
                } else {
                    output.line(format_args!("`{name}` is revoked"));
                }
            }
            Self::List => list(&tokens.all().map_err(failed)?, output),
        }
        Ok(Verdict::Good)
    }
}

fn list(tokens: &[AgentToken], output: &mut Output) {
    if output.is_json() {
        let tokens: Vec<Value> = tokens
            .iter()
            .map(|token| {
                json!({
                    "name": token.name, "agent_id": token.agent, "state": state(token).0,
                    "created_at": token.created_at, "expires_at": token.expires_at,
                    "revoked_at": token.revoked_at,
                })
            })
            .collect();
        output.value(&json!({ "tokens": tokens }));
        return;
    }
    let rows: Vec<Vec<String>> = tokens
        .iter()
        .map(|token| {
            let (word, time) = state(token);
            let state = time.map_or(word.to_owned(), |time| format!("{word} {time}"));
            let made = token.created_at.to_string();
            vec![token.name.clone(), token.agent.to_string(), made, state]
        })
        .collect();
    output.table(&["NAME", "AGENT", "MADE", "STATE"], &rows);
}

fn state(token: &AgentToken) -> (&'static str, Option<Timestamp>) {
    match (token.revoked_at, token.expires_at) {
        (Some(time), _) => ("revoked", Some(time)),
        (None, Some(end)) if end <= Timestamp::now() => ("expired", Some(end)),
        (None, Some(end)) => ("until", Some(end)),
        (None, None) => ("in force", None),
    }
}
