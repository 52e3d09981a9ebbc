//! What the writer does with a batch: evaluate, write, and settle what came of it.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

#[cfg(feature = "cli")]
use super::super::audit::AuditRecord;
use super::super::error::{LedgerError, Problem};
use super::super::reservation::{BodyOutcome, End, Settlement};
use super::batch::{self, Done, Failed, Step, Transaction};
use super::call::Call;
use super::failure::Kind;
#[cfg(feature = "cli")]
use super::job::Reply;
use super::job::{Asked, Job, Settle, Taken};
use super::known::RowId;
#[cfg(feature = "cli")]
use super::read;
use super::session::Answer;
use super::writer::Writer;

impl Writer {
    /// One round trip when what is known still holds. Questions for which it does not are
    /// evaluated again with the turn to write held, so that nobody can get in between: two more
    /// round trips, and no further retry.
    pub(super) async fn apply(&mut self, jobs: Vec<Job>) {
        let mut steps = Vec::new();
        let mut stale = Vec::new();
        let mut flushes = Vec::new();
        #[cfg(feature = "cli")]
        let mut finds = Vec::new();
        for job in jobs {
            match job {
                Job::Decide(asked) => self.evaluate(asked, &mut steps, Some(&mut stale)),
                Job::Settle(settle) => {
                    if settle.end.settlement == Settlement::Release {
                        self.expect_release(&settle.taken);
                    }
                    steps.push(Step::Settle(settle));
                }
                Job::Refuse(entry, reply) => steps.push(Step::Refuse(entry, reply)),
                Job::Flush(reply) => flushes.push(reply),
                #[cfg(feature = "cli")]
                Job::Find(id, reply) => finds.push((id, reply)),
            }
        }
        let mut groups = VecDeque::from([steps]);
        while let Some(group) = groups.pop_front() {
            self.write(group, &mut groups, &mut stale).await;
        }
        let mut groups = VecDeque::from([stale]);
        while let Some(group) = groups.pop_front() {
            self.write_with_turn(group, &mut groups).await;
        }
        for reply in flushes {
            drop(reply.send(Ok(())));
        }
        #[cfg(feature = "cli")]
        self.find(finds).await;
    }

    /// All in one go: they depend on nothing but what was written before.
    #[cfg(feature = "cli")]
    async fn find(&self, finds: Vec<(String, Reply<Vec<AuditRecord>>)>) {
        let found = finds.into_iter().map(async |(id, reply)| {
            let answer = match &self.session {
                Some(session) => {
                    let asked = read::records_of(&session.client, &self.target.name, &id);
                    tokio::time::timeout(self.limit, asked)
                        .await
                        .unwrap_or_else(|_| Err(self.error(Kind::Slow, "it is slow")))
                }
                None => Err(self.error(Kind::Lost, "the connection ended")),
            };
            drop(reply.send(answer));
        });
        futures::future::join_all(found).await;
    }

    /// Adds a step, or answers. With `stale`, a total that overflows may be an old one.
    fn evaluate(
        &mut self,
        mut asked: Asked,
        steps: &mut Vec<Step>,
        stale: Option<&mut Vec<Asked>>,
    ) {
        if asked.reply.is_closed() {
            return;
        }
        match asked.question.evaluate(&mut self.known, &self.target.name) {
            Ok(call) => steps.push(Step::Decide(asked, Box::new(call))),
            Err(LedgerError::Overflow { .. }) if let Some(stale) = stale => stale.push(asked),
            Err(error) => drop(asked.reply.send(Err(error))),
        }
    }

    async fn write(
        &mut self,
        steps: Vec<Step>,
        groups: &mut VecDeque<Vec<Step>>,
        stale: &mut Vec<Asked>,
    ) {
        if steps.is_empty() {
            return;
        }
        let Some(session) = &self.session else {
            let problem = "the connection was lost before".to_owned();
            return self.fail(steps, Kind::Slow, &problem);
        };
        match batch::write(session, &steps, Transaction::Whole, self.limit).await {
            Ok(done) => self.take(steps, done, stale),
            Err(Failed {
                kind: Kind::Refused,
                ..
            }) if steps.len() > 1 => {
                // One of them is at fault; the others must not suffer.
                self.known.forget();
                for step in steps.into_iter().rev() {
                    groups.push_front(vec![step]);
                }
            }
            Err(failed) => self.fail(steps, failed.kind, &failed.problem),
        }
    }

