//! The document that `passport issue` puts together: a file, flags over it, and what is left.

use std::path::Path;

use aport_gate_oap::SPEC_VERSION;
use serde_json::{Map, Value, json};

use super::document::now;
use super::edit::json_argument;
use super::issue::{Issue, OwnerType};
use crate::cli::failure::Failure;

impl Issue {
    /// # Errors
    /// A file or value cannot be read, or a limit lies in what is no object.
    pub(super) fn document(&self) -> Result<Map<String, Value>, Failure> {
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
        for (at, limit) in self.limit.iter().enumerate() {
            let before = self.limit.iter().take(at);
            if let Some(other) = before.into_iter().find(|other| other.meets(limit)) {
                return Err(Failure::new(format!(
                    "`--limit` sets `{other}` and `{limit}`, of which only one can be meant; keep one"
                )));
            }
            limit.set(&mut map)?;
        }
        Ok(map)
    }
}

fn file_argument(path: &Path) -> String {
    match path.to_str() {
        Some("-") => "-".to_owned(),
        _ => format!("@{}", path.display()),
    }
}
