//! The attempts of one call: what ends them, what is sent again, and when.
//!
//! The one rule: nothing is sent again that may have run, unless it cannot execute twice.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{CallToolRequestParams, CallToolResponse, JsonObject, RequestMetaObject};
use rmcp::service::ServiceError;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::connection::Open;
use super::decisions::Told;
use super::listing::ListedTool;
use super::repeat::{cannot_execute_twice, is_keyed, key_argument, key_in};
use super::{
    AGENT_ARGUMENT, AGENT_META, ClientError, DecisionMatch, Denial, DenialClass, Intention,
    PassportClient, Preview, Retry, Sent, ToolReply, reply, unsent,
};

/// One call under way.
pub(super) struct Attempts<'c> {
    client: &'c PassportClient,
    tool: &'c str,
    arguments: JsonObject,
    retry: &'c Retry,
    /// Key of the intention, for the log.
    intention: Option<&'c str>,
    /// An earlier start of the program may have carried the intention out.
    resumed: bool,
    began: Instant,
    made: u32,
    denials: Vec<Denial>,
    /// The arguments of the last attempt that was sent.
    sent: Option<JsonObject>,
    /// An attempt may have run whose answer was lost.
    lost: bool,
    /// The server had forgotten the session once.
    session_was_gone: bool,
    /// The call cannot execute twice, by every listing that was seen.
    repeatable: bool,
    /// A key keeps it from that.
    keyed: bool,
    /// The pack that guards the tool, by the last listing.
    pack: Option<String>,
    /// The tool was looked for in a listing.
    is_looked_up: bool,
    /// The idempotency key in the arguments, whoever chose it.
    key: Option<String>,
}

/// What comes after an attempt.
enum Next {
    End(ClientError),
    Again {
        error: ClientError,
        wait: Option<Duration>,
    },
}

impl<'c> Attempts<'c> {
    pub(super) fn new(
        client: &'c PassportClient,
        tool: &'c str,
        arguments: JsonObject,
        retry: &'c Retry,
    ) -> Self {
        Self {
            client,
            tool,
            arguments,
            retry,
            intention: None,
            resumed: false,
            began: Instant::now(),
            made: 0,
            denials: Vec::new(),
            sent: None,
            lost: false,
            session_was_gone: false,
            repeatable: true,
            keyed: true,
            pack: None,
            is_looked_up: false,
            key: None,
        }
    }

    pub(super) fn of_intention(mut self, intention: &'c Intention) -> Self {
        self.intention = Some(&intention.key);
        self.resumed = intention.is_resumed;
        self
    }

    pub(super) async fn run(mut self) -> Result<ToolReply, ClientError> {
        self.until_the_end().await
    }

    /// Notes what was sent, whatever it ended in.
    pub(super) async fn run_noting(mut self, sent: &mut Sent) -> Result<ToolReply, ClientError> {
        let outcome = self.until_the_end().await;
        sent.arguments = self.sent;
        sent.denials = match &outcome {
            Ok(reply) => reply.denials.clone(),
            Err(_) => self.denials,
        };
        outcome
    }

    async fn until_the_end(&mut self) -> Result<ToolReply, ClientError> {
        loop {
            self.made = self.made.saturating_add(1);
            let error = match self.attempt().await {
                Ok(mut reply) => {
                    reply.denials = std::mem::take(&mut self.denials);
                    reply.idempotency_key = self.key.take();
                    reply.attempts = self.made;
                    return Ok(reply);
                }
                Err(error) => error,
            };
            let (error, asked) = match self.next(error) {
                Next::End(error) => return Err(self.ended(error)),
                Next::Again { error, wait } => (error, wait),
            };
            if self.made >= self.retry.max_attempts {
                return Err(self.ended(error));
            }
            let chosen = self.retry.delay_before(self.made);
            let wait = asked.map_or(chosen, |asked| asked.max(chosen));
            let is_over = |after: &Duration| self.began.elapsed().saturating_add(wait) >= *after;
            if let Some(after) = self.retry.deadline.filter(is_over) {
                // What asks for more time than there is says so itself.
                if asked.is_some_and(|asked| asked >= chosen) {
                    return Err(self.ended(error));
                }
                let last = Box::new(self.ended(error));
                let tool = self.tool.to_owned();
                return Err(ClientError::Deadline { tool, after, last });
            }
            if let Some(denial) = denial_of(error) {
                self.denials.push(denial);
            }
            sleep(wait).await;
        }
    }

