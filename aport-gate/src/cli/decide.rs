//! `decide`: what a server would say.

use aport_gate_oap::{AgentId, Outcome, Reason, Request, Usage, digest_json};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Verdict;
use super::argument::json_argument;
use super::environment::Environment;
use super::failure::Failure;
use super::output::{Output, Tone, one_line};
use super::policy::source::source;
use crate::local::check_key;
use crate::passports::PassportFolder;

/// Say what a server would decide now, without deciding it.
///
/// Uses the passports, packs and options of APORT_HOME, and what the counters of the ledger hold at
/// this moment. It is a preview: nothing is recorded, nothing is taken from a cap, no idempotency
/// key is used up, and the answer has no decision id.
#[derive(Debug, Args)]
pub(super) struct Decide {
    /// The pack: the id of one that servers decide by, or a file.
    #[arg(value_name = "PACK")]
    pack: String,
    /// The agent that asks; APORT_AGENT_ID if absent.
    #[arg(long, value_name = "ID", value_parser = |text: &str| AgentId::parse(text))]
    agent: Option<AgentId>,
    /// What the rules see: a JSON object, `@FILE`, or `-` for standard input.
    #[arg(long, value_name = "JSON")]
    context: String,
    /// Tool that is called, for passports with an allowlist of tools.
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    /// Print every stage and rule with what it saw.
    #[arg(long)]
    explain: bool,
}

impl Decide {
    pub(super) async fn run(&self, output: &mut Output) -> Result<Verdict, Failure> {
        let environment = Environment::read()?;
        let agent = self
            .agent
            .clone()
            .or_else(|| environment.agent.clone())
            .ok_or_else(|| Failure::new("no agent is named").hint("give `--agent ID`"))?;
        let found = source(&self.pack)?;
        let pack = &found.pack;
        let context = context(&self.context, &agent, pack.id().as_str())?;
        let digest = digest_json(&Value::Object(context.clone())).map_err(|error| {
            Failure::new(format!("the context is refused: {error}"))
                .hint("correct the value of that name in `--context`")
        })?;
        let now = Timestamp::now();
        let passport = match PassportFolder::new(environment.passports()).read(&agent) {
            Ok(passport) => passport,
            // No decision, and nothing runs: the answer is a denial with the gate's code.
            Err(refusal) => {
                let reason = Reason {
                    code: refusal.code().to_owned(),
                    message: refusal.message().to_owned(),
                    details: None,
                };
                return Ok(self.answer(output, Outcome::Deny, &[reason], json!({})));
            }
        };
        let request = Request {
            agent_id: &agent,
            passport: passport.as_deref(),
            context: &context,
            tool: self.tool.as_deref(),
            now,
        };
        let plan = pack.usage_plan(&request);
        if let Some(key) = &plan.idempotency_key {
            check_key(key).map_err(|refusal| {
                Failure::new(refusal.message())
                    .hint("give another `idempotency_key` in `--context`")
            })?;
        }
        let used = async {
            let Some(ledger) = environment.existing_ledger().await? else {
                return Ok::<_, Failure>(Usage::default());
            };
            let (agent, policy) = (agent.to_string(), pack.id().to_string());
            Ok(ledger.usage(agent, policy, plan).await?)
        };
        let usage = output.during("reading the ledger", used).await?;
        let mut evaluation = pack.evaluate(&request, &usage);
        // A server has a tool at hand whenever it decides; without one this would be another question.
        let tool_unknown = self.tool.is_none()
            && passport
                .as_deref()
                .is_some_and(|passport| pack.asks_tool(passport));
        if tool_unknown {
            evaluation
                .reasons
                .retain(|reason| reason.code != "oap.allowed");
            evaluation.reasons.push(tool_not_named());
            (evaluation.allow, evaluation.outcome) = (false, Outcome::Deny);
        }
        let explanation = self.explain.then(|| pack.explain(&request, &usage));
        if let (Some(explanation), false) = (&explanation, output.is_json()) {
            output.text(&explanation.to_string());
            output.line("");
        }
        let mut counters: Vec<_> = usage.counters.iter().collect();
        counters.sort();
        let counters: Vec<Value> = counters
            .into_iter()
            .map(|(key, used)| json!({ "counter": key, "used": used }))
            .collect();
        let more = json!({
            "policy_id": pack.id(), "policy_hash": pack.digest(), "agent_id": agent,
            "passport_digest": passport.as_ref().map(|passport| passport.digest()),
            "context_digest": digest, "at": now.to_string(), "operator_options": found.options,
            "tool": self.tool, "tool_checked": tool_unknown.then_some(false),
            "usage": { "counters": counters, "idempotency_key_seen": usage.key_seen },
            "explanation": explanation,
        });
        Ok(self.answer(output, evaluation.outcome, &evaluation.reasons, more))
    }

    fn answer(
        &self,
        output: &mut Output,
        outcome: Outcome,
        reasons: &[Reason],
        more: Value,
    ) -> Verdict {
        let allow = outcome == Outcome::Allow;
        if output.is_json() {
            let mut answer = json!({
                "allow": allow, "outcome": outcome, "reasons": reasons, "recorded": false,
            });
            if let (Some(answer), Value::Object(more)) = (answer.as_object_mut(), more) {
                answer.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
            }
            output.value(&answer);
        } else {
            let word = match outcome {
                Outcome::Allow | Outcome::AllowWithWarning => output.tone(Tone::Good, "allow"),
                Outcome::RequireReview => output.tone(Tone::Doubtful, "deny until reviewed"),
                Outcome::Deny => output.tone(Tone::Bad, "deny"),
            };
            let preview = output.tone(Tone::Faint, "(preview: nothing recorded, nothing taken)");
            output.line(format_args!("{word}  {preview}"));
            for reason in reasons {
                output.line(format_args!(
                    "  {}: {}",
                    one_line(&reason.code),
                    one_line(&reason.message)
                ));
            }
        }
        if allow { Verdict::Good } else { Verdict::Bad }
    }
}

/// The passport's allowlist names tools, and the question names none.
fn tool_not_named() -> Reason {
    Reason {
        code: "oap.mcp_not_allowed".to_owned(),
        message: "the passport allows certain MCP tools only, and no tool was named, so none was checked; \
                  give `--tool NAME`"
            .to_owned(),
        details: None,
    }
}

/// The context as a gate would build it from these fields.
fn context(argument: &str, agent: &AgentId, pack: &str) -> Result<Map<String, Value>, Failure> {
    let Value::Object(mut context) = json_argument("--context", argument)? else {
        return Err(Failure::new("the context must be a JSON object")
            .hint("such as `--context '{\"amount\":5000,\"currency\":\"USD\"}'`"));
    };
    context.retain(|_, value| !value.is_null());
    for (field, id) in [("agent_id", agent.as_str()), ("policy_id", pack)] {
        if let Some(other) = context.get(field)
            && other != id
        {
            return Err(Failure::new(format!(
                "the context names {field} {other}, but the question is about `{id}`"
            ))
            .hint(format!("leave `{field}` out of the context")));
        }
        context.insert(field.to_owned(), id.into());
    }
    Ok(context)
}