    async fn write_with_turn(&mut self, asked: Vec<Asked>, groups: &mut VecDeque<Vec<Asked>>) {
        let asked: Vec<_> = asked
            .into_iter()
            .filter(|asked| !asked.reply.is_closed())
            .collect();
        if asked.is_empty() {
            return;
        }
        let alone = asked.len() == 1;
        let read = match &self.session {
            Some(session) => batch::read(session, &asked, self.limit).await,
            None => Err(Failed {
                kind: Kind::Slow,
                problem: "the connection was lost before".to_owned(),
            }),
        };
        let mut steps = Vec::new();
        match read {
            Ok(read) => {
                for (asked, done) in asked.iter().zip(read) {
                    if let Done::Decided(answer) = done {
                        self.learn(asked, &answer);
                    }
                }
                for asked in asked {
                    self.evaluate(asked, &mut steps, None);
                }
            }
            Err(failed) => {
                self.roll_back().await;
                if failed.kind == Kind::Lost {
                    self.lose();
                }
                for asked in asked {
                    let error = self.error(failed.kind, &failed.problem);
                    drop(asked.reply.send(Err(error)));
                }
                return;
            }
        }
        if steps.is_empty() {
            return self.roll_back().await;
        }
        let Some(session) = &self.session else { return };
        match batch::write(session, &steps, Transaction::Rest, self.limit).await {
            Ok(done) => {
                let mut still = Vec::new();
                self.take(steps, done, &mut still);
                for asked in still {
                    if alone {
                        let problem = "a counter changed while the turn to write was held";
                        let error = Problem::Corrupt(problem.to_owned()).at(&self.target.name);
                        drop(asked.reply.send(Err(error)));
                    } else {
                        groups.push_back(vec![asked]);
                    }
                }
            }
            Err(failed) if failed.kind == Kind::Refused && steps.len() > 1 => {
                self.known.forget();
                for step in steps {
                    if let Step::Decide(asked, _) = step {
                        groups.push_back(vec![asked]);
                    }
                }
            }
            Err(failed) => self.fail(steps, failed.kind, &failed.problem),
        }
    }

    /// Answers what was committed, and collects what was not because it was stale.
    fn take(&mut self, steps: Vec<Step>, done: Vec<Done>, stale: &mut Vec<Asked>) {
        // Totals that this batch's answers tell; for the others the expectation came true.
        let mut told = HashSet::new();
        for (step, done) in steps.into_iter().zip(done) {
            match (step, done) {
                (Step::Decide(asked, call), Done::Decided(answer)) => {
                    self.learn(&asked, &answer);
                    told.extend(asked.question.ids.iter().copied());
                    self.decided(asked, call, &answer, &told, stale);
                }
                (Step::Settle(settle), Done::Settled(status)) => {
                    self.settled(settle, &status, &told);
                }
                (Step::Refuse(_, reply), _) => drop(reply.send(Ok(()))),
                // Never: each step has the answer of its kind.
                (Step::Decide(asked, _), _) => {
                    let error = self.error(Kind::Refused, "the answer is of another kind");
                    drop(asked.reply.send(Err(error)));
                }
                (Step::Settle(settle), _) => self.keep(settle),
            }
        }
    }

    fn decided(
        &mut self,
        asked: Asked,
        mut call: Box<Call>,
        answer: &Answer,
        told: &HashSet<RowId>,
        stale: &mut Vec<Asked>,
    ) {
        let status = answer.status.as_str();
        if status != "recorded" {
            // What it would have taken was expected, and did not come.
            for id in &call.charge_ids {
                if !told.contains(id) {
                    self.known.unlearn(id);
                }
            }
            if call.take_key_id != asked.question.key_id {
                self.known
                    .learn_key(call.take_key_id, status == "key_taken");
            }
        }
        match status {
            "recorded" => {
                for (id, amount) in call.taken() {
                    if told.contains(&id) {
                        self.known.change(&id, amount);
                    }
                }
                self.known.learn_key(call.take_key_id, true);
                let guard = call.verdict.decision.allow.then(|| {
                    let taken = Taken {
                        charges: call.taken(),
                        key_id: call.take_key_id,
                    };
                    asked.queue.guard(call.decision_id(), taken)
                });
                // An answer nobody receives is dropped here, and its guard gives back.
                drop(asked.reply.send(Ok((call.verdict.decision, guard))));
            }
            "key_taken" => {
                let key = call.take_key.take().unwrap_or_default();
                let error = Problem::KeyTaken(key).at(&self.target.name);
                drop(asked.reply.send(Err(error)));
            }
            "decision_taken" => {
                let id = call.decision_id().to_owned();
                let error = Problem::DecisionTaken(id).at(&self.target.name);
                drop(asked.reply.send(Err(error)));
            }
            "stale" => stale.push(asked),
            "clock_behind" => {
                let now = call.verdict.decision.created_at;
                let until = answer.behind.unwrap_or_default();
                let error = Problem::clock_behind(now, until).at(&self.target.name);
                drop(asked.reply.send(Err(error)));
            }
            other => {
                let problem = format!("it answered `{other}` to a decision");
                let error = Problem::Corrupt(problem).at(&self.target.name);
                drop(asked.reply.send(Err(error)));
            }
        }
    }

