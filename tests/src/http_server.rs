//! The example server over HTTP as a child process, spoken to by the plainest client there is.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::binary::wait_for;
use crate::home::Home;
use crate::process::server_command;

const LONG: Duration = Duration::from_secs(60);

/// A running `aport-gate-server --http`. Ended when dropped.
pub struct HttpServerProcess {
    address: SocketAddr,
    child: Child,
    log: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
}

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
        let mut child = server_command(home.path(), envs)
            .args(["--http", listen])
            .args(arguments)
            .stdin(Stdio::null())
            .spawn()
            .expect("the server starts");
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut stderr = child.stderr.take().unwrap();
        let (told, first) = mpsc::channel();
        let log = Arc::<Mutex<Vec<u8>>>::default();
        let logged = Arc::clone(&log);
        // Both are read to their end: a full pipe would stop the server.
        let readers = vec![
            std::thread::spawn(move || {
                for line in stdout.lines().map_while(Result::ok) {
                    let _ = told.send(line);
                }
            }),
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(read @ 1..) = stderr.read(&mut bytes) {
                    logged.lock().unwrap().extend_from_slice(&bytes[..read]);
                }
            }),
        ];
        let mut server = Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            child,
            log,
            readers,
        };
        let line = first.recv_timeout(LONG);
        let line = line.unwrap_or_else(|_| panic!("it did not start: {}", server.log()));
        let told = line.strip_prefix("listening on http://").unwrap();
        server.address = told.strip_suffix("/mcp").unwrap().parse().unwrap();
        server
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it speaks MCP.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// What it wrote to standard error so far.
    ///
    /// # Panics
    /// Never, unless a reader did.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned()
    }

    /// Kills it at once, as a crash would.
    ///
    /// # Panics
    /// When it cannot be ended.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for it to end by itself.
    ///
    /// # Panics
    /// When it does not, in time.
    pub fn ended(&mut self) -> ExitStatus {
        wait_for(&mut self.child, LONG).expect("it ends by itself")
    }

    /// Sends these bytes and reads to the end.
    ///
    /// # Panics
    /// When there is no answer of HTTP.
    #[must_use]
    pub fn raw(&self, request: &[u8]) -> HttpAnswer {
        let mut stream = TcpStream::connect(self.address).unwrap();
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
            ("host", self.address.to_string()),
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

impl Drop for HttpServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }
}
