//! A chat model that works with gated tools: `aport-gate-agent`.
//!
//! The tools of an MCP server are offered to the model as functions; what it wants called goes through a
//! [`PassportClient`](aport_gate::PassportClient), and a denial goes back to it as a result that it can act
//! on. The model decides nothing that the policy decides.

mod anthropic;
mod api;
pub mod cli;
mod error;
mod model;
mod openai;
mod repeats;
mod settings;
mod toolbox;

use std::collections::BTreeSet;
use std::io::{self, Write as _};

use aport_gate::terminal::Progress;
use serde_json::{Value, json};

use self::anthropic::Anthropic;
use self::cli::{AgentCli, Provider};
pub use self::error::AgentError;
use self::model::{End, Told, Turn};
use self::openai::OpenAi;
use self::settings::Settings;
use self::toolbox::Toolbox;
use crate::RunError;
use crate::call_command::connect;
use crate::seen;
use crate::setting::Environment;

enum Model {
    OpenAi(OpenAi),
    Anthropic(Anthropic),
}

impl Model {
    async fn turn(&mut self, told: &[Told]) -> Result<Turn, AgentError> {
        match self {
            Self::OpenAi(model) => model.turn(told).await,
            Self::Anthropic(model) => model.turn(told).await,
        }
    }
}

/// How a run ended, in words for the user; none where the model came to its end.
type Ended = Option<String>;

/// Has the model do the task. `Ok(false)` when it did not come to a clean end.
///
/// # Errors
/// [`AgentError`] when model or tools cannot be used.
pub async fn run(cli: &AgentCli) -> Result<bool, AgentError> {
    let client = connect(&cli.common, &cli.caller).await?;
    let mut toolbox = Toolbox::new(client).await.map_err(RunError::from)?;
    let mut transcript = Vec::new();
    let outcome = converse(cli, &mut toolbox, &mut transcript).await;
    let unsettled = toolbox.unsettled();
    toolbox.close().await;
    let mut ended = match outcome {
        Ok(ended) => ended,
        // Calls were made: who asked has to learn of them, and that it is no run to start again as it was.
        Err(error) if !transcript.is_empty() => Some(error.to_string()),
        Err(error) => return Err(error),
    };
    if let Some(look) = unsettled {
        ended = Some(match ended {
            None => look,
            Some(why) => format!("{why}; {look}"),
        });
    }
    let mut out = io::stdout().lock();
    if cli.common.json {
        let whole =
            json!({ "finished": ended.is_none(), "ended": ended, "transcript": transcript });
        writeln!(out, "{whole:#}").map_err(RunError::from)?;
    } else if let Some(ended) = &ended {
        eprintln!("{}", seen::line(ended));
    }
    Ok(ended.is_none())
}

async fn converse(
    cli: &AgentCli,
    toolbox: &mut Toolbox,
    transcript: &mut Vec<Value>,
) -> Result<Ended, AgentError> {
    let get = |name: &str| std::env::var_os(name);
    let environment = Environment(&get);
    let settings = Settings {
        model: cli.model.clone(),
        max_tokens: cli.max_tokens,
    };
    let offers = toolbox.offers();
    let mut model = match cli.provider {
        Provider::Openai => Model::OpenAi(OpenAi::new(&environment, settings, &offers, &cli.task)?),
        Provider::Anthropic => {
            Model::Anthropic(Anthropic::new(&environment, settings, &offers, &cli.task)?)
        }
    };
    let mut told = Vec::new();
    let progress = Progress::unless(cli.common.json);
    for _ in 0..cli.max_turns {
        let answering = model.turn(&told);
        let turn = progress.during("waiting for the model", answering).await?;
        told = Vec::new();
        let mut note = |event: Value, line: String| -> Result<(), RunError> {
            if !cli.common.json {
                writeln!(io::stdout().lock(), "{line}")?;
            }
            transcript.push(event);
            Ok(())
        };
        if !turn.text.is_empty() {
            note(json!({ "said": turn.text }), words(&turn.text))?;
        }
        match turn.end {
            End::Done => return Ok(None),
            End::Paused => continue,
            End::CutOff => {
                let why = "the model was cut off in the middle of its answer; none of its calls in it was made";
                return Ok(Some(why.to_owned()));
            }
            End::Refused(why) => {
                return Ok(Some(format!("the model does not answer: {why}")));
            }
            End::Calls => {}
        }
        // Results are told apart by id alone.
        let ids: BTreeSet<&str> = turn.calls.iter().map(|call| call.id.as_str()).collect();
        if ids.len() != turn.calls.len() {
            let problem = "two calls of one turn have the same id".to_owned();
            return Err(AgentError::Answer {
                api: "the model",
                problem,
            });
        }
        for call in &turn.calls {
            let arguments = call
                .arguments
                .as_ref()
                .map_or(Value::Null, |a| Value::Object(a.clone()));
            note(
                json!({ "called": call.name, "id": call.id, "arguments": arguments }),
                seen::line(&format!("→ {} {arguments}", call.name)),
            )?;
        }
        let calling = toolbox.make(turn.calls);
        told = progress.during("waiting for the tools", calling).await;
        for told in &told {
            note(
                json!({ "result": told.content }),
                seen::line(&format!("← {}", told.content)),
            )?;
        }
    }
    let why = format!(
        "the model took {} turns and came to no end; give more with `--max-turns`",
        cli.max_turns
    );
    Ok(Some(why))
}

/// The model's words, none of them like a line that says what was called and what came of it.
fn words(text: &str) -> String {
    seen::lines(text).replace(['→', '←'], "-")
}
