//! Both model APIs on a port of this machine, strict about what they are sent.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const KEY: &str = "sk-hunter2";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    OpenAi,
    Anthropic,
}

pub(crate) const BOTH: [Api; 2] = [Api::OpenAi, Api::Anthropic];

/// What the model does in a turn.
#[derive(Clone, Debug)]
pub(crate) enum Say {
    Text(&'static str),
    /// Id, tool, arguments; text as arguments is sent as it stands.
    Calls(Vec<(&'static str, &'static str, Value)>),
    CutOff(Vec<(&'static str, &'static str, Value)>),
    Refusal,
    Paused,
    Status(u16, &'static str),
    Body(&'static str),
    Silence,
}

#[derive(Default)]
struct Seen {
    script: VecDeque<Say>,
    /// What was sent as the model's, in order.
    said: Vec<Value>,
    /// Results, as objects.
    results: Vec<Value>,
    tools: Vec<Value>,
    requests: usize,
    problems: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) api: Api,
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Fake {
    pub(crate) async fn start(api: Api, script: impl IntoIterator<Item = Say>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self {
            api,
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
        };
        fake.seen.lock().unwrap().script = script.into_iter().collect();
        let serving = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        fake
    }

    pub(crate) fn envs(&self) -> Vec<(String, String)> {
        let (prefix, path) = match self.api {
            Api::OpenAi => ("OPENAI", "/v1"),
            Api::Anthropic => ("ANTHROPIC", ""),
        };
        let env = |name: &str, value: String| (format!("{prefix}_{name}"), value);
        vec![
            env("BASE_URL", format!("http://{}{path}", self.address)),
            env("API_KEY", KEY.to_owned()),
            env("MODEL", "a-model".to_owned()),
            env("TIMEOUT_MS", "5000".to_owned()),
        ]
    }

    pub(crate) fn results(&self) -> Vec<Value> {
        self.seen.lock().unwrap().results.clone()
    }

    pub(crate) fn statuses(&self) -> Vec<String> {
        let results = self.results();
        results
            .iter()
            .map(|result| result["status"].as_str().unwrap().to_owned())
            .collect()
    }

    pub(crate) fn tools(&self) -> Vec<Value> {
        self.seen.lock().unwrap().tools.clone()
    }

    pub(crate) fn requests(&self) -> usize {
        self.seen.lock().unwrap().requests
    }

    /// What was wrong with the requests.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.seen.lock().unwrap().problems.clone()
    }

    async fn serve(self, mut stream: TcpStream) {
        while let Some((head, body)) = read(&mut stream).await {
            let Some((status, answer)) = self.answer(&head, &body) else {
                return std::future::pending().await;
            };
            let length = answer.len();
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nRetry-After: 7\r\nContent-Length: {length}\r\n\r\n"
            );
            stream.write_all((head + &answer).as_bytes()).await.unwrap();
        }
    }

    /// `None` never answers.
    fn answer(&self, head: &str, body: &[u8]) -> Option<(u16, String)> {
        let mut seen = self.seen.lock().unwrap();
        seen.requests += 1;
        let request: Value = serde_json::from_slice(body).unwrap();
        name_calls(&mut seen.said, &request);
        let checked = match self.api {
            Api::OpenAi => super::openai::check(head, &request, &seen.said),
            Api::Anthropic => super::anthropic::check(head, &request, &seen.said),
        };
        match checked {
            Ok(results) => seen.results = results,
            Err(problem) => {
                seen.problems.push(problem.clone());
                return Some((400, json!({ "error": { "message": problem } }).to_string()));
            }
        }
        seen.tools = request["tools"].as_array().unwrap().clone();
        let say = seen.script.pop_front().unwrap_or(Say::Text("done"));
        let (said, answer) = match say {
            Say::Status(status, message) => {
                let body = json!({ "type": "error", "error": { "type": "x", "message": message } });
                return Some((status, body.to_string()));
            }
            Say::Body(body) => return Some((200, body.to_owned())),
            Say::Silence => return None,
            say => match self.api {
                Api::OpenAi => super::openai::say(&say),
                Api::Anthropic => super::anthropic::say(&say),
            },
        };
        seen.said.push(said);
        Some((200, answer.to_string()))
    }
}

/// A call that was said without an id has the one that the client made up.
fn name_calls(said: &mut [Value], request: &Value) {
    let messages = request["messages"].as_array().into_iter().flatten();
    let sent = messages.filter(|message| message["role"] == "assistant");
    for (said, sent) in said.iter_mut().zip(sent) {
        let (said, sent) = match said.is_array() {
            true => (said, &sent["content"]),
            false => (&mut said["tool_calls"], &sent["tool_calls"]),
        };
        let said = said.as_array_mut().into_iter().flatten();
        for (said, sent) in said.zip(sent.as_array().into_iter().flatten()) {
            let made_up = sent["id"].as_str().is_some_and(|id| !id.is_empty());
            if said["id"] == "" && made_up {
                said["id"] = sent["id"].clone();
            }
        }
    }
}

pub(crate) async fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 8192];
        let read = stream.read(&mut chunk).await.ok()?;
        if read == 0 {
            return None;
        }
        bytes.extend_from_slice(&chunk[..read]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8(bytes[..end].to_vec())
            .unwrap()
            .to_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap_or("0");
        let length: usize = length.lines().next()?.trim().parse().ok()?;
        if bytes.len() >= end + 4 + length {
            return Some((head, bytes[end + 4..end + 4 + length].to_vec()));
        }
    }
}

pub(crate) type Checked<T = ()> = Result<T, String>;

/// The members of an object, no more and no fewer.
pub(crate) fn members(value: &Value, required: &[&str]) -> Checked {
    let object = value
        .as_object()
        .ok_or_else(|| format!("no object: {value}"))?;
    let mut found: Vec<&str> = object.keys().map(String::as_str).collect();
    let mut expected = required.to_vec();
    found.sort_unstable();
    expected.sort_unstable();
    equal("members", &json!(found), &json!(expected))
}

pub(crate) fn equal(what: &str, found: &Value, expected: &Value) -> Checked {
    match found == expected {
        true => Ok(()),
        false => Err(format!("{what}: {found}, expected {expected}")),
    }
}

pub(crate) fn has(head: &str, line: &str) -> Checked {
    match head.lines().any(|found| found == line) {
        true => Ok(()),
        false => Err(format!("no `{line}` in: {head}")),
    }
}

/// What both APIs ask of a tool.
pub(crate) fn tool(name: &Value, description: &Value, schema: &Value) -> Checked {
    let name = name.as_str().ok_or("a tool without a name")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        return Err(format!("tool name `{name}`"));
    }
    if !description.is_string() {
        return Err(format!("description of `{name}`"));
    }
    equal("schema type", &schema["type"], &json!("object"))?;
    let properties = schema["properties"].as_object().ok_or("no properties")?;
    let required = schema["required"].as_array().ok_or("no required")?;
    let known = |name: &Value| properties.contains_key(name.as_str().unwrap_or_default());
    match required.iter().find(|name| !known(name)) {
        Some(name) => Err(format!("required but not described: {name}")),
        None => Ok(()),
    }
}