    async fn attempt(&mut self) -> Result<ToolReply, ClientError> {
        let outcome = self.try_once().await;
        let (client, tool) = (self.client, self.tool);
        let told = Told::by(&outcome, self.pack.as_deref(), &client.agent_id);
        let entry = told.entry(tool, &client.agent_id, self.intention, self.made);
        client.decisions.add(entry);
        outcome
    }

    async fn try_once(&mut self) -> Result<ToolReply, ClientError> {
        let started = Instant::now();
        let total = self
            .retry
            .deadline
            .and_then(|after| self.began.checked_add(after));
        let own = self
            .retry
            .attempt_timeout
            .and_then(|after| started.checked_add(after));
        let until = match (total, own) {
            (Some(total), Some(own)) => Some(total.min(own)),
            (total, own) => total.or(own),
        };
        let Some(until) = until else {
            let (open, arguments) = self.prepare().await?;
            return self.send(&open, arguments).await;
        };
        let (open, arguments) = match timeout_at(until, self.prepare()).await {
            Ok(prepared) => prepared?,
            Err(_) => {
                return Err(ClientError::Connect(format!(
                    "it was not ready within {} ms",
                    started.elapsed().as_millis()
                )));
            }
        };
        let sent = timeout_at(until, self.send(&open, arguments)).await;
        sent.unwrap_or_else(|_| {
            // rmcp has told the server that nobody waits any more. It may be too late for that.
            let timeout = started.elapsed();
            Err(ClientError::Transport {
                tool: self.tool.to_owned(),
                source: Box::new(ServiceError::Timeout { timeout }),
                key: None,
            })
        })
    }

    /// Everything before something is sent of the call.
    async fn prepare(&mut self) -> Result<(Arc<Open>, JsonObject), ClientError> {
        let open = self.client.link.standing().await?;
        let lifetime = self.client.listing_lifetime;
        let tools = open.listing.tools(&open.peer, lifetime).await;
        let tools = tools.map_err(|error| match error {
            ClientError::Transport { tool, source, .. } => ClientError::NotSent { tool, source },
            other => other,
        })?;
        let listed = tools.get(self.tool);
        if let (Some(key), Some(listed)) = (self.intention, listed)
            && let Some(argument) = key_argument(listed)
            && !self.arguments.contains_key(argument)
        {
            self.arguments.insert(argument.to_owned(), key.into());
        }
        self.pack = listed.and_then(|listed| Some(listed.policy.as_ref()?.pack.clone()));
        self.is_looked_up = true;
        self.key = key_in(listed, &self.arguments);
        let trusts = self.client.trusts_annotations;
        self.repeatable &= cannot_execute_twice(listed, &self.arguments, trusts);
        self.keyed &= is_keyed(listed, &self.arguments);
        if self.resumed && !self.repeatable && !self.lost {
            let tool = self.tool.to_owned();
            return Err(ClientError::NotRepeated { tool });
        }
        if self.lost && !self.repeatable {
            return Err(ClientError::Protocol {
                tool: self.tool.to_owned(),
                code: 0,
                message:
                    "it no longer says that this call cannot execute twice, so it is not repeated"
                        .to_owned(),
                decision: None,
                key: None,
            });
        }
        let arguments = self.with_agent(listed);
        if let Some(check) = &self.client.pre_check
            && let Preview::Denied(denial) =
                check.look(&self.client.agent_id, listed, &arguments).await
        {
            return Err(ClientError::Denied(denial));
        }
        self.sent = Some(arguments.clone());
        Ok((open, arguments))
    }

    fn with_agent(&self, listed: Option<&ListedTool>) -> JsonObject {
        let mut arguments = self.arguments.clone();
        // What the caller wrote stays: the server refuses a contradiction, and overwriting it here would
        // hide one.
        if listed.is_some_and(ListedTool::requires_agent_argument)
            && !arguments.contains_key(AGENT_ARGUMENT)
        {
            let agent = Value::String(self.client.agent_id.clone());
            arguments.insert(AGENT_ARGUMENT.to_owned(), agent);
        }
        arguments
    }

    async fn send(
        &self,
        open: &Arc<Open>,
        arguments: JsonObject,
    ) -> Result<ToolReply, ClientError> {
        let mut meta = RequestMetaObject::default();
        let agent = Value::String(self.client.agent_id.clone());
        meta.0.0.insert(AGENT_META.to_owned(), agent);
        let mut params =
            CallToolRequestParams::new(self.tool.to_owned()).with_arguments(arguments.clone());
        params.meta = Some(meta);
        let error = match open.peer.call_tool_once(params).await {
            Ok(CallToolResponse::Complete(result)) => {
                let mut reply = reply::read(self.tool, arguments, result)?;
                let (decision, pack) = (reply.decision.as_ref(), self.pack.as_deref());
                reply.decision_match = DecisionMatch::of(decision, pack, &self.client.agent_id);
                return Ok(reply);
            }
            Ok(_) => {
                let tool = self.tool.to_owned();
                return Err(ClientError::InputRequired { tool });
            }
            Err(error) => error,
        };
        if unsent::session_is_gone(&error)
            && let Err(error) = self.client.link.replace(open).await
        {
            tracing::debug!(%error, "the session is gone, and there is no other yet");
        }
        let error = ClientError::from_service(self.tool, error);
        if matches!(
            error,
            ClientError::Protocol {
                code: -32602 | -32601,
                ..
            }
        ) {
            // The tool may be another by now, or gone.
            open.listing.forget();
        }
        Err(error)
    }

