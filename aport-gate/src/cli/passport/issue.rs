//! `passport issue`.

use std::path::PathBuf;

use aport_gate_oap::{AgentId, AssuranceLevel, Finding, Pack, Passport, PassportStatus, Severity};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::document::{Document, now};
use super::edit::Limit;
use super::status::tone;
use super::store::Store;
use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, one_line};
use crate::cli::policy::source;
use crate::cli::when::when;

/// Issue a passport, from flags, a file, or a file that flags change.
///
/// The passport is in force from the next call on, in every server that is running with this
/// APORT_HOME. An agent that has a passport keeps it unless `--replace` is given; a revoked one
/// cannot be replaced.
///
/// Example: aport-gate passport issue --owner org_acme --level L2
///   --capability finance.payment.refund --region US
///   --limit finance.payment.refund:currency_limits.USD.max_per_tx=5000
///   --limit finance.payment.refund:currency_limits.USD.daily_cap=50000
///   --limit finance.payment.refund:reason_codes='["customer_request"]'
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Issue {
    /// Passport document to start from; `-` for standard input.
    #[arg(value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// The agent's id, `ap_…` or a UUID; a new one if neither this nor the file names one.
    #[arg(long, value_name = "ID", value_parser = |text: &str| AgentId::parse(text))]
    pub(super) id: Option<AgentId>,
    /// Organisation or person that answers for the agent.
    #[arg(long, value_name = "ID", required_unless_present = "file")]
    pub(super) owner: Option<String>,
    /// What the owner is.
    #[arg(long, value_name = "TYPE")]
    pub(super) owner_type: Option<OwnerType>,
    /// How well the owner is known: L0, L1, L2, L3, L4KYC or L4FIN.
    #[arg(long, value_name = "LEVEL", required_unless_present = "file", value_parser = |text: &str| AssuranceLevel::parse(text))]
    pub(super) level: Option<AssuranceLevel>,
    /// Capability to grant; may be given more than once.
    #[arg(long, value_name = "ID", required_unless_present = "file")]
    pub(super) capability: Vec<String>,
    /// Region in which the agent may act; may be given more than once.
    #[arg(long, value_name = "REGION")]
    pub(super) region: Vec<String>,
    /// All limits, by capability: a JSON object, `@FILE` or `-`.
    #[arg(long, value_name = "JSON")]
    pub(super) limits: Option<String>,
    /// One limit, `CAPABILITY:path.to.it=VALUE`, where VALUE is JSON or else text; may be given more
    /// than once.
    #[arg(long, value_name = "LIMIT")]
    pub(super) limit: Vec<Limit>,
    /// When it stops being valid: RFC 3339, or from now on such as `12h` or `90d`.
    #[arg(long, value_name = "WHEN", value_parser = when)]
    pub(super) expires: Option<Timestamp>,
    /// Name for people.
    #[arg(long, value_name = "TEXT")]
    pub(super) name: Option<String>,
    /// The template passport that this one is an instance of.
    #[arg(long, value_name = "ID", value_parser = |text: &str| AgentId::parse(text))]
    pub(super) parent: Option<AgentId>,
    /// Not in force until `passport resume`.
    #[arg(long)]
    pub(super) draft: bool,
    /// Replace the passport that the agent has.
    #[arg(long)]
    replace: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum OwnerType {
    /// An organisation.
    Org,
    /// A person.
    User,
}

impl Issue {
    pub(super) fn run(&self, store: &Store, output: &mut Output) -> Result<Verdict, Failure> {
        let map = self.document()?;
        let text = Value::Object(map.clone()).to_string();
        let (errors, warnings): (Vec<Finding>, Vec<Finding>) = Passport::check(text.as_bytes())
            .into_iter()
            .partition(|finding| finding.severity == Severity::Error);
        if !errors.is_empty() {
            let all: Vec<String> = errors.iter().map(told).collect();
            return Err(
                Failure::new(format!("this would be no passport: {}", all.join("; ")))
                    .hint("aport-gate passport issue --help"),
            );
        }
        let document = Document::new(map).map_err(Failure::new)?;
        self.limits_that_count(document.passport())?;
        let agent = document.passport().agent_id().clone();
        let status = document.passport().status();
        if matches!(status, PassportStatus::Suspended | PassportStatus::Revoked) {
            return Err(
                Failure::new(format!("a passport that is {} cannot be issued", status))
                    .hint("take `status` out of the file, or give `--draft`"),
            );
        }
        if let Some(expiry) = document.passport().expires_at()
            && expiry <= Timestamp::now()
        {
            return Err(Failure::new(format!(
                "it would have expired at {expiry} already"
            )));
        }
        let locked = store.lock()?;
        locked.refuse_twin(&agent)?;
        let path = store.path(&agent);
        let document = match path.symlink_metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => document,
            Err(error) => return Err(Failure::io("look at", &path, &error)),
            Ok(_) => self.replacing(store, &agent, document)?,
        };
        let path = locked.put(&agent, &document)?;
        for warning in &warnings {
            eprintln!("warning: {}", one_line(&told(warning)));
        }
        let passport = document.passport();
        for warning in standing(store, passport) {
            eprintln!("warning: {}", one_line(&warning));
        }
        if output.is_json() {
            output.value(&json!({
                "agent_id": agent, "status": passport.status(), "digest": passport.digest(),
                "file": path.display().to_string(), "passport": document.map(),
            }));
            return Ok(Verdict::Good);
        }
        let state = output.tone(tone(passport.status()), passport.status());
        output.fields(&[
            ("agent", agent.to_string()),
            ("status", state),
            ("owner", one_line(passport.owner_id())),
            (
                "capabilities",
                one_line(&passport.capabilities().join(", ")),
            ),
            ("digest", passport.digest().to_string()),
            ("file", path.display().to_string()),
        ]);
        Ok(Verdict::Good)
    }

    /// # Errors
    /// A limit is given for what the passport does not grant: a typing slip that would leave it unlimited.
    fn limits_that_count(&self, passport: &Passport) -> Result<(), Failure> {
        let packs = source::set().ok();
        let packs: Vec<&Pack> = packs
            .iter()
            .flat_map(|set| set.iter())
            .map(|loaded| &**loaded.pack())
            .collect();
        let mut given = self.limit.iter().map(Limit::capability);
        match given.find(|capability| !passport.may_limit(capability, &packs)) {
            None => Ok(()),
            Some(capability) => Err(Failure::new(format!(
                "`--limit {capability}:…` is for a capability that the passport does not grant; it grants `{}`",
                passport.capabilities().join("`, `")
            ))
            .hint("correct its name, or grant it with `--capability`")),
        }
    }

    /// The new document in place of the one there is.
    fn replacing(
        &self,
        store: &Store,
        agent: &AgentId,
        document: Document,
    ) -> Result<Document, Failure> {
        if !self.replace {
            return Err(
                Failure::new(format!("there is a passport of `{agent}` already"))
                    .hint("look at it with `aport-gate passport show`, or give `--replace`"),
            );
        }
        let before = store.get(agent)?;
        if before.passport().status() == PassportStatus::Revoked {
            return Err(Failure::new(format!(
                "the passport of `{agent}` is revoked, which is final"
            ))
            .hint("issue one of another id"));
        }
        // Replacing must not lift a suspension unseen.
        let status = match before.passport().status() {
            PassportStatus::Suspended => PassportStatus::Suspended,
            _ => document.passport().status(),
        };
        let created = before.map().get("created_at").cloned();
        let created = created.unwrap_or_else(|| now().into());
        document
            .with([("created_at", created), ("status", status.as_str().into())])
            .map_err(Failure::new)
    }
}

/// What its issuer may not expect of a passport that was meant to be in force.
fn standing(store: &Store, passport: &Passport) -> Vec<String> {
    let mut warnings = Vec::new();
    if passport.status() == PassportStatus::Active
        && let Some(why) = store.kept_back(passport.agent_id())
    {
        warnings.push(format!("it is not in force: {why}"));
    }
    if let Some(parent) = passport.parent_id()
        && !store.path(parent).exists()
    {
        warnings.push(format!(
            "there is no passport of its parent `{parent}` here, so nothing that is done to that one counts"
        ));
    }
    warnings
}

/// A finding without its place: the document was put together here, and has no lines yet.
fn told(finding: &Finding) -> String {
    if finding.path.is_empty() {
        finding.message.clone()
    } else {
        format!("{} (at `{}`)", finding.message, finding.path)
    }
}
