//! The tools under simulation, and books of what their bodies really did.

use std::sync::{Arc, Mutex};

use aport_gate::{ExecutionReport, Permit, policy_gated};

use crate::random::Random;
use crate::timeline::Timeline;

/// In every panic of a body.
pub(crate) const PANIC: &str = "simulated panic of a body";

/// One body that ran, or still runs.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) decision_id: String,
    pub(crate) agent: String,
    pub(crate) order: String,
    pub(crate) key: String,
    pub(crate) reason: String,
    pub(crate) amount: u64,
    pub(crate) paid: bool,
    /// What it told the gate; none when it never came to that.
    pub(crate) told: Option<Told>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Done,
    NothingDone,
    Unclear,
    Panicked,
}

#[derive(Default)]
pub(crate) struct Books {
    pub(crate) refunds: Vec<Run>,
    /// Decision and agent of each ping.
    pub(crate) pings: Vec<(String, String)>,
}

/// What the tools work with.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) books: Arc<Mutex<Books>>,
    pub(crate) random: Arc<Mutex<Random>>,
    pub(crate) timeline: Timeline,
}

#[derive(Debug)]
pub(crate) enum DeskFault {
    NothingDone,
    Unclear,
}

impl std::fmt::Display for DeskFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NothingDone => "the desk is closed",
            Self::Unclear => "the desk did not answer",
        })
    }
}

impl ExecutionReport for DeskFault {
    fn nothing_executed(&self) -> bool {
        matches!(self, Self::NothingDone)
    }
}

impl Desk {
    fn change(&self, run: usize, change: impl FnOnce(&mut Run)) {
        change(&mut self.books.lock().unwrap().refunds[run]);
    }
}

/// Refund.
#[policy_gated(pack = "finance.payment.refund.v1")]
#[allow(clippy::too_many_arguments)]
pub(crate) async fn refund(
    #[service] desk: &Desk,
    #[permit] permit: &Permit,
    order_id: String,
    customer_id: String,
    amount: u64,
    currency: String,
    region: String,
    reason_code: String,
    idempotency_key: String,
) -> Result<String, DeskFault> {
    let _ = (customer_id, currency, region);
    let run = {
        let mut books = desk.books.lock().unwrap();
        books.refunds.push(Run {
            decision_id: permit.decision_id().to_owned(),
            agent: permit.agent_id().to_string(),
            order: order_id,
            key: idempotency_key,
            reason: reason_code,
            amount,
            paid: false,
            told: None,
        });
        books.refunds.len() - 1
    };
    let (before, after, fate) = {
        let mut random = desk.random.lock().unwrap();
        let longest = if random.percent(4) { 90_000 } else { 2000 };
        (
            random.milliseconds(2000),
            random.milliseconds(longest),
            random.below(100),
        )
    };
    desk.timeline.sleep(before).await;
    let (pays, told) = match fate {
        0..10 => (false, Told::NothingDone),
        10..16 => (false, Told::Unclear),
        16..24 => (true, Told::Unclear),
        24..27 => (false, Told::Panicked),
        27..30 => (true, Told::Panicked),
        _ => (true, Told::Done),
    };
    desk.change(run, |run| run.paid = pays);
    desk.timeline.sleep(after).await;
    desk.change(run, |run| run.told = Some(told));
    match told {
        Told::Done => Ok(format!("refunded {amount}")),
        Told::NothingDone => Err(DeskFault::NothingDone),
        Told::Unclear => Err(DeskFault::Unclear),
        Told::Panicked => panic!("{PANIC}"),
    }
}

/// Ping.
#[policy_gated(pack = "acme.ping.v1", unchecked)]
pub(crate) async fn ping(
    #[service] desk: &Desk,
    #[permit] permit: &Permit,
    note: String,
) -> String {
    let entry = (
        permit.decision_id().to_owned(),
        permit.agent_id().to_string(),
    );
    desk.books.lock().unwrap().pings.push(entry);
    note
}
