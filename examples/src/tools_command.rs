//! `aport-gate-client tools`: what there is to call, and what guards it.

use std::io::{self, Write as _};

use aport_gate::ListedTool;
use aport_gate::terminal::Progress;
use serde_json::{Value, json};

use crate::call_command::connect;
use crate::cli::{Common, Tools};
use crate::{RunError, seen};

/// Lists the tools. `Ok(true)`, also where there are none.
///
/// # Errors
/// [`RunError`] when the server cannot be asked.
pub async fn run(common: &Common, tools: &Tools) -> Result<bool, RunError> {
    let client = connect(common, &tools.caller).await?;
    let asking = client.list_tools();
    let listed = Progress::unless(common.json)
        .during("waiting for the server", asking)
        .await;
    client.close().await;
    let listed = listed?;
    let mut out = io::stdout().lock();
    if common.json {
        let tools: Vec<Value> = listed.iter().map(to_json).collect();
        writeln!(out, "{:#}", json!({ "tools": tools }))?;
        return Ok(true);
    }
    for tool in &listed {
        let guard = match &tool.policy {
            Some(policy) => format!("guarded by {}", policy.pack),
            None => "no policy is named".to_owned(),
        };
        writeln!(out, "{}: {}", seen::line(&tool.name), seen::line(&guard))?;
        if let Some(description) = &tool.tool.description {
            let first = description.lines().next().unwrap_or_default();
            writeln!(out, "  {}", seen::line(first))?;
        }
        let required = required(tool);
        if !required.is_empty() {
            writeln!(out, "  requires {}", seen::line(&required.join(", ")))?;
        }
    }
    Ok(true)
}

fn required(tool: &ListedTool) -> Vec<&str> {
    let required = tool.tool.input_schema.get("required");
    let required = required.and_then(Value::as_array).into_iter().flatten();
    required.filter_map(Value::as_str).collect()
}

fn to_json(tool: &ListedTool) -> Value {
    json!({
        "name": tool.name, "description": tool.tool.description, "policy": tool.policy,
        "input_schema": tool.tool.input_schema,
    })
}
