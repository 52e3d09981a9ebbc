//! What must hold after every run, by the books of the desk and by the ledger, which know nothing of one another.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aport_gate::AuditRecord;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::agent::call;
use crate::desk::{Run, Told};
use crate::seen::Seen;
use crate::wire::Wire;
use crate::world::{AGENTS, PER_DAY, PINGS_A_MINUTE, World};

/// An allow decision, and what became of it.
struct Allowed {
    decision: Value,
    at: Timestamp,
    /// `committed`, `released` or `held`.
    state: String,
}

pub(crate) async fn all(world: &World) -> Seen {
    let records = settled_records(world).await;
    let (seen, taken) = by_the_books(world, &records);
    the_ledger_counts_what_is_taken(world, &taken).await;
    seen
}

/// What was taken of each agent's days.
type Taken = HashMap<(String, String), u64>;

fn by_the_books(world: &World, records: &[AuditRecord]) -> (Seen, Taken) {
    let decisions: HashMap<&str, &Value> = of_kind(records, "decision");
    let outcomes: HashMap<&str, &Value> = of_kind(records, "outcome");
    let allowed: HashMap<&str, Allowed> = decisions
        .iter()
        .filter(|(_, body)| body["decision"]["allow"] == json!(true))
        .map(|(id, body)| (*id, Allowed::of(&body["decision"], outcomes.get(id), id)))
        .collect();
    let books = world.desk.books.lock().unwrap();
    let runs = &books.refunds;
    every_body_had_its_own_allow(runs, &books.pings, &allowed);
    settled_as_the_body_went(runs, &allowed);
    nothing_was_paid_twice(runs);
    no_minute_had_too_many(&books.pings, &allowed);
    nobody_ran_suspended(world, runs, &allowed);
    for run in runs {
        assert_ne!(run.order, "lie", "a lie ran: {run:?}");
        if run.reason == "because" {
            let waived = &allowed[run.decision_id.as_str()].decision["operator_options"];
            assert_eq!(
                waived["waived_rules"],
                json!(["reason_code_known"]),
                "{run:?}"
            );
        }
    }
    let ran: HashSet<&str> = runs.iter().map(|run| run.decision_id.as_str()).collect();
    let pinged: HashSet<&str> = books.pings.iter().map(|(id, _)| id.as_str()).collect();
    answers_are_true(world, &decisions, &ran, &pinged);
    let state = |name: &str| {
        allowed
            .values()
            .filter(|allowed| allowed.state == name)
            .count()
    };
    let coded = |code: &str| {
        let has = |body: &&&Value| body["decision"]["reasons"].to_string().contains(code);
        decisions.values().filter(has).count()
    };
    let seen = Seen {
        calls: decisions.len(),
        paid: runs.iter().filter(|run| run.paid).count(),
        denied: decisions.len() - allowed.len(),
        held: state("held"),
        released: state("released"),
        abandoned: runs.iter().filter(|run| run.told.is_none()).count(),
        lies: records
            .iter()
            .filter(|record| record.body["code"] == "gate.agent_id_conflict")
            .count(),
        repeats: coded("oap.idempotency_conflict"),
        over_a_day: coded("daily_cap"),
        waived: runs.iter().filter(|run| run.reason == "because").count(),
        suspended: coded("oap.passport_suspended"),
        minutes: coded("minute_cap"),
    };
    (seen, no_cap_was_exceeded(runs, &allowed))
}

impl Allowed {
    fn of(decision: &Value, outcome: Option<&&Value>, id: &str) -> Self {
        let outcome = outcome.unwrap_or_else(|| panic!("`{id}` was allowed and never settled"));
        Self {
            decision: decision.clone(),
            at: decision["created_at"].as_str().unwrap().parse().unwrap(),
            state: outcome["reservation"].as_str().unwrap().to_owned(),
        }
    }

    fn agent(&self) -> &str {
        self.decision["agent_id"].as_str().unwrap()
    }

    fn day(&self) -> String {
        self.at.to_string()[..10].to_owned()
    }
}

/// All records, once everything is settled; each chain verifies.
async fn settled_records(world: &World) -> Vec<AuditRecord> {
    for _ in 0..500 {
        let mut all = Vec::new();
        for ledger in world.ledgers() {
            let _ = ledger.verify().await.unwrap();
            let mut last = 0;
            loop {
                let page = ledger.records(last, 1000).await.unwrap();
                let Some(record) = page.last() else { break };
                last = record.sequence;
                all.extend(page);
            }
        }
        let allows = all
            .iter()
            .filter(|record| record.body["decision"]["allow"] == json!(true))
            .count();
        if allows == all.iter().filter(|record| record.kind == "outcome").count() {
            return all;
        }
        // What a dropped call leaves behind is written by the ledger's own thread.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("something that was allowed is never settled");
}

fn of_kind<'a>(records: &'a [AuditRecord], kind: &str) -> HashMap<&'a str, &'a Value> {
    let mut found = HashMap::new();
    for record in records.iter().filter(|record| record.kind == kind) {
        let id = record.decision_id.as_deref().unwrap();
        assert!(
            found.insert(id, &record.body).is_none(),
            "two {kind} records of `{id}`"
        );
    }
    found
}

fn every_body_had_its_own_allow(
    runs: &[Run],
    pings: &[(String, String)],
    allowed: &HashMap<&str, Allowed>,
) {
    let refunds = runs.iter().map(|run| (&run.decision_id, &run.agent));
    let mut used = HashSet::new();
    for (id, agent) in refunds.chain(pings.iter().map(|(id, agent)| (id, agent))) {
        let decision = allowed.get(id.as_str());
        let decision = decision.unwrap_or_else(|| panic!("a body ran without an allow: `{id}`"));
        assert_eq!(decision.agent(), agent);
        assert!(used.insert(id), "two bodies ran on `{id}`");
    }
}

