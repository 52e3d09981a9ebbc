//! A registry in a process of its own, and the plainest client there is.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub(crate) const PACK: &str = "finance.payment.refund.v1";
const LONG: Duration = Duration::from_secs(60);

/// A temporary folder; `home` in it is the `APORT_HOME`.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    database: Option<String>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            database: None,
        }
    }

    /// With a PostgreSQL database of its own as the ledger, where there is a server.
    pub(crate) fn on_postgresql() -> Option<Self> {
        let database = cfg!(feature = "postgres").then(aport_gate_test_postgres::database)??;
        let mut place = Self::new();
        place.database = Some(database);
        Some(place)
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub(crate) fn home(&self) -> std::path::PathBuf {
        self.folder.path().join("home")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aport-gate"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("APORT_") {
                command.env_remove(name);
            }
        }
        command
            .env("APORT_HOME", self.home())
            .envs(self.database.iter().map(|url| ("APORT_DATABASE_URL", url)))
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command that ends by itself: exit code, output, errors.
    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code().unwrap(),
            text(output.stdout),
            text(output.stderr),
        )
    }

    /// Makes a key and gives it.
    pub(crate) fn key(&self, name: &str, admin: bool) -> String {
        let mut arguments = vec!["registry", "key", "add", name];
        arguments.extend(admin.then_some("--admin"));
        let (code, key, errors) = self.run(&arguments);
        assert_eq!(code, 0, "{errors}");
        key.trim().to_owned()
    }

    /// Starts a registry on a free port of this machine.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Server {
        let mut all = vec!["registry", "--listen", "127.0.0.1:0"];
        all.extend(arguments);
        let mut child = self
            .command(&all)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (told, first) = mpsc::channel();
        // Both are read to their end: a full pipe would stop the server.
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = told.send(line);
            }
        });
        let errors = std::thread::spawn(move || {
            let lines: Vec<String> = stderr.lines().map_while(Result::ok).collect();
            lines.join("\n")
        });
        let line = match first.recv_timeout(LONG) {
            Ok(line) => line,
            Err(_) => {
                let _ = child.kill();
                panic!("it did not start: {}", errors.join().unwrap());
            }
        };
        let address = line.strip_prefix("listening on http://").unwrap();
        Server {
            address: address.parse().unwrap(),
            child,
            errors: Some(errors),
        }
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
    errors: Option<std::thread::JoinHandle<String>>,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts the status and gives the body.
    pub(crate) fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.json()
    }

    /// Asserts an error in OAP's shape.
    pub(crate) fn fails(self, status: u16, code: &str) -> Value {
        assert_eq!(self.headers["content-type"], "application/json");
        let body = self.is(status);
        assert_eq!(body["error"]["code"], code, "{body}");
        assert!(!body["error"]["message"].as_str().unwrap().is_empty());
        assert_eq!(body["status_code"], status);
        assert!(body["timestamp"].is_string() && body.get("decision_id").is_none());
        body
    }
}

impl Server {
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_write_timeout(Some(LONG)).unwrap();
        stream
    }

    /// Sends these bytes and reads to the end.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Option<Answer> {
        let mut stream = self.connect();
        // A server that refuses early closes while there is more to send.
        let _ = stream.write_all(bytes);
        read(&mut stream)
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        let given = |name: &str| headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
        if !given("host") {
            request += &format!("Host: {}\r\n", self.address);
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        if let Some(body) = body {
            if !given("content-type") {
                request += "Content-Type: application/json\r\n";
            }
            request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        } else {
            request += "\r\n";
        }
        self.raw(request.as_bytes()).expect("an answer")
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None)
    }

    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        self.send("POST", path, headers, Some(&body.to_string()))
    }

    /// Issues a passport as the onboarding of `--dev` prints it, and gives its agent.
    pub(crate) fn agent(&self) -> String {
        let order = json!({"owner_id": "org_acme", "capabilities": ["finance.payment.refund"], "assurance_level": "L2"});
        let issued = self.post("/api/passports", &[], &order).is(201);
        issued["agent_id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn verify(&self, headers: &[(&str, &str)], body: &Value) -> Answer {
        self.post(&format!("/api/verify/policy/{PACK}"), headers, body)
    }

    /// Ends it, and gives all that it wrote on standard error.
    pub(crate) fn stop(mut self) -> String {
        self.kill();
        self.errors.take().unwrap().join().unwrap()
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end.
    #[cfg(unix)]
    pub(crate) fn terminate(&mut self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(sent.success());
    }

    #[cfg(unix)]
    pub(crate) fn wait(&mut self) -> std::process::ExitStatus {
        let end = Instant::now() + LONG;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it did not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads an answer; none where the connection ended without one.
pub(crate) fn read(stream: &mut TcpStream) -> Option<Answer> {
    let mut bytes = Vec::new();
    // A reset after the answer, for what was sent beyond it, loses nothing that was read.
    let end = Instant::now() + LONG;
    let mut buffer = [0; 4096];
    while Instant::now() < end {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
        }
    }
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    Some(Answer {
        status,
        headers,
        text: body.to_owned(),
    })
}

/// A refund that the demo limits allow.
pub(crate) fn refund(amount: u64, key: &str) -> Value {
    json!({
        "order_id": "order_1", "customer_id": "customer_1", "amount": amount, "currency": "USD",
        "region": "US", "reason_code": "customer_request", "idempotency_key": key,
    })
}

/// The question of the current SDK's shape.
pub(crate) fn question(agent: &str, amount: u64, key: &str) -> Value {
    let mut context = refund(amount, key);
    context["agent_id"] = agent.into();
    context["policy_id"] = PACK.into();
    json!({ "context": context })
}
