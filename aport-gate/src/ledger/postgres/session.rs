//! One connection: set up, checked, its statements prepared.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::audit::Entry;
use super::super::error::LedgerError;
use super::super::reservation::End;
use super::call::{Call, Question};
use super::failure;
use super::known::{RowId, period};
use super::schema;
use super::target::Target;

const DECIDE: &str = "SELECT status, current_totals, key_seen, behind FROM aport_gate.decide(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)";
const READ: &str = "SELECT current_totals, key_seen FROM aport_gate.read($1, $2)";
const SETTLE: &str = "SELECT status FROM aport_gate.settle($1, $2, $3, $4, $5)";
const REFUSE: &str = "SELECT FROM aport_gate.refuse($1, $2)";

/// How long a session that is closed may take to say goodbye.
const GOODBYE: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(in crate::ledger) struct Session {
    pub(in crate::ledger) client: Client,
    connection: JoinHandle<()>,
    statements: Option<Statements>,
}

#[derive(Debug)]
struct Statements {
    decide: Statement,
    read: Statement,
    settle: Statement,
    refuse: Statement,
}

/// What `decide` answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: String,
    pub(super) totals: Vec<i64>,
    pub(super) key_seen: bool,
    /// For `clock_behind`: the Unix second until which counters may have been pruned.
    pub(super) behind: Option<i64>,
}

impl Session {
    /// Connects, brings the schema up to date where the role may, and prepares the statements.
    pub(super) async fn open(
        target: &Target,
        tls: &MakeRustlsConnect,
        limit: Duration,
    ) -> Result<Self, LedgerError> {
        let opening = async {
            let mut session = Self::connect(target, tls, limit).await?;
            schema::ready(&session.client, &target.name).await?;
            session.prepare(&target.name).await?;
            Ok(session)
        };
        tokio::time::timeout(limit, opening)
            .await
            .unwrap_or_else(|_| {
                Err(LedgerError::Unreachable {
                    ledger: target.name.clone(),
                    problem: format!("no session within {} ms", limit.as_millis()),
                })
            })
    }

    /// Connects and sets the session up, whatever the database holds.
    pub(in crate::ledger) async fn connect(
        target: &Target,
        tls: &MakeRustlsConnect,
        limit: Duration,
    ) -> Result<Self, LedgerError> {
        let failed = |error| failure::connecting(&target.name, &error);
        let (client, connection) = target.config.connect(tls.clone()).await.map_err(failed)?;
        let name = target.name.clone();
        let connection = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(ledger = %name, error = %failure::text(&error), "the connection ended");
            }
        });
        let session = Self {
            client,
            connection,
            statements: None,
        };
        session
            .client
            .batch_execute(&settings(limit))
            .await
            .map_err(failed)?;
        Ok(session)
    }

    async fn prepare(&mut self, ledger: &str) -> Result<(), LedgerError> {
        let client = &self.client;
        let (decide, read, settle, refuse) = futures::try_join!(
            client.prepare(DECIDE),
            client.prepare(READ),
            client.prepare(SETTLE),
            client.prepare(REFUSE),
        )
        .map_err(|error| failure::connecting(ledger, &error))?;
        self.statements = Some(Statements {
            decide,
            read,
            settle,
            refuse,
        });
        Ok(())
    }

    /// Ends when the connection does.
    pub(super) async fn ended(&mut self) {
        // A panic in the connection's task ends it too.
        let _ = (&mut self.connection).await;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.connection.is_finished() || self.client.is_closed()
    }

    /// Says goodbye, so that the server does not log a lost client.
    pub(in crate::ledger) async fn close(self) {
        drop(self.client);
        let _ = tokio::time::timeout(GOODBYE, self.connection).await;
    }

    /// Cuts the connection: nothing that was sent on it will be answered.
    pub(super) fn abandon(self) {
        self.connection.abort();
    }

    pub(super) async fn decide(&self, question: &Question, call: &Call) -> Result<Answer, Error> {
        let of = |text: fn(&aport_gate_oap::CounterKey) -> &str| -> Vec<&str> {
            call.charges
                .iter()
                .map(|charge| text(&charge.counter))
                .collect()
        };
        let numbers = |number: fn(&aport_gate_oap::Charge) -> i64| -> Vec<i64> {
            call.charges.iter().map(number).collect()
        };
        let parameters: [&(dyn ToSql + Sync); 21] = [
            &call.decision_id(),
            &call.entry.at,
            &call.entry.body,
            &call.verdict.decision.allow,
            &question.ask.agent,
            &question.ask.policy,
            &slices(&question.ids),
            &call.seen_totals,
            &question.key_id.as_ref().map(<[u8; 32]>::as_slice),
            &call.seen_key,
            &slices(&call.charge_ids),
            &of(|counter| &counter.counter),
            &of(|counter| &counter.key),
            &of(|counter| period(counter.window)),
            &numbers(|charge| charge.counter.window_start),
            &numbers(|charge| charge.counter.window_end),
            &numbers(|charge| charge.amount),
            &call.take_key_id.as_ref().map(<[u8; 32]>::as_slice),
            &call.take_key,
            &call.verdict.decision.created_at.as_second(),
            &call.open_until(),
        ];
        let row = self.one(|all| &all.decide, &parameters).await?;
        Ok(Answer {
            status: row.try_get(0)?,
            totals: row.try_get(1)?,
            key_seen: row.try_get(2)?,
            behind: row.try_get(3)?,
        })
    }

    /// Takes the turn to write, and reads what a decision would see.
    pub(super) async fn read(&self, question: &Question) -> Result<(Vec<i64>, bool), Error> {
        let parameters: [&(dyn ToSql + Sync); 2] = [
            &slices(&question.ids),
            &question.key_id.as_ref().map(<[u8; 32]>::as_slice),
        ];
        let row = self.one(|all| &all.read, &parameters).await?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    pub(super) async fn settle(
        &self,
        end: &End,
        entry: &Entry,
        again: bool,
    ) -> Result<String, Error> {
        let parameters: [&(dyn ToSql + Sync); 5] = [
            &end.decision_id,
            &end.settlement.state(),
            &entry.at,
            &entry.body,
            &again,
        ];
        self.one(|all| &all.settle, &parameters).await?.try_get(0)
    }

    pub(super) async fn refuse(&self, entry: &Entry) -> Result<(), Error> {
        self.one(|all| &all.refuse, &[&entry.at, &entry.body])
            .await?;
        Ok(())
    }

    /// One round trip. Ends only when the server is ready again, which is after its commit: an
    /// answer that came before a commit that failed does not count.
    async fn one(
        &self,
        statement: fn(&Statements) -> &Statement,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, Error> {
        match &self.statements {
            Some(statements) => {
                self.client
                    .query_one(statement(statements), parameters)
                    .await
            }
            // Never: `open` prepares them. A session without them refuses.
            None => self.client.query_one("SELECT 1 WHERE false", &[]).await,
        }
    }
}

fn slices(ids: &[RowId]) -> Vec<&[u8]> {
    ids.iter().map(<[u8; 32]>::as_slice).collect()
}

fn settings(limit: Duration) -> String {
    let limit = limit.as_millis().max(1);
    // Without sequential scans a plan made while a table was small stays right when it has grown.
    format!(
        "SET default_transaction_isolation = 'read committed';
         SET statement_timeout = {limit};
         SET lock_timeout = {limit};
         SET idle_in_transaction_session_timeout = {limit};
         SET enable_seqscan = off;
         SET jit = off;
         SET client_min_messages = 'error';
         SELECT set_config('synchronous_commit', 'on', false)
         WHERE current_setting('synchronous_commit') = 'off'"
    )
}
