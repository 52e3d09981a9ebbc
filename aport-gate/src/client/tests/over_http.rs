//! Streamable HTTP: what a status proves about a call, and where a token goes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::wire::{result, tools};
use super::{AGENT, arguments};
use crate::client::{BearerToken, ClientError, Intention, PassportClient, Retry};

const TOKEN: &str = "hunter2";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    /// The server has forgotten the session.
    Forgotten,
    Busy,
    Broken,
    /// The body ran; the connection breaks off.
    Cut,
    NoAccess,
    Redirected,
}

/// A server of the older protocol, with sessions.
#[derive(Clone)]
struct Http {
    url: String,
    fates: Arc<Mutex<VecDeque<Fate>>>,
    executions: Arc<Mutex<u32>>,
    calls: Arc<Mutex<u32>>,
    elsewhere: String,
    /// The answer to what it does not know: a status with a body.
    unknown: Option<(&'static str, &'static str)>,
}

async fn start(fates: impl IntoIterator<Item = Fate>, elsewhere: &str) -> Http {
    start_older(fates, elsewhere, None).await
}

async fn start_older(
    fates: impl IntoIterator<Item = Fate>,
    elsewhere: &str,
    unknown: Option<(&'static str, &'static str)>,
) -> Http {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http = Http {
        url: format!("http://{}/mcp", listener.local_addr().unwrap()),
        fates: Arc::new(Mutex::new(fates.into_iter().collect())),
        executions: Arc::default(),
        calls: Arc::default(),
        elsewhere: elsewhere.to_owned(),
        unknown,
    };
    let serving = http.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serving.clone().serve(stream));
        }
    });
    http
}

impl Http {
    async fn serve(self, mut stream: TcpStream) {
        while let Some((head, body)) = read(&mut stream).await {
            let answer = match head.starts_with("post") {
                true => self.answer(&head, &serde_json::from_slice(&body).unwrap()),
                false => Some("HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n".to_owned()),
            };
            let Some(answer) = answer else { return };
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }

    fn answer(&self, head: &str, request: &Value) -> Option<String> {
        assert!(
            head.contains(&format!("authorization: bearer {TOKEN}")),
            "{head}"
        );
        let id = &request["id"];
        let empty = |status: &str| format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        Some(match request["method"].as_str().unwrap_or_default() {
            "server/discover" if self.unknown.is_some() => {
                let (status, body) = self.unknown.unwrap();
                let body = body.replace("ID", &id.to_string());
                let length = body.len();
                format!(
                    "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
                )
            }
            "server/discover" => json_answer(&json!({ "jsonrpc": "2.0", "id": id,
                "error": { "code": -32601, "message": "no such method" } })),
            "initialize" => json_answer(&result(
                id,
                json!({ "protocolVersion": "2025-06-18", "capabilities": { "tools": {} },
                    "serverInfo": { "name": "http", "version": "1" } }),
            )),
            "tools/list" => json_answer(&result(id, json!({ "tools": tools() }))),
            "tools/call" => {
                *self.calls.lock().unwrap() += 1;
                let fate = self
                    .fates
                    .lock()
                    .unwrap()
                    .pop_front()
                    .unwrap_or(Fate::Answered);
                match fate {
                    Fate::Forgotten => return Some(empty("404 Not Found")),
                    Fate::Busy => return Some(empty("429 Too Many\r\nRetry-After: 0")),
                    Fate::NoAccess => {
                        return Some(empty("401 Unauthorized\r\nWWW-Authenticate: Bearer"));
                    }
                    Fate::Redirected => {
                        return Some(empty(&format!("307 There\r\nLocation: {}", self.elsewhere)));
                    }
                    _ => {}
                }
                *self.executions.lock().unwrap() += 1;
                match fate {
                    Fate::Cut => return None,
                    Fate::Broken => empty("503 Later"),
                    _ => json_answer(&result(id, json!({ "content": [] }))),
                }
            }
            _ => empty("202 Accepted"),
        })
    }
}

fn json_answer(body: &Value) -> String {
    let body = body.to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nMcp-Session-Id: s-1\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

async fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
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
        let length = head
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.lines().next());
        let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
        if bytes.len() >= end + 4 + length {
            return Some((head, bytes[end + 4..end + 4 + length].to_vec()));
        }
    }
}

