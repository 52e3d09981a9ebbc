//! Chat completions as documented.

use serde_json::{Value, json};

use crate::fake::{Checked, KEY, Say, equal, has, members, tool};

/// Checks a request against what was said before; the results in it.
pub(crate) fn check(head: &str, request: &Value, said: &[Value]) -> Checked<Vec<Value>> {
    has(head, "post /v1/chat/completions http/1.1")?;
    has(head, &format!("authorization: bearer {KEY}"))?;
    has(head, "content-type: application/json")?;
    members(request, &["model", "messages", "tools"])?;
    equal("model", &request["model"], &json!("a-model"))?;
    for offered in request["tools"].as_array().ok_or("no tools")? {
        members(offered, &["type", "function"])?;
        equal("type", &offered["type"], &json!("function"))?;
        let function = &offered["function"];
        members(function, &["name", "description", "parameters"])?;
        tool(
            &function["name"],
            &function["description"],
            &function["parameters"],
        )?;
    }
    let mut messages = request["messages"].as_array().ok_or("no messages")?.iter();
    for role in ["system", "user"] {
        let message = messages.next().ok_or("too few messages")?;
        members(message, &["role", "content"])?;
        equal("role", &message["role"], &json!(role))?;
    }
    let mut results = Vec::new();
    for said in said {
        equal(
            "what the model said",
            messages.next().unwrap_or(&Value::Null),
            said,
        )?;
        // Each call is answered, in order, before anything else.
        for call in said["tool_calls"].as_array().into_iter().flatten() {
            let result = messages.next().ok_or("a call without a result")?;
            members(result, &["role", "tool_call_id", "content"])?;
            equal("role", &result["role"], &json!("tool"))?;
            equal("tool_call_id", &result["tool_call_id"], &call["id"])?;
            let content = result["content"].as_str().ok_or("content is no text")?;
            results.push(serde_json::from_str(content).map_err(|error| error.to_string())?);
        }
    }
    match messages.next() {
        Some(more) => Err(format!("a message too many: {more}")),
        None => Ok(results),
    }
}

/// The message, and the answer that carries it.
pub(crate) fn say(say: &Say) -> (Value, Value) {
    let call = |(id, name, arguments): &(&str, &str, Value)| {
        let arguments = match arguments {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
    };
    let (mut message, reason) = match say {
        Say::Calls(calls) | Say::CutOff(calls) => {
            let calls: Vec<Value> = calls.iter().map(call).collect();
            let reason = if matches!(say, Say::CutOff(_)) {
                "length"
            } else {
                "tool_calls"
            };
            (
                json!({ "role": "assistant", "content": null, "tool_calls": calls }),
                reason,
            )
        }
        Say::Text(text) => (json!({ "role": "assistant", "content": text }), "stop"),
        _ => (json!({ "role": "assistant", "content": null }), "stop"),
    };
    let said = message.clone();
    message["refusal"] = match say {
        Say::Refusal => json!("I cannot help with that"),
        _ => Value::Null,
    };
    message["annotations"] = json!([]);
    let answer = json!({ "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "a-model",
        "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": reason }],
        "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 } });
    (said, answer)
}