fn settled_as_the_body_went(runs: &[Run], allowed: &HashMap<&str, Allowed>) {
    let mut of_refunds = HashSet::new();
    for run in runs {
        let state = allowed[run.decision_id.as_str()].state.as_str();
        let right = match run.told {
            Some(Told::Done) => "committed",
            Some(Told::NothingDone) => "released",
            Some(Told::Unclear | Told::Panicked) | None => "held",
        };
        assert_eq!(state, right, "{run:?}");
        assert!(
            !(run.paid && state == "released"),
            "{run:?} was paid and given back"
        );
        of_refunds.insert(run.decision_id.as_str());
    }
    for (id, decision) in allowed {
        let is_refund = decision.decision["policy_id"] == "finance.payment.refund.v1";
        if is_refund && !of_refunds.contains(id) {
            assert_eq!(decision.state, "released", "`{id}` never ran");
        }
    }
}

fn nothing_was_paid_twice(runs: &[Run]) {
    let mut paid = HashMap::new();
    for run in runs.iter().filter(|run| run.paid) {
        let before = paid.insert((&run.agent, &run.key), run);
        assert!(before.is_none(), "paid twice: {before:?} and {run:?}");
    }
}

fn no_cap_was_exceeded(runs: &[Run], allowed: &HashMap<&str, Allowed>) -> Taken {
    let (mut paid, mut taken) = (HashMap::new(), HashMap::new());
    for run in runs {
        let decision = &allowed[run.decision_id.as_str()];
        let day = (run.agent.clone(), decision.day());
        if run.paid {
            *paid.entry(day.clone()).or_insert(0) += run.amount;
        }
        if decision.state != "released" {
            *taken.entry(day).or_insert(0) += run.amount;
        }
    }
    for (day, sum) in paid.iter().chain(&taken) {
        assert!(*sum <= PER_DAY, "{day:?}: {sum}");
    }
    taken
}

fn no_minute_had_too_many(pings: &[(String, String)], allowed: &HashMap<&str, Allowed>) {
    let mut minutes = HashMap::new();
    for (id, agent) in pings {
        let minute = allowed[id.as_str()].at.to_string()[..16].to_owned();
        let pings = minutes.entry((agent, minute)).or_insert(0);
        *pings += 1;
        assert!(*pings <= PINGS_A_MINUTE, "{minutes:?}");
    }
}

fn nobody_ran_suspended(world: &World, runs: &[Run], allowed: &HashMap<&str, Allowed>) {
    // A call may have read the passport just before.
    let margin = SignedDuration::from_secs(30);
    for suspension in world.suspensions.lock().unwrap().iter() {
        for run in runs.iter().filter(|run| run.agent == suspension.agent) {
            let at = allowed[run.decision_id.as_str()].at;
            let meanwhile = at > suspension.from + margin && at < suspension.until;
            assert!(!meanwhile, "ran while suspended: {run:?}");
        }
    }
}

fn answers_are_true(
    world: &World,
    decisions: &HashMap<&str, &Value>,
    ran: &HashSet<&str>,
    pinged: &HashSet<&str>,
) {
    for heard in world.heard.lock().unwrap().iter() {
        let id = heard.decision["decision_id"].as_str();
        let is_allowed = heard.decision["allow"] == json!(true);
        assert!(heard.is_error || is_allowed, "{heard:?}");
        assert!(!(heard.is_lie && is_allowed), "{heard:?}");
        let Some(id) = id else { continue };
        let recorded = decisions.get(id);
        let recorded = recorded.unwrap_or_else(|| panic!("not on record: {heard:?}"));
        assert_eq!(
            recorded["decision"]["allow"], heard.decision["allow"],
            "{heard:?}"
        );
        assert_eq!(recorded["decision"]["agent_id"], heard.agent, "{heard:?}");
        let did_run = ran.contains(id) || pinged.contains(id);
        assert!(did_run || heard.is_error, "{heard:?}");
        assert!(!did_run || is_allowed, "{heard:?}");
    }
}

/// What the gate says is left of the day is what the books say.
async fn the_ledger_counts_what_is_taken(world: &World, taken: &Taken) {
    for (agent, gates) in AGENTS.iter().zip(&world.gates) {
        let gate = &gates[0];
        let wire = Wire::open(gate.gate(), world.desk.clone(), world.fork()).await;
        wire.heal();
        let day = gate.clock().now().to_string()[..10].to_owned();
        let left = PER_DAY - taken.get(&((*agent).to_owned(), day)).copied().unwrap_or(0);
        let arguments = json!({
            "order_id": "probe", "customer_id": "customer-1", "amount": PER_DAY + 1, "currency": "USD",
            "region": "US", "reason_code": "customer_request", "idempotency_key": "key-probe",
        });
        let answer = wire
            .ask("tools/call", call("refund", arguments, None))
            .1
            .await
            .unwrap();
        let reasons = answer["result"]["_meta"]["io.aport/decision"]["reasons"].clone();
        let daily = reasons
            .as_array()
            .into_iter()
            .flatten()
            .find(|reason| reason["details"]["rule"] == "daily_cap");
        let daily = daily.unwrap_or_else(|| panic!("{agent}: {answer}"));
        assert_eq!(daily["details"]["limit"], json!(left), "{agent}: {reasons}");
        wire.cut();
    }
}