    fn settled(&mut self, settle: Settle, status: &str, told: &HashSet<RowId>) {
        let Settle {
            end, taken, reply, ..
        } = settle;
        let result = match status {
            "settled" | "void" => {
                if end.settlement == Settlement::Release {
                    for (id, amount) in taken.charges.iter().filter(|(id, _)| told.contains(id)) {
                        self.known.change(id, amount.saturating_neg());
                    }
                }
                Ok(())
            }
            _ => {
                self.known.forget();
                Err(Problem::NotPending(end.decision_id).at(&self.target.name))
            }
        };
        match (reply, result) {
            (Some(reply), result) => drop(reply.send(result)),
            (None, Err(error)) => tracing::error!(%error, "an outcome was not recorded"),
            (None, Ok(())) => {}
        }
    }

    /// Nothing of these steps is known to be committed.
    fn fail(&mut self, steps: Vec<Step>, kind: Kind, problem: &str) {
        if kind == Kind::Lost {
            self.lose();
        } else {
            self.known.forget();
        }
        for step in steps {
            let error = self.error(kind, problem);
            match step {
                Step::Decide(asked, call) => {
                    if kind == Kind::Lost && call.verdict.decision.allow {
                        self.give_up(&call);
                    }
                    drop(asked.reply.send(Err(error)));
                }
                Step::Refuse(_, reply) => drop(reply.send(Err(error))),
                Step::Settle(mut settle) => {
                    tracing::error!(%error, decision_id = settle.end.decision_id,
                        "an outcome is not recorded yet");
                    if let Some(reply) = settle.reply.take() {
                        drop(reply.send(Err(error)));
                    }
                    if kind != Kind::Refused {
                        settle.again |= kind == Kind::Lost;
                        self.keep(settle);
                    }
                }
            }
        }
    }

    /// The caller is refused, so what the decision took has to come back if it was committed, and
    /// it must not be committed later.
    fn give_up(&mut self, call: &Call) {
        let end = End {
            decision_id: call.decision_id().to_owned(),
            executed: false,
            outcome: BodyOutcome::Abandoned,
            settlement: Settlement::Release,
        };
        let taken = Taken {
            charges: call.taken(),
            key_id: call.take_key_id,
        };
        match Settle::new(end, Arc::new(taken), None) {
            Ok(mut settle) => {
                settle.again = true;
                self.keep(settle);
            }
            Err(problem) => {
                let error = problem.at(&self.target.name);
                tracing::error!(%error, "a lost decision is not given back");
            }
        }
    }

    fn expect_release(&mut self, taken: &Taken) {
        for (id, amount) in &taken.charges {
            self.known.change(id, amount.saturating_neg());
        }
        self.known.learn_key(taken.key_id, false);
    }

    fn learn(&mut self, asked: &Asked, answer: &Answer) {
        self.known.learn(&asked.question.ids, &answer.totals);
        self.known.learn_key(asked.question.key_id, answer.key_seen);
    }

    async fn roll_back(&mut self) {
        let Some(session) = &self.session else { return };
        if let Err(failed) = batch::roll_back(session, self.limit).await {
            tracing::warn!(
                problem = failed.problem,
                "a transaction could not be rolled back"
            );
            self.lose();
        }
    }

    fn error(&self, kind: Kind, problem: &str) -> LedgerError {
        let ledger = self.target.name.clone();
        let problem = problem.to_owned();
        match kind {
            Kind::Lost => LedgerError::CommitUnknown { ledger, problem },
            Kind::Slow => LedgerError::Busy { ledger },
            Kind::Refused => LedgerError::Database { ledger, problem },
        }
    }
}
