//! A gate for tests: in memory, at a time of its own, its calls on record.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rmcp::handler::server::router::tool::IntoToolRoute;
use serde_json::Value;

use super::call::{self, RecordedCall};
use super::rig::Rig;
use super::script::{Script, Scripted};
use super::{Answer, ManualClock, Session, TestPassport};
use crate::gate::{Gate, GateBuilder};
use crate::oap::AgentId;
use crate::server::Server;

/// The agent of a gate that was given no passport.
const AGENT: &str = "ap_test";
/// Audit records that are read at a time.
const PAGE: u32 = 1000;

/// A gate that forgets everything with the test.
///
/// It is the gate that serves, down to the transaction around each decision; what differs is that
/// the ledger is in memory, the folder of its passports is a temporary one, the clock stands until
/// it is moved, and decisions may come from a script.
///
/// ```
/// use aport_gate::testing::{TestGate, TestPassport, assert_allowed, assert_denied};
/// use aport_gate::policy_gated;
/// use serde_json::json;
///
/// #[policy_gated(pack = "code.repository.merge.v1", context(action = "pr.merge"))]
/// async fn merge(repository: String, branch: String, pr_number: u64) -> String {
///     format!("merged {repository}#{pr_number} into {branch}")
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let gate = TestGate::builder()
///     .passport(TestPassport::new("ap_dev").capability("code.repository.merge", json!({
///         "allowed_repositories": ["my-org/*"],
///         "allowed_base_branches": ["main"],
///         "max_merges_per_day": 1,
///     })))
///     .build()
///     .await;
/// let call = json!({ "repository": "my-org/shop", "branch": "main", "pr_number": 7 });
///
/// assert_allowed!(gate.call(merge, (), call.clone()).await);
/// assert_denied!(gate.call(merge, (), call.clone()).await, "oap.limit_exceeded");
///
/// gate.clock().advance(std::time::Duration::from_secs(24 * 60 * 60));
/// assert_allowed!(gate.call(merge, (), call).await);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TestGate {
    gate: Gate,
    rig: Arc<Rig>,
    home: Arc<tempfile::TempDir>,
}

impl TestGate {
    /// A gate over the real local verifier, with the embedded packs and no passport yet.
    pub fn builder() -> TestGateBuilder {
        TestGateBuilder {
            passports: Vec::new(),
            bound: true,
            agent: None,
            clock: ManualClock::default(),
            script: None,
            gate: Gate::builder().ledger_in_memory(),
        }
    }

    /// A gate that allows whatever is well-formed, for tests of what a tool does.
    pub async fn allowing() -> Self {
        Self::builder().always(Scripted::allow()).build().await
    }

    /// The gate itself, for a server of your own.
    #[must_use]
    pub fn gate(&self) -> Gate {
        self.gate.clone()
    }

    /// The clock that decisions are made by.
    #[must_use]
    pub fn clock(&self) -> &ManualClock {
        self.rig.clock()
    }

    /// The folder that stands for `APORT_HOME`, to change packs or `pack-options.json` while it is in use.
    #[must_use]
    pub fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    /// Puts a passport in force, in place of the one that its agent has. Counts from the next call.
    ///
    /// # Panics
    /// When the passport names no valid agent, or its file cannot be written.
    #[track_caller]
    pub fn set_passport(&self, passport: &TestPassport) {
        let agent = agent(passport.agent_id());
        let file = self.passport_file(&agent);
        if let Err(error) = std::fs::write(&file, passport.document().to_string()) {
            panic!("cannot write `{}`: {error}", file.display());
        }
    }

    /// Takes an agent's passport away. Counts from the next call.
    ///
    /// # Panics
    /// When the agent has none.
    #[track_caller]
    pub fn remove_passport(&self, agent_id: &str) {
        let file = self.passport_file(&agent(agent_id));
        if let Err(error) = std::fs::remove_file(&file) {
            panic!("cannot remove `{}`: {error}", file.display());
        }
    }

    /// Every call so far, oldest first, as the ledger has it.
    ///
    /// # Panics
    /// When the ledger's hash chain does not hold, which is a defect of this crate.
    pub async fn calls(&self) -> Vec<RecordedCall> {
        let ledger = self.gate.ledger();
        if let Err(error) = ledger.verify().await {
            panic!("the ledger of the test does not verify: {error}");
        }
        let mut records = Vec::new();
        loop {
            let after = records
                .last()
                .map_or(0, |r: &crate::AuditRecord| r.sequence);
            match ledger.records(after, PAGE).await {
                Ok(page) if page.is_empty() => return call::read(records, &self.rig),
                Ok(page) => records.extend(page),
                Err(error) => panic!("the ledger of the test cannot be read: {error}"),
            }
        }
    }

