//! `aport-gate-client tools`: what there is to call, and what guards it.

use aport_gate::ListedTool;
use aport_gate::terminal::Progress;
use serde_json::{Value, json};

use crate::call_command::connect;
use crate::cli::{Common, Tools};
use crate::{RunError, printed, seen};

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
    if common.json {
        let tools: Vec<Value> = listed.iter().map(to_json).collect();
        printed::line(&format!("{:#}", json!({ "tools": tools })))?;
        return Ok(true);
    }
    for tool in &listed {
        printed::line(&told(tool))?;
    }
    Ok(true)
}

fn told(tool: &ListedTool) -> String {
    let guard = match &tool.policy {
        Some(policy) => format!("guarded by {}", policy.pack),
        None => "no policy is named".to_owned(),
    };
    let mut text = format!("{}: {}", seen::line(&tool.name), seen::line(&guard));
    if let Some(description) = &tool.tool.description {
        let first = description.lines().next().unwrap_or_default();
        text.push_str(&format!("\n  {}", seen::line(first)));
    }
    let required = required(tool);
    if !required.is_empty() {
        text.push_str(&format!(
            "\n  requires {}",
            seen::line(&required.join(", "))
        ));
    }
    text
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
