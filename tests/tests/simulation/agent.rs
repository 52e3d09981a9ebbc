//! What agents do to a gate.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::random::Random;
use crate::wire::Wire;
use crate::world::{AGENTS, PER_REFUND, World};

const PATIENCE: Duration = Duration::from_secs(20);

/// A refund that somebody wants.
#[derive(Clone, Debug)]
pub(crate) struct Intention {
    pub(crate) order: String,
    pub(crate) key: String,
    pub(crate) amount: u64,
    pub(crate) reason: &'static str,
}

/// What an agent was told.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) agent: &'static str,
    pub(crate) is_lie: bool,
    pub(crate) decision: Value,
    pub(crate) is_error: bool,
}

struct Agent {
    world: Arc<World>,
    who: usize,
    /// Which of its sessions.
    session: usize,
    random: Random,
    wire: Wire,
}

pub(crate) async fn live(world: Arc<World>, who: usize, session: usize, mut random: Random) {
    let wire = open(&world, who, session, &mut random).await;
    let mut agent = Agent {
        world,
        who,
        session,
        random,
        wire,
    };
    while !agent.world.is_over() {
        let thinking = agent.random.milliseconds(60_000);
        agent.world.timeline.sleep(thinking).await;
        agent.act().await;
    }
    agent.wire.cut();
}

async fn open(world: &World, who: usize, session: usize, random: &mut Random) -> Wire {
    let gates = &world.gates[who];
    let gate = gates[session % gates.len()].gate();
    Wire::open(gate, world.desk.clone(), random.fork()).await
}

impl Agent {
    async fn act(&mut self) {
        if self.random.percent(2) {
            self.wire.cut();
        }
        if self.wire.is_broken() {
            self.wire = open(&self.world, self.who, self.session, &mut self.random).await;
        }
        match self.random.below(100) {
            0..35 => {
                let amount = 1 + self.random.below(PER_REFUND);
                let intention = self.intend(amount);
                self.insist(intention.arguments()).await;
            }
            35..45 => {
                let over = self.random.below(50_000);
                let intention = self.intend(PER_REFUND + 1 + over);
                self.insist(intention.arguments()).await;
            }
            // One of its own or of another's, once more; sometimes with other details.
            45..62 => {
                if let Some(mut intention) = self.recall() {
                    if self.random.percent(40) {
                        intention.amount = 1 + self.random.below(PER_REFUND);
                    }
                    self.insist(intention.arguments()).await;
                }
            }
            62..72 => self.lie().await,
            72..77 => {
                let mut arguments = self.intend(1).arguments();
                match self.random.below(4) {
                    0 => arguments["amount"] = json!(9_007_199_254_740_993_u64),
                    1 => arguments["amount"] = json!("1"),
                    2 => arguments["allow"] = json!(true),
                    _ => arguments["idempotency_key"] = Value::Null,
                }
                self.insist(arguments).await;
            }
            77..88 => {
                let many = 1 + self.random.below(6);
                let asked: Vec<_> = (0..many)
                    .map(|_| {
                        self.wire
                            .ask("tools/call", call("ping", json!({"note": "hi"}), None))
                            .1
                    })
                    .collect();
                for answer in asked {
                    self.hear(answer, false).await;
                }
            }
            88..94 => {
                let arguments = self.intend(1000).arguments();
                let (id, answer) = self.wire.ask("tools/call", call("refund", arguments, None));
                let pause = self.random.milliseconds(5000);
                self.world.timeline.sleep(pause).await;
                let reason = json!({"requestId": id, "reason": "changed my mind"});
                self.wire.tell("notifications/cancelled", reason);
                self.hear(answer, false).await;
            }
            _ => self.ask_for_much_at_once().await,
        }
    }

    /// Together over what is left, through two sessions, two of them under one key.
    async fn ask_for_much_at_once(&mut self) {
        let second = open(&self.world, self.who, self.session + 1, &mut self.random).await;
        let mut arguments = self.intend(PER_REFUND).arguments();
        let mut asked = Vec::new();
        for round in 0..8 {
            let wire = if round % 2 == 0 { &self.wire } else { &second };
            let params = call("refund", arguments.clone(), None);
            asked.push(wire.ask("tools/call", params).1);
            if round > 0 {
                arguments = self.intend(PER_REFUND).arguments();
            }
        }
        for answer in asked {
            self.hear(answer, false).await;
        }
        second.cut();
    }

    fn intend(&mut self, amount: u64) -> Intention {
        let reason = if self.random.percent(25) {
            "because"
        } else {
            "customer_request"
        };
        let mut intentions = self.world.intentions.lock().unwrap();
        let number = intentions.len();
        let intention = Intention {
            order: format!("order-{number}"),
            key: format!("key-{number:06}"),
            amount,
            reason,
        };
        intentions.push(intention.clone());
        intention
    }

    fn recall(&mut self) -> Option<Intention> {
        let intentions = self.world.intentions.lock().unwrap();
        let recent = intentions.len().min(30);
        let back = usize::try_from(self.random.below(recent as u64)).unwrap() + 1;
        intentions.get(intentions.len().checked_sub(back)?).cloned()
    }

    /// Says that it is somebody else.
    async fn lie(&mut self) {
        let other = AGENTS[(self.who + 1 + usize::from(self.random.percent(50))) % AGENTS.len()];
        let mut arguments = self.intend(1).arguments();
        arguments["order_id"] = json!("lie");
        let meta = if self.random.percent(50) {
            arguments["agent_id"] = json!(other);
            None
        } else {
            Some(json!({"io.aport/agent_id": other}))
        };
        let answer = self
            .wire
            .ask("tools/call", call("refund", arguments, meta))
            .1;
        self.hear(answer, true).await;
    }

    /// Asks until there is an answer, three times at most, under one key.
    async fn insist(&mut self, arguments: Value) {
        for _ in 0..3 {
            let answer = self
                .wire
                .ask("tools/call", call("refund", arguments.clone(), None))
                .1;
            if self.hear(answer, false).await {
                return;
            }
            if self.wire.is_broken() {
                self.wire = open(&self.world, self.who, self.session, &mut self.random).await;
            }
        }
    }

    /// Whether there was an answer.
    async fn hear(&self, answer: tokio::sync::oneshot::Receiver<Value>, is_lie: bool) -> bool {
        let Some(Ok(answer)) = self.world.timeline.within(PATIENCE, answer).await else {
            return false;
        };
        let result = &answer["result"];
        self.world.heard.lock().unwrap().push(Heard {
            agent: AGENTS[self.who],
            is_lie,
            decision: result["_meta"]["io.aport/decision"].clone(),
            is_error: result["isError"] == json!(true) || result.is_null(),
        });
        true
    }
}

impl Intention {
    pub(crate) fn arguments(&self) -> Value {
        json!({
            "order_id": self.order, "customer_id": "customer-1", "amount": self.amount, "currency": "USD",
            "region": "US", "reason_code": self.reason, "idempotency_key": self.key,
        })
    }
}

pub(crate) fn call(tool: &str, arguments: Value, meta: Option<Value>) -> Value {
    let mut params = json!({"name": tool, "arguments": arguments});
    if let Some(meta) = meta {
        params["_meta"] = meta;
    }
    params
}
