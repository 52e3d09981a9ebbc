//! `passport issue`.

use std::path::PathBuf;

use aport_gate_oap::{
    AgentId, AssuranceLevel, Finding, Passport, PassportStatus, SPEC_VERSION, Severity,
};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::document::{Document, now};
use super::edit::{Limit, json_argument};
use super::status::tone;
use super::store::Store;
use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, one_line};

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
    file: Option<PathBuf>,
    /// The agent's id, `ap_…` or a UUID; a new one if neither this nor the file names one.
    #[arg(long, value_name = "ID", value_parser = |text: &str| AgentId::parse(text))]
    id: Option<AgentId>,
    /// Organisation or person that answers for the agent.
    #[arg(long, value_name = "ID", required_unless_present = "file")]
    owner: Option<String>,
    /// What the owner is.
    #[arg(long, value_name = "TYPE")]
    owner_type: Option<OwnerType>,
    /// How well the owner is known: L0, L1, L2, L3, L4KYC or L4FIN.
    #[arg(long, value_name = "LEVEL", required_unless_present = "file", value_parser = |text: &str| AssuranceLevel::parse(text))]
    level: Option<AssuranceLevel>,
    /// Capability to grant; may be given more than once.
    #[arg(long, value_name = "ID", required_unless_present = "file")]
    capability: Vec<String>,
    /// Region in which the agent may act; may be given more than once.
    #[arg(long, value_name = "REGION")]
    region: Vec<String>,
    /// All limits, by capability: a JSON object, `@FILE` or `-`.
    #[arg(long, value_name = "JSON")]
    limits: Option<String>,
    /// One limit, `CAPABILITY:path.to.it=VALUE`, where VALUE is JSON or else text; may be given more
    /// than once.
    #[arg(long, value_name = "LIMIT")]
    limit: Vec<Limit>,
    /// When it stops being valid, RFC 3339.
    #[arg(long, value_name = "TIME")]
    expires: Option<Timestamp>,
    /// Name for people.
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// The template passport that this one is an instance of.
    #[arg(long, value_name = "ID", value_parser = |text: &str| AgentId::parse(text))]
    parent: Option<AgentId>,
    /// Not in force until `passport resume`.
    #[arg(long)]
    draft: bool,
    /// Replace the passport that the agent has.
    #[arg(long)]
    replace: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OwnerType {
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
            Err(error) => return Err(Failure::file("look at", &path, error)),
            Ok(_) => self.replacing(store, &agent, document)?,
        };
        let path = locked.put(&agent, &document)?;
        for warning in &warnings {
            eprintln!("warning: {}", one_line(&told(warning)));
        }
        let passport = document.passport();
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

    fn document(&self) -> Result<Map<String, Value>, Failure> {
        let mut map = match &self.file {
            None => Map::new(),
            Some(path) => match json_argument("FILE", &file_argument(path))? {
                Value::Object(map) => map,
                _ => {
                    return Err(Failure::file(
                        "issue from",
                        path,
                        "it must hold a JSON object",
                    ));
                }
            },
        };
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                map.insert(key.to_owned(), value);
            }
        };
        set("owner_id", self.owner.as_deref().map(Value::from));
        set(
            "assurance_level",
            self.level.map(|level| level.as_str().into()),
        );
        set(
            "expires_at",
            self.expires.map(|time| time.to_string().into()),
        );
        set(
            "parent_agent_id",
            self.parent.as_ref().map(|id| id.as_str().into()),
        );
        set("status", self.draft.then(|| "draft".into()));
        set("kind", self.parent.as_ref().map(|_| "instance".into()));
        set(
            "owner_type",
            self.owner_type.map(|kind| match kind {
                OwnerType::Org => "org".into(),
                OwnerType::User => "user".into(),
            }),
        );
        if !self.capability.is_empty() {
            let list = self.capability.iter().map(|id| json!({ "id": id }));
            set("capabilities", Some(Value::Array(list.collect())));
        }
        if !self.region.is_empty() {
            set("regions", Some(json!(self.region)));
        }
        if let Some(limits) = &self.limits {
            set("limits", Some(json_argument("--limits", limits)?));
        }
        if let Some(id) = &self.id {
            map.remove("agent_id");
            map.insert("passport_id".to_owned(), id.as_str().into());
        } else if !map.contains_key("passport_id") && !map.contains_key("agent_id") {
            let id = format!("ap_{}", uuid::Uuid::new_v4().simple());
            map.insert("passport_id".to_owned(), id.into());
        }
        let time = now();
        for (key, value) in [
            ("kind", json!("template")),
            ("spec_version", json!(SPEC_VERSION)),
            ("owner_type", json!("org")),
            ("status", json!("active")),
            ("limits", json!({})),
            ("regions", json!([])),
            ("created_at", json!(time)),
            ("version", json!("1.0.0")),
        ] {
            map.entry(key).or_insert(value);
        }
        map.insert("updated_at".to_owned(), time.into());
        if let Some(name) = &self.name {
            let metadata = map.entry("metadata").or_insert_with(|| json!({}));
            let metadata = metadata
                .as_object_mut()
                .ok_or_else(|| Failure::new("`metadata` of the file must be an object"))?;
            metadata.insert("name".to_owned(), name.as_str().into());
        }
        for limit in &self.limit {
            limit.set(&mut map)?;
        }
        Ok(map)
    }
}

/// A finding without its place: the document was put together here, and has no lines yet.
fn told(finding: &Finding) -> String {
    if finding.path.is_empty() {
        finding.message.clone()
    } else {
        format!("{} (at `{}`)", finding.message, finding.path)
    }
}

fn file_argument(path: &std::path::Path) -> String {
    match path.to_str() {
        Some("-") => "-".to_owned(),
        _ => format!("@{}", path.display()),
    }
}