    /// Decides by what an attempt ended in, and adjusts the arguments.
    fn next(&mut self, error: ClientError) -> Next {
        let again = |error, wait| Next::Again { error, wait };
        match error {
            ClientError::NotSent { ref source, .. } if unsent::session_is_gone(source) => {
                // Once that is a restart of the server. Again and again it is something on the way that loses
                // sessions, and perhaps the answers of calls that ran.
                let before = std::mem::replace(&mut self.session_was_gone, true);
                self.lost |= before && !self.repeatable;
                match self.retry.transient && !self.lost {
                    true => again(error, None),
                    false => Next::End(error),
                }
            }
            ClientError::NotSent { .. } if self.retry.transient => again(error, None),
            // A first connection is the caller's; a lost one is made again.
            ClientError::Connect(_) if self.retry.transient && self.client.link.can_reconnect() => {
                again(error, None)
            }
            ClientError::Transport { ref source, .. } => {
                self.lost = true;
                if self.retry.repeat_lost && self.repeatable {
                    let wait = unsent::asked_wait(source);
                    again(error, wait)
                } else {
                    Next::End(error)
                }
            }
            ClientError::Unavailable(ref denial)
                if self.retry.transient && denial.class() == DenialClass::Transient =>
            {
                let wait = denial.retry_after();
                again(error, wait)
            }
            ClientError::Denied(denial) => self.after_denial(denial),
            other => Next::End(other),
        }
    }

    fn after_denial(&mut self, denial: Box<Denial>) -> Next {
        let end = |denial| Next::End(ClientError::Denied(denial));
        if denial.key_was_used() {
            return end(denial);
        }
        if denial.class() == DenialClass::Transient && self.retry.transient {
            let wait = denial.retry_after();
            let error = ClientError::Denied(denial);
            return Next::Again { error, wait };
        }
        let Some(strategy) = &self.retry.strategy else {
            return end(denial);
        };
        // An attempt whose answer was lost may still run, with the earlier arguments, and that of an earlier
        // start may have. Only a key keeps it and an adjusted one from running both.
        if (self.lost || self.resumed) && !self.keyed {
            return end(denial);
        }
        match strategy.adjust(&denial, &self.arguments) {
            Ok(Some(adjusted)) if adjusted != self.arguments => {
                self.arguments = adjusted;
                let error = ClientError::Denied(denial);
                Next::Again { error, wait: None }
            }
            // Final, or the same call again: the answer would be the same.
            Ok(_) => end(denial),
            Err(error) => Next::End(error),
        }
    }

    /// The error as the caller gets it.
    fn ended(&self, error: ClientError) -> ClientError {
        // The key is this intention's own: who used it carried the same out, such as an earlier process, or
        // the network delivered one attempt twice.
        let used = self.intention.is_some() && error.denial().is_some_and(Denial::key_was_used);
        let lost = self.lost
            && !matches!(
                error,
                ClientError::Transport { .. }
                    | ClientError::Tool { .. }
                    | ClientError::Contradictory { .. }
            );
        let error = match used || lost || self.resumed {
            false => error,
            true => ClientError::Uncertain {
                tool: self.tool.to_owned(),
                key: None,
                earlier_start: self.resumed,
                last: Box::new(error.sent_with(self.key.as_deref())),
            },
        };
        error.sent_with(self.key_to_look_for().as_deref())
    }

    /// The key that was sent. Before any listing was seen it is that with which an earlier start would have sent
    /// the intention; a tool that takes no key got none then either.
    fn key_to_look_for(&self) -> Option<String> {
        if self.is_looked_up || !self.resumed {
            return self.key.clone();
        }
        let own = key_in(None, &self.arguments);
        own.or_else(|| self.intention.map(str::to_owned))
    }
}

fn denial_of(error: ClientError) -> Option<Denial> {
    match error {
        ClientError::Denied(denial) | ClientError::Unavailable(denial) => Some(*denial),
        _ => None,
    }
}
