//! A folder of the gate's state, and what the tests put into it.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::process::ServerProcess;

/// The agent of the tests.
pub const AGENT: &str = "ap_tester";

/// A temporary `APORT_HOME` with one passport in it.
pub struct Home(tempfile::TempDir);

impl Home {
    /// A folder with [`passport`] in it.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn new() -> Self {
        away_from_midnight();
        let home = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(home.path().join("passports")).unwrap();
        home.write_passport(passport().to_string());
        home
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The ledger's file.
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        self.path().join("ledger.sqlite3")
    }

    /// Where [`AGENT`]'s passport lies.
    #[must_use]
    pub fn passport_file(&self) -> PathBuf {
        self.path().join("passports").join(format!("{AGENT}.json"))
    }

    /// Replaces [`AGENT`]'s passport.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write_passport(&self, document: impl AsRef<[u8]>) {
        std::fs::write(self.passport_file(), document).unwrap();
    }

    /// A bearer token of this agent, made by the operator's command.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn token(&self, agent: &str, name: &str) -> String {
        let made = self.operate(&["token", "create", "--agent", agent, "--name", name]);
        made.exits(0).trim().to_owned()
    }

    /// Gives another agent a passport like [`AGENT`]'s.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn add_agent(&self, agent: &str) {
        let mut document = passport();
        document["passport_id"] = agent.into();
        let file = self.path().join("passports").join(format!("{agent}.json"));
        std::fs::write(file, document.to_string()).unwrap();
    }

    /// A server bound to [`AGENT`].
    #[must_use]
    pub fn bound(&self) -> ServerProcess {
        ServerProcess::spawn(self.path(), &[("APORT_AGENT_ID", AGENT)])
    }

    /// What the simulated desk paid out, one entry a payment.
    ///
    /// # Panics
    /// When the desk's file is not lines of JSON.
    #[must_use]
    pub fn payments(&self) -> Vec<Value> {
        self.journal("simulated-refunds.jsonl")
    }

    /// What the simulated git host merged, one entry a merge.
    ///
    /// # Panics
    /// When the host's file is not lines of JSON.
    #[must_use]
    pub fn merges(&self) -> Vec<Value> {
        self.journal("simulated-merges.jsonl")
    }

    /// What a server of the tests wrote into a file of this name, one entry a line.
    ///
    /// # Panics
    /// When the file is not lines of JSON.
    #[must_use]
    pub fn journal(&self, name: &str) -> Vec<Value> {
        let file = self.path().join(name);
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => panic!("`{}`: {error}", file.display()),
        };
        // A line without an end is of a desk that died before it paid.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        text[..whole]
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    }
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

/// [`AGENT`]'s passport: 5000 a refund and 10000 a day in USD, merges into
/// `my-org/*`.
#[must_use]
pub fn passport() -> Value {
    json!({
        "passport_id": AGENT, "kind": "instance", "spec_version": "oap/1.0",
        "owner_id": "org_test", "owner_type": "org", "assurance_level": "L2", "status": "active",
        "capabilities": [{ "id": "finance.payment.refund" }, { "id": "code.repository.merge" }],
        "limits": {
            "finance.payment.refund": {
                "currency_limits": { "USD": { "max_per_tx": 5000, "daily_cap": 10000 } },
                "reason_codes": ["customer_request"],
            },
            "code.repository.merge": {
                "allowed_repositories": ["my-org/*"],
                "allowed_base_branches": ["main"],
                "max_merges_per_day": 3,
            },
        },
        "regions": ["US"],
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
        "version": "1.0.0",
    })
}

/// Arguments of a refund within the passport, but for its amount.
#[must_use]
pub fn refund_arguments(amount: u64, key: &str) -> Value {
    json!({
        "order_id": format!("order-{key}"), "customer_id": "customer-1", "amount": amount,
        "currency": "USD", "region": "US", "reason_code": "customer_request",
        "idempotency_key": key,
    })
}

// A new UTC day frees the caps, which a test that sums up a day must not meet.
fn away_from_midnight() {
    let now = SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap_or_default()
        .as_secs();
    let left = 86_400 - now % 86_400;
    if left < 45 {
        std::thread::sleep(Duration::from_secs(left + 1));
    }
}
