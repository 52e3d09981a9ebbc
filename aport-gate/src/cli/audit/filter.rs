//! Which records are asked for.

use aport_gate_oap::{AgentId, PackId};
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::record::{agent, allowed, key, pack, tool};
use crate::cli::failure::Failure;
use crate::{AuditRecord, Ledger};

#[derive(Debug, Args)]
pub(super) struct Filter {
    /// Of this agent.
    #[arg(long, value_name = "ID", value_parser = |text: &str| AgentId::parse(text))]
    agent: Option<AgentId>,
    /// Under this pack.
    #[arg(long, value_name = "ID", value_parser = |text: &str| PackId::parse(text))]
    pack: Option<PackId>,
    /// Of this tool.
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    /// Of the call that was allowed under this idempotency key.
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    key: Option<String>,
    /// Records of this kind.
    #[arg(long, value_name = "KIND")]
    kind: Option<Kind>,
    /// Decisions that allow.
    #[arg(long, conflicts_with = "deny")]
    allow: bool,
    /// Decisions that deny.
    #[arg(long)]
    deny: bool,
    /// Not before this time, RFC 3339.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Before this time, RFC 3339.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// What a policy decided.
    Decision,
    /// What became of an allowed call.
    Outcome,
    /// A call that got no decision.
    Refusal,
}

impl Filter {
    /// Whether the record is asked for. What a record does not say never matches; an outcome is of the
    /// agent, pack and tool of its decision.
    pub(super) async fn admits(
        &self,
        ledger: &Ledger,
        record: &AuditRecord,
    ) -> Result<bool, Failure> {
        if !self.admits_itself(record) {
            return Ok(false);
        }
        if self.admits_subject(record) {
            return Ok(true);
        }
        let decided = record
            .decision_id
            .as_deref()
            .filter(|_| record.kind == "outcome");
        let Some(decision_id) = decided else {
            return Ok(false);
        };
        let records = ledger.records_of(decision_id).await?;
        Ok(records
            .iter()
            .any(|record| record.kind == "decision" && self.admits_subject(record)))
    }

    /// The idempotency key that is looked for.
    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// By what every record says of itself.
    fn admits_itself(&self, record: &AuditRecord) -> bool {
        let at = record.at.parse::<Timestamp>().ok();
        let kind = self.kind.map(|kind| match kind {
            Kind::Decision => "decision",
            Kind::Outcome => "outcome",
            Kind::Refusal => "refusal",
        });
        let wanted = if self.allow {
            Some(true)
        } else {
            self.deny.then_some(false)
        };
        kind.is_none_or(|kind| record.kind == kind)
            && (wanted.is_none() || allowed(record) == wanted)
            && self
                .since
                .is_none_or(|since| at.is_some_and(|at| at >= since))
            && self
                .until
                .is_none_or(|until| at.is_some_and(|at| at < until))
    }

    /// By whom and what the record is about.
    fn admits_subject(&self, record: &AuditRecord) -> bool {
        self.agent
            .as_ref()
            .is_none_or(|wanted| agent(record) == Some(wanted.as_str()))
            && self
                .pack
                .as_ref()
                .is_none_or(|wanted| pack(record) == Some(wanted.as_str()))
            && self
                .tool
                .as_ref()
                .is_none_or(|wanted| tool(record) == Some(wanted))
            && self
                .key
                .as_ref()
                .is_none_or(|wanted| key(record) == Some(wanted))
    }
}
