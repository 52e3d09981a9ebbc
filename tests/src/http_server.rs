//! The example server over HTTP as a child process, spoken to by the plainest client there is.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitStatus;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::home::Home;
use crate::listening::{LONG, Listening};
use crate::process::server_command;

/// A running `aport-gate-server --http`. Ended when dropped.
pub struct HttpServerProcess(Listening);

/// One answer over HTTP.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// Status.
    pub status: u16,
    /// Status line and headers.
    pub head: String,
    /// Body.
    pub body: String,
}

impl HttpServerProcess {
    /// Starts one on `home` and a free port of this machine.
    ///
    /// # Panics
    /// When it does not start in time.
    #[must_use]
    pub fn start(home: &Home, arguments: &[&str], envs: &[(&str, &str)]) -> Self {
        Self::launch(home, "127.0.0.1:0", arguments, envs)
    }

    /// Starts one on `home` at this address, such as that of one that died.
    ///
    /// # Panics
    /// When it does not start in time.
    #[must_use]
    pub fn start_at(home: &Home, listen: &str, envs: &[(&str, &str)]) -> Self {
        Self::launch(home, listen, &[], envs)
    }

    fn launch(home: &Home, listen: &str, arguments: &[&str], envs: &[(&str, &str)]) -> Self {
        let mut command = server_command(home.path(), envs);
        command.args(["--http", listen]).args(arguments);
        Self(Listening::start(command, "/mcp"))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Where it speaks MCP.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.0.address)
    }

    /// What it wrote to standard error so far.
    ///
    /// # Panics
    /// Never, unless a reader did.
    #[must_use]
    pub fn log(&self) -> String {
        self.0.log()
    }

    /// Kills it at once, as a crash would.
    ///
    /// # Panics
    /// When it cannot be ended.
    pub fn kill(&mut self) {
        self.0.kill();
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Waits for it to end by itself.
    ///
    /// # Panics
    /// When it does not, in time.
    pub fn ended(&mut self) -> ExitStatus {
        self.0.ended()
    }

    /// Sends these bytes and reads to the end.
    ///
    /// # Panics
    /// When there is no answer of HTTP.
    #[must_use]
    pub fn raw(&self, request: &[u8]) -> HttpAnswer {
        let mut stream = TcpStream::connect(self.0.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.write_all(request).unwrap();
        read_answer(stream)
    }

    /// One request with these headers, each a line, beside those that every one needs.
    ///
    /// # Panics
    /// When there is no answer of HTTP.
    #[must_use]
    pub fn request(&self, method: &str, path: &str, headers: &[&str], body: &str) -> HttpAnswer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        let names = |name: &str| {
            let is = |line: &&str| line.to_lowercase().starts_with(&format!("{name}:"));
            headers.iter().any(is)
        };
        for (name, value) in [
            ("host", self.0.address.to_string()),
            ("content-type", "application/json".to_owned()),
            ("accept", "application/json, text/event-stream".to_owned()),
            ("content-length", body.len().to_string()),
        ] {
            if !names(name) {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        for line in headers {
            head.push_str(&format!("{line}\r\n"));
        }
        self.raw(format!("{head}\r\n{body}").as_bytes())
    }

    /// One JSON-RPC request in the older protocol, which needs nothing but this.
    ///
    /// # Panics
    /// When there is no answer of HTTP.
    #[must_use]
    pub fn rpc(&self, headers: &[&str], method: &str, params: &Value) -> HttpAnswer {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.request("POST", "/mcp", headers, &body.to_string())
    }

    /// Calls a tool, without looking at the answer.
    ///
    /// # Panics
    /// When there is no answer of HTTP.
    #[must_use]
    pub fn call(&self, headers: &[&str], name: &str, arguments: &Value) -> HttpAnswer {
        let params = json!({ "name": name, "arguments": arguments });
        self.rpc(headers, "tools/call", &params)
    }
}

/// Reads one answer to the end of its connection.
///
/// # Panics
/// When it is none of HTTP.
#[must_use]
pub fn read_answer(mut stream: TcpStream) -> HttpAnswer {
    let mut answer = Vec::new();
    // A server that refuses a body may close before it is sent.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {answer}"));
    HttpAnswer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

impl HttpAnswer {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The `result` of a tool's call.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn answer(&self) -> Answer {
        assert_eq!(self.status, 200, "{self:?}");
        let mut message = self.json();
        assert!(message["result"].is_object(), "{message}");
        Answer(message["result"].take())
    }

    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}
