//! A server over HTTP, for clients that come to it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use aport_gate_tests::{AGENT, Home, server_binary};

/// A server that tells where it listens on its first line. Ended when dropped.
pub(crate) struct Served {
    child: Child,
    readers: Vec<JoinHandle<()>>,
    url: String,
}

impl Served {
    /// The example server, bound to the agent of the tests.
    pub(crate) fn shop(home: &Home) -> Self {
        let mut command = Command::new(server_binary());
        command.args(["--http", "127.0.0.1:0"]);
        Self::start(command.env("APORT_AGENT_ID", AGENT), home)
    }

    /// The example server, bound to nobody: a token says who calls.
    pub(crate) fn shop_for_tokens(home: &Home) -> Self {
        let mut command = Command::new(server_binary());
        Self::start(command.args(["--http", "127.0.0.1:0"]), home)
    }

    /// The server with the tools that the example server has not.
    pub(crate) fn probes(home: &Home) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aport-gate-interop-server"));
        command.arg("--http").env("APORT_AGENT_ID", AGENT);
        Self::start(&mut command, home)
    }

    fn start(command: &mut Command, home: &Home) -> Self {
        let set: Vec<_> = command
            .get_envs()
            .map(|(name, _)| name.to_owned())
            .collect();
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("APORT_") && !set.contains(&name) {
                command.env_remove(name);
            }
        }
        let mut child = command
            .env("APORT_HOME", home.path())
            .env("RUST_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut stderr = child.stderr.take().unwrap();
        let (told, first) = mpsc::channel();
        // Both are read to their end: a full pipe would stop the server.
        let readers = vec![
            std::thread::spawn(move || {
                for line in stdout.lines().map_while(Result::ok) {
                    let _ = told.send(line);
                }
            }),
            std::thread::spawn(move || {
                let mut log = String::new();
                let _ = stderr.read_to_string(&mut log);
                // Shown where the test fails.
                eprint!("{log}");
            }),
        ];
        let mut served = Self {
            child,
            readers,
            url: String::new(),
        };
        let line = first.recv_timeout(Duration::from_secs(60)).unwrap();
        served.url = line.strip_prefix("listening on ").unwrap().to_owned();
        served
    }

    /// Where it speaks MCP.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }
}
