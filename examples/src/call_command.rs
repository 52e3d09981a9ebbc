//! `aport-gate-client call`: one call of one tool.

use std::io;
use std::process::ExitCode;

use aport_gate::oap::parse_json;
use aport_gate::terminal::Progress;
use aport_gate::{
    BearerToken, ClientError, PassportClient, RetryOnDenial, Sent, Strategy, ToolReply,
};
use serde_json::{Map, Value};

use crate::{
    CallOutcome, CallReport, NextStep as _, RunError,
    cli::{Call, Caller, Common},
    next_step::{after_client, after_unmatched},
    printed, seen, server_process,
};

/// Calls the tool and prints what became of it: for machines in one shape, [`CallReport`], as soon as there was a
/// server to call.
///
/// # Errors
/// [`RunError`] when the call could not be made.
pub async fn run(common: &Common, call: &Call) -> Result<ExitCode, RunError> {
    let arguments = arguments(&call.arguments)?;
    let client = connect(common, &call.caller).await?;
    let strategy = match &call.halve {
        Some(field) => Strategy::Halve {
            field: field.clone(),
        },
        None => Strategy::ClampToLimit,
    };
    let retry = RetryOnDenial {
        max_attempts: call.retry_on_denial.saturating_add(1),
        ..RetryOnDenial::new(strategy)
    };
    let mut sent = Sent::default();
    let calling = client.call_with_retry_noting(&call.tool, arguments, retry, &mut sent);
    let outcome = Progress::unless(common.json)
        .during("waiting for the tool", calling)
        .await;
    client.close().await;
    let report = match &outcome {
        Ok(reply) => CallReport::of_reply(&call.tool, reply),
        Err(error) => CallReport::of_error(&call.tool, error, sent),
    };
    let code = report.outcome.exit_code();
    if common.json {
        let text = serde_json::to_string_pretty(&report).map_err(io::Error::from)?;
        printed::line(&text)?;
        return Ok(code);
    }
    let text = match outcome {
        Ok(reply) => said(&reply),
        Err(error) if report.outcome == CallOutcome::Uncertain => {
            RunError::from(error).tell(false);
            return Ok(code);
        }
        Err(error) if code == ExitCode::from(2) => return Err(error.into()),
        Err(error) => told(&error),
    };
    printed::line(&seen::lines(&text))?;
    if let Some(next) = report.next {
        printed::line(&format!("  next: {next}"))?;
    }
    Ok(code)
}

/// The server of the command line, over HTTP or started here.
pub(crate) async fn connect(common: &Common, caller: &Caller) -> Result<PassportClient, RunError> {
    let agent = &caller.agent;
    let progress = Progress::unless(common.json);
    if let Some(url) = &common.http {
        let token = match &common.token_env {
            Some(name) => Some(token(name)?),
            None => None,
        };
        let connecting = PassportClient::connect_http(url, token, agent);
        return Ok(progress.during("connecting", connecting).await?);
    }
    let server = server_process::locate(common.server.as_deref()).await?;
    let starting = server_process::start(&server, |command| {
        if let Some(home) = &caller.home {
            command.env("APORT_HOME", home);
        }
    });
    let service = progress.during("starting the server", starting).await?;
    Ok(PassportClient::new(service, agent)?)
}

/// Strictly: which of two values of one name is meant is not for this program to choose.
fn arguments(text: &str) -> Result<Map<String, Value>, RunError> {
    match parse_json(text.as_bytes()) {
        Ok(Value::Object(arguments)) => Ok(arguments),
        Ok(_) => Err(RunError::Arguments(
            "this is JSON, but no object".to_owned(),
        )),
        Err(error) => Err(RunError::Arguments(error.to_string())),
    }
}

fn token(name: &str) -> Result<BearerToken, RunError> {
    match std::env::var(name) {
        Ok(token) if token.contains("${") || token.trim().is_empty() => {
            Err(RunError::UnusableToken(name.to_owned()))
        }
        Ok(token) => Ok(BearerToken::new(token)),
        Err(_) => Err(RunError::NoToken(name.to_owned())),
    }
}

fn said(reply: &ToolReply) -> String {
    let mut text = String::new();
    for denial in &reply.denials {
        text.push_str(&format!("denied, adjusted: {denial}\n"));
    }
    text.push_str(&reply.text());
    if reply.decision_match.is_doubtful() {
        text.push_str(&format!("\n{}", after_unmatched(reply.decision_match)));
    }
    text
}

/// The server's own words where there are some, then each reason's code.
pub(crate) fn told(error: &ClientError) -> String {
    let Some(denial) = error.denial() else {
        return error.to_string();
    };
    let mut text = denial.text.clone();
    for reason in &denial.reasons {
        text.push_str(&format!("\n  {}: {}", reason.code, reason.message));
        if let Some(details) = &reason.details {
            let field = details.field.as_deref().unwrap_or("value");
            let (actual, limit) = (&details.actual, &details.limit);
            match (actual, limit) {
                (Value::Null, Value::Null) => {}
                (actual, Value::Null) => text.push_str(&format!(" [{field} {actual}]")),
                (Value::Null, limit) => text.push_str(&format!(" [{field}: limit {limit}]")),
                _ => text.push_str(&format!(" [{field} {actual}, limit {limit}]")),
            }
        }
    }
    if let ClientError::Adjustment { .. } = error {
        text.push_str(&format!("\n{error}"));
    }
    if error.may_have_run() {
        text.push_str(&format!("\n{}", after_client(error)));
    }
    text
}
