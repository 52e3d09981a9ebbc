//! The agent's command line.

use clap::{Parser, ValueEnum};

use crate::cli::{Caller, Common};

/// Has a chat model do a task with the gated tools of an MCP server.
///
/// Exit code: 0 when the model came to an end, 1 when it refused, was cut off, took too many turns or left a
/// call of which nobody knows whether it ran, 2 when it could not run.
#[derive(Debug, Parser)]
#[command(name = "aport-gate-agent", version, about)]
pub struct AgentCli {
    /// Whose API the model is behind.
    #[arg(value_enum)]
    pub provider: Provider,
    /// What to do, in words.
    pub task: String,
    /// The model's name; `OPENAI_MODEL` or `ANTHROPIC_MODEL` if absent.
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Turns of the model at most.
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub max_turns: u32,
    /// Longest answer of an Anthropic model, in tokens.
    #[arg(long, value_name = "N", default_value = "4096", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_tokens: u32,
    /// Who calls.
    #[command(flatten)]
    pub caller: Caller,
    /// What every command takes.
    #[command(flatten)]
    pub common: Common,
}

/// Whose API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Provider {
    /// Chat completions: OpenAI's, or any server that speaks them, by `OPENAI_BASE_URL`. The key is
    /// `OPENAI_API_KEY`, if one is needed.
    Openai,
    /// Anthropic's Messages API. The key is `ANTHROPIC_API_KEY`; `ANTHROPIC_BASE_URL` names another address.
    Anthropic,
}