async fn carry_out(http: &Http, tool: &str) -> Result<u32, ClientError> {
    let token = Some(BearerToken::new(TOKEN));
    let client = PassportClient::connect_http(&http.url, token, AGENT)
        .await
        .unwrap();
    let retry = Retry {
        max_attempts: 4,
        base_delay: Duration::from_millis(1),
        ..Retry::default()
    };
    let intention = Intention::new(tool, arguments(json!({})));
    let reply = client.carry_out(&intention, &retry).await;
    reply.map(|reply| reply.attempts)
}

#[tokio::test]
async fn what_the_server_turned_away_is_sent_again_and_what_it_may_have_taken_is_not() {
    for (fate, tool, attempts, executions) in [
        (Fate::Forgotten, "plain", Some(2), 1),
        (Fate::Busy, "plain", None, 0),
        (Fate::Busy, "harmless", Some(2), 1),
        (Fate::Broken, "plain", None, 1),
        (Fate::Cut, "plain", None, 1),
        (Fate::NoAccess, "plain", None, 0),
        (Fate::Broken, "harmless", Some(2), 2),
    ] {
        let http = start([fate], "").await;
        let outcome = carry_out(&http, tool).await;
        let ran = *http.executions.lock().unwrap();
        assert_eq!(
            outcome.as_ref().ok(),
            attempts.as_ref(),
            "{fate:?}: {outcome:?}"
        );
        assert_eq!(ran, executions, "{fate:?}");
        if let Err(error) = outcome {
            // A gateway may pass on the 429 of something behind the tool.
            let unknown = ran > 0 || matches!(fate, Fate::Busy);
            assert_eq!(error.may_have_run(), unknown, "{fate:?}: {error}");
            assert!(!format!("{error} {error:?}").contains(TOKEN), "{error:?}");
        }
    }
}

#[tokio::test]
async fn sessions_that_are_lost_again_and_again_prove_nothing() {
    for (tool, attempts, sent) in [("plain", None, 2), ("harmless", Some(3), 3)] {
        let http = start([Fate::Forgotten, Fate::Forgotten], "").await;
        let outcome = carry_out(&http, tool).await;
        assert_eq!(outcome.as_ref().ok(), attempts.as_ref(), "{outcome:?}");
        assert_eq!(*http.calls.lock().unwrap(), sent, "{tool}");
        assert!(outcome.is_ok() || outcome.unwrap_err().may_have_run());
    }
}

#[tokio::test]
async fn a_server_of_the_older_protocol_is_known_however_it_says_so() {
    for unknown in [
        ("200 OK", r#"{"jsonrpc":"2.0","id":ID,"result":{}}"#),
        (
            "200 OK",
            r#"{"jsonrpc":"2.0","id":ID,"error":{"code":-32000,"message":"no session"}}"#,
        ),
        ("400 Bad Request", "no session"),
        ("400 Bad Request", r#"{"message":"no session"}"#),
        ("404 Not Found", ""),
        ("500 Broken", ""),
    ] {
        let http = start_older([], "", Some(unknown)).await;
        assert_eq!(carry_out(&http, "plain").await.unwrap(), 1, "{unknown:?}");
    }
    // A server that lets nobody in is not asked twice.
    let http = start_older([], "", Some(("401 No\r\nWWW-Authenticate: Bearer", ""))).await;
    let error = PassportClient::connect_http(&http.url, Some(BearerToken::new(TOKEN)), AGENT)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("401"), "{error}");
}

#[tokio::test]
async fn access_that_was_refused_is_asked_for_once() {
    let http = start([Fate::NoAccess; 9], "").await;
    let error = carry_out(&http, "plain").await.unwrap_err();
    assert!(
        matches!(error, ClientError::AccessRefused { status: 401, .. }),
        "{error:?}"
    );
    assert_eq!(*http.calls.lock().unwrap(), 1);
}

#[tokio::test]
async fn no_token_follows_a_redirect() {
    let other = start([], "").await;
    let http = start([Fate::Redirected; 9], &other.url).await;
    let error = carry_out(&http, "plain").await.unwrap_err();
    assert!(matches!(error, ClientError::Transport { .. }), "{error:?}");
    assert_eq!(
        (*other.calls.lock().unwrap(), *http.calls.lock().unwrap()),
        (0, 1)
    );
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_said_in_words() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    drop(listener);
    let error = PassportClient::connect_http(&url, None, AGENT)
        .await
        .unwrap_err();
    assert!(
        error.to_string().to_lowercase().contains("connect"),
        "{error}"
    );
    assert!(!error.may_have_run());
}
