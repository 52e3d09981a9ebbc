//! What the conformance suite of MCP starts as a client: [`PassportClient`] over HTTP. Its last argument is the
//! server's address.
//!
//! It makes the calls that the suite names, else one of each tool, with arguments that the tool's schema takes.

use aport_gate::{ClientError, ListedTool, PassportClient};
use serde_json::{Map, Value, json};

/// A tool of the suite that wants to see the schema of another as it arrived.
const ECHO: &str = "json_schema_echo";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args()
        .next_back()
        .ok_or("give the server's address")?;
    let client = PassportClient::connect_http(&url, None, "ap_conformance").await?;
    let tools = client.list_tools().await?;
    for (tool, arguments) in asked()?.unwrap_or_else(|| each(&tools)) {
        match client.call(&tool, arguments).await {
            Ok(reply) => println!("{tool}: {}", reply.text()),
            // A question is the caller's to answer, and this one answers none.
            Err(error @ ClientError::InputRequired { .. }) => println!("{error}"),
            Err(error) => return Err(error.into()),
        }
    }
    client.close().await;
    Ok(())
}

type Calls = Vec<(String, Map<String, Value>)>;

/// The calls that the suite names for the scenario, if it does.
fn asked() -> Result<Option<Calls>, Box<dyn std::error::Error>> {
    let Ok(context) = std::env::var("MCP_CONFORMANCE_CONTEXT") else {
        return Ok(None);
    };
    let context: Value = serde_json::from_str(&context)?;
    let call = |call: &Value| {
        let name = call.get("name")?.as_str()?.to_owned();
        Some((name, call.get("arguments")?.as_object()?.clone()))
    };
    let calls = context.get("toolCalls").and_then(Value::as_array);
    Ok(calls.map(|calls| calls.iter().filter_map(call).collect()))
}

fn each(tools: &[ListedTool]) -> Calls {
    tools
        .iter()
        .map(|tool| (tool.name.clone(), arguments(tool, tools)))
        .collect()
}

fn arguments(tool: &ListedTool, all: &[ListedTool]) -> Map<String, Value> {
    let other = all.iter().find(|other| other.name != ECHO);
    if let (ECHO, Some(other)) = (tool.name.as_str(), other) {
        let schema = Value::Object((*other.tool.input_schema).clone());
        return Map::from_iter([("schema".to_owned(), schema)]);
    }
    let properties = tool.tool.input_schema.get("properties");
    let properties = properties.and_then(Value::as_object).into_iter().flatten();
    properties
        .map(|(name, schema)| (name.clone(), sample(schema)))
        .collect()
}

fn sample(schema: &Value) -> Value {
    match schema.get("type").and_then(Value::as_str) {
        Some("number" | "integer") => json!(2),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        Some("object") => json!({}),
        Some("null") => Value::Null,
        _ => json!("a"),
    }
}
