//! A registry of our own as a child process, and gates that ask it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use crate::home::Home;
use crate::listening::{LONG, Listening};
use crate::process::ServerProcess;

/// A running `aport-gate registry`. Ended when dropped.
pub struct RegistryProcess(Listening);

impl RegistryProcess {
    /// Starts one on `home` and a free port.
    ///
    /// # Panics
    /// When it does not start in time.
    #[must_use]
    pub fn start(home: &Home, arguments: &[&str], envs: &[(&str, &str)]) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), home, arguments, envs)
    }

    /// Starts one at this address: where another one was killed, for one.
    ///
    /// # Panics
    /// When it does not start in time.
    #[must_use]
    pub fn start_at(
        address: SocketAddr,
        home: &Home,
        arguments: &[&str],
        envs: &[(&str, &str)],
    ) -> Self {
        let address = address.to_string();
        let mut all = vec!["registry", "--listen", address.as_str()];
        all.extend(arguments);
        let mut command = home.operator_command(&all);
        command.envs(envs.iter().copied());
        Self(Listening::start(command, ""))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Its `APORT_BASE_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.0.address)
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

    /// An example server with a home of its own that asks this registry, bound to the agent of the tests.
    #[must_use]
    pub fn gate(&self, home: &Home, envs: &[(&str, &str)]) -> ServerProcess {
        let url = self.url();
        let mut all = vec![
            ("APORT_MODE", "registry"),
            ("APORT_BASE_URL", url.as_str()),
            ("APORT_AGENT_ID", crate::AGENT),
        ];
        all.extend(envs);
        ServerProcess::spawn(home.path(), &all)
    }

    /// One request by the plainest client there is: status and body.
    ///
    /// # Panics
    /// When there is no answer of JSON.
    #[must_use]
    pub fn request(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: &Value,
    ) -> (u16, Value) {
        let (status, text) = self.exchange(method, path, key, &body.to_string());
        let body = serde_json::from_str(&text);
        (
            status,
            body.unwrap_or_else(|error| panic!("{error}: {text}")),
        )
    }

    /// What is at a path, of any type.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn request_text(&self, path: &str) -> String {
        self.exchange("GET", path, None, "").1
    }

    fn exchange(&self, method: &str, path: &str, key: Option<&str>, body: &str) -> (u16, String) {
        let key = key.map_or(String::new(), |key| {
            format!("Authorization: Bearer {key}\r\n")
        });
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{key}Connection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.0.address,
            body.len()
        );
        let mut stream = TcpStream::connect(self.0.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    /// What the day's refunds in USD come to in its ledger, as a denial of too much tells it.
    ///
    /// # Panics
    /// When it gives no such denial.
    #[must_use]
    pub fn refunded_today(&self, key: Option<&str>) -> u64 {
        let mut context = crate::refund_arguments(1_000_000_000, "key-of-a-question");
        context["agent_id"] = crate::AGENT.into();
        context["policy_id"] = "finance.payment.refund.v1".into();
        let path = "/api/verify/policy/finance.payment.refund.v1";
        let (status, denial) = self.request("POST", path, key, &json!({ "context": context }));
        assert_eq!(status, 200, "{denial}");
        let reasons = denial["reasons"].as_array().unwrap();
        let daily = reasons
            .iter()
            .find(|reason| reason["details"]["rule"] == "daily_cap");
        let daily = daily.unwrap_or_else(|| panic!("no daily cap in {denial}"));
        daily["details"]["used"].as_u64().unwrap()
    }
}