    /// Calls one gated tool through an rmcp client and server over an in-memory pipe. `state` is
    /// what its `#[service]` parameter sees.
    ///
    /// # Panics
    /// When the server refuses to start, or the arguments are no JSON object.
    pub async fn call<T, R, A>(&self, route: R, state: T, arguments: Value) -> Answer
    where
        T: Send + Sync + 'static,
        R: IntoToolRoute<Server<T>, A>,
    {
        let route = route.into_tool_route();
        let name = route.name().to_owned();
        let session = self.serve(state, |server| server.with_route(route)).await;
        session.call(&name, arguments).await
    }

    /// Serves tools over an in-memory pipe, for more than one call.
    ///
    /// # Panics
    /// When the server refuses to start.
    pub async fn serve<T>(
        &self,
        state: T,
        tools: impl FnOnce(Server<T>) -> Server<T>,
    ) -> Session<Server<T>>
    where
        T: Send + Sync + 'static,
    {
        Session::of_server(tools(Server::new(self.gate(), state))).await
    }

    fn passport_file(&self, agent: &AgentId) -> PathBuf {
        self.home.path().join(format!("passports/{agent}.json"))
    }
}

/// Sets up a [`TestGate`].
#[derive(Debug)]
#[must_use]
pub struct TestGateBuilder {
    passports: Vec<TestPassport>,
    bound: bool,
    agent: Option<String>,
    clock: ManualClock,
    script: Option<Script>,
    gate: GateBuilder,
}

impl TestGateBuilder {
    /// Adds a passport. The gate is bound to the agent of the first one, unless it is
    /// [`unbound`](Self::unbound) or bound to [another](Self::agent).
    pub fn passport(mut self, passport: TestPassport) -> Self {
        self.passports.push(passport);
        self
    }

    /// Adds a policy pack, as JSON, to the embedded ones.
    pub fn pack(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.gate = self.gate.pack(json);
        self
    }

    /// Binds the gate to this agent.
    pub fn agent(mut self, agent_id: &str) -> Self {
        self.agent = Some(agent_id.to_owned());
        self
    }

    /// Binds the gate to nobody: each call has to say who its agent is.
    pub fn unbound(mut self) -> Self {
        self.bound = false;
        self
    }

    /// The time at the start, RFC 3339; noon of a day in January 2026 otherwise.
    ///
    /// # Panics
    /// When `time` is no time.
    #[track_caller]
    pub fn at(mut self, time: &str) -> Self {
        self.clock = ManualClock::at(time);
        self
    }

    /// Answers the next calls with these decisions, in order, and refuses those after them.
    pub fn script(mut self, decisions: impl IntoIterator<Item = Scripted>) -> Self {
        let script = self.script.get_or_insert_default();
        script.next = Mutex::new(decisions.into_iter().collect::<VecDeque<_>>());
        self
    }

    /// Answers every call with this decision, once a [`script`](Self::script) has ended.
    pub fn always(mut self, decision: Scripted) -> Self {
        self.script.get_or_insert_default().then = Some(decision);
        self
    }

    /// Sets what else a gate can be set to, such as its timeout.
    pub fn configure(mut self, configure: impl FnOnce(GateBuilder) -> GateBuilder) -> Self {
        self.gate = configure(self.gate);
        self
    }

    /// Builds it.
    ///
    /// # Panics
    /// With the gate's own error, when a pack does not load, a passport cannot be written or an
    /// agent id is malformed.
    pub async fn build(self) -> TestGate {
        tracing::warn!("this gate is for tests: its caps and records end with the process");
        let home = match tempfile::tempdir() {
            Ok(home) => Arc::new(home),
            Err(error) => panic!("no temporary folder for the gate: {error}"),
        };
        let first = self.passports.first().map(TestPassport::agent_id);
        let agent_id = self.agent.as_deref().or(first).unwrap_or(AGENT);
        let mut builder = self.gate.home(home.path());
        if self.bound {
            builder = builder.agent(agent(agent_id));
        }
        let rig = Arc::new(Rig::new(self.script, self.clock));
        let gate = match builder.build().await {
            Ok(gate) => Arc::clone(&rig).install(gate),
            Err(error) => panic!("the gate does not start: {error}"),
        };
        let gate = TestGate { gate, rig, home };
        for passport in &self.passports {
            gate.set_passport(passport);
        }
        gate
    }
}

#[track_caller]
fn agent(id: &str) -> AgentId {
    match AgentId::parse(id) {
        Ok(agent) => agent,
        Err(error) => panic!("`{id}` is no agent id: {error}"),
    }
}
