//! The Messages API as documented.

use serde_json::{Value, json};

use crate::fake::{Checked, KEY, Say, equal, has, members, tool};

/// Checks a request against what was said before; the results in it.
pub(crate) fn check(head: &str, request: &Value, said: &[Value]) -> Checked<Vec<Value>> {
    has(head, "post /v1/messages http/1.1")?;
    has(head, &format!("x-api-key: {KEY}"))?;
    has(head, "anthropic-version: 2023-06-01")?;
    has(head, "content-type: application/json")?;
    if head.contains("authorization:") {
        return Err("two credentials".to_owned());
    }
    members(
        request,
        &["model", "max_tokens", "system", "messages", "tools"],
    )?;
    equal("model", &request["model"], &json!("a-model"))?;
    if request["max_tokens"].as_u64().is_none_or(|most| most == 0) || !request["system"].is_string()
    {
        return Err("max_tokens or system".to_owned());
    }
    for offered in request["tools"].as_array().ok_or("no tools")? {
        members(offered, &["name", "description", "input_schema"])?;
        tool(
            &offered["name"],
            &offered["description"],
            &offered["input_schema"],
        )?;
    }
    let mut messages = request["messages"].as_array().ok_or("no messages")?.iter();
    let task = messages.next().ok_or("no task")?;
    members(task, &["role", "content"])?;
    equal("role", &task["role"], &json!("user"))?;
    members(&task["content"][0], &["type", "text"])?;
    let mut results = Vec::new();
    for said in said {
        let message = messages.next().ok_or("the model's turn is missing")?;
        equal(
            "what the model said",
            message,
            &json!({ "role": "assistant", "content": said }),
        )?;
        let calls: Vec<_> = said
            .as_array()
            .unwrap()
            .iter()
            .filter(|block| block["type"] == "tool_use")
            .collect();
        if calls.is_empty() {
            continue;
        }
        // One message of the user, with a result for each call.
        let message = messages.next().ok_or("calls without results")?;
        members(message, &["role", "content"])?;
        equal("role", &message["role"], &json!("user"))?;
        let blocks = message["content"].as_array().ok_or("no blocks")?;
        equal("results", &json!(blocks.len()), &json!(calls.len()))?;
        for (call, result) in calls.iter().zip(blocks) {
            members(result, &["type", "tool_use_id", "content", "is_error"])?;
            equal("type", &result["type"], &json!("tool_result"))?;
            equal("tool_use_id", &result["tool_use_id"], &call["id"])?;
            let content = result["content"].as_str().ok_or("content is no text")?;
            let content: Value =
                serde_json::from_str(content).map_err(|error| error.to_string())?;
            equal(
                "is_error",
                &result["is_error"],
                &json!(content["status"] != "ok"),
            )?;
            results.push(content);
        }
    }
    match messages.next() {
        Some(more) => Err(format!("a message too many: {more}")),
        None => Ok(results),
    }
}

/// The content, and the answer that carries it.
pub(crate) fn say(say: &Say) -> (Value, Value) {
    let thinking = json!({ "type": "thinking", "thinking": "hm", "signature": "c2ln" });
    let calls = |calls: &[(&str, &str, Value)]| {
        let call = |(id, name, input): &(&str, &str, Value)| json!({ "type": "tool_use", "id": id, "name": name, "input": input });
        std::iter::once(thinking.clone())
            .chain(calls.iter().map(call))
            .collect()
    };
    let (content, reason): (Value, _) = match say {
        Say::Calls(wanted) => (calls(wanted), "tool_use"),
        Say::CutOff(wanted) => (calls(wanted), "max_tokens"),
        Say::Text(text) => (json!([{ "type": "text", "text": text }]), "end_turn"),
        Say::Paused => (
            json!([{ "type": "text", "text": "a moment" }]),
            "pause_turn",
        ),
        _ => (json!([]), "refusal"),
    };
    let answer = json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": "a-model",
        "content": content, "stop_reason": reason, "stop_sequence": null,
        "usage": { "input_tokens": 1, "output_tokens": 1 } });
    (content, answer)
}
