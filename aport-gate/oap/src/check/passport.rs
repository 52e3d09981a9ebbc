//! Everything wrong with a passport, against what OAP 1.0 asks of one.

use super::{
    Document, Finding, MAX_FINDINGS, Severity, approval, authority, meant, spelled, stray, under,
};
use crate::approval::Name;
use crate::{AgentId, AssuranceLevel, Pack, Passport, PassportStatus, SPEC_VERSION};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// Fields that OAP asks for. The verifier needs the first six; the others are for people and registries.
const REQUIRED: [&str; 13] = [
    "passport_id",
    "spec_version",
    "owner_id",
    "status",
    "assurance_level",
    "capabilities",
    "kind",
    "owner_type",
    "limits",
    "regions",
    "created_at",
    "updated_at",
    "version",
];
const NEEDED: usize = 6;

/// Fields that OAP or a verifier knows besides.
const OPTIONAL: [&str; 7] = [
    "agent_id",
    "template_id",
    "parent_agent_id",
    "metadata",
    "mcp",
    "expires_at",
    "not_before",
];

impl Passport {
    /// Everything that is wrong with a passport document, in the order of its text. Errors keep
    /// [`Passport::parse`] from reading it; warnings are what OAP asks for and a verifier can do without.
    ///
    /// ```
    /// use aport_gate_oap::{Passport, Severity};
    /// let findings = Passport::check(br#"{
    ///   "passport_id": "ap_bot", "spec_version": "oap/1.0", "owner_id": "org_1", "status": "on",
    ///   "assurance_level": "L2", "capabilities": [{"id": "Refund"}]
    /// }"#);
    /// assert_eq!((findings[0].path.as_str(), findings[0].severity), ("kind", Severity::Warning));
    /// assert!(findings.iter().any(|f| f.path == "status" && f.severity == Severity::Error && f.line == 2));
    /// assert!(findings.iter().any(|f| f.path == "capabilities[0].id"));
    /// # Ok::<(), aport_gate_oap::PassportError>(())
    /// ```
    #[must_use]
    pub fn check(bytes: &[u8]) -> Vec<Finding> {
        Self::check_under(bytes, &[])
    }

    /// As [`Passport::check`], and what the limits are to packs: those that no rule reads, and those of another
    /// type than the rules need. Only packs that ask for a capability of the passport are looked at.
    ///
    /// ```
    /// use aport_gate_oap::{Pack, Passport, Severity};
    /// let pack = Pack::parse(br#"{
    ///   "id": "acme.export.v1", "requires_capabilities": ["acme.export"], "evaluation_rules": [
    ///     {"name": "pii", "condition": "!context.pii || limits.allow_pii", "deny_code": "oap.pii"}
    ///   ]
    /// }"#)?;
    /// let findings = Passport::check_under(br#"{
    ///   "passport_id": "ap_bot", "spec_version": "oap/1.0", "owner_id": "org_1", "status": "active",
    ///   "assurance_level": "L2", "capabilities": [{"id": "acme.export"}],
    ///   "limits": {"acme.export": {"allow_pii": "false"}}
    /// }"#, &[&pack]);
    /// assert!(findings.iter().any(|f| f.severity == Severity::Error && f.message.contains("`true` or `false`")));
    /// # Ok::<(), aport_gate_oap::PackError>(())
    /// ```
    #[must_use]
    pub fn check_under(bytes: &[u8], packs: &[&Pack]) -> Vec<Finding> {
        let mut document = match Document::read(bytes) {
            Ok(document) => document,
            Err(finding) => return vec![finding],
        };
        let value = document.value.clone();
        let Some(map) = value.as_object() else {
            document.error("", "a passport must be an object");
            return document.finish();
        };
        present(map, &mut document);
        identity(map, &mut document);
        authority::capabilities(map, &mut document);
        authority::limits(map, &mut document);
        approval::of_passport(map, &mut document);
        spelled::report(map, &mut document);
        times(map, &mut document);
        allowlist(map, &mut document);
        match Passport::parse(value.to_string().as_bytes()) {
            Ok(passport) => {
                stray::report(&passport, packs, &mut document);
                under::report(&passport, packs, &mut document);
            }
            Err(error) if !document.has_errors() => document.error("", error.to_string()),
            Err(_) => {}
        }
        document.finish()
    }

    /// The field that a name most likely means which no passport has; none for a known name, and for one that is
    /// like no other.
    ///
    /// ```
    /// use aport_gate_oap::Passport;
    /// assert_eq!(Passport::misspelled_field("expires"), Some("expires_at"));
    /// assert_eq!(Passport::misspelled_field("expires_at"), None);
    /// ```
    #[must_use]
    pub fn misspelled_field(name: &str) -> Option<&'static str> {
        let known: Vec<&str> = REQUIRED.iter().chain(&OPTIONAL).copied().collect();
        (!known.contains(&name))
            .then(|| respelled(name, &known))
            .flatten()
    }
}

fn present(map: &Map<String, Value>, document: &mut Document<'_>) {
    let known: Vec<&str> = REQUIRED.iter().chain(&OPTIONAL).copied().collect();
    let unknown: Vec<&str> = map
        .keys()
        .map(String::as_str)
        .filter(|key| !known.contains(key) && Name::of(key).is_none())
        .take(MAX_FINDINGS)
        .collect();
    let mut told: Vec<&str> = Vec::new();
    for (at, field) in REQUIRED.iter().enumerate() {
        if map.contains_key(*field) || (*field == "passport_id" && map.contains_key("agent_id")) {
            continue;
        }
        let near = meant(field, &unknown);
        told.extend(near);
        let near = near.map(|near| format!("; is `{near}` meant to be it?"));
        let message = format!("`{field}` is missing{}", near.unwrap_or_default());
        if at < NEEDED {
            document.error(field, message);
        } else {
            document.warning(field, format!("{message} (OAP asks for it)"));
        }
    }
    for key in unknown {
        if told.contains(&key) {
            continue;
        }
        let near = respelled(key, &known).map(|near| format!("; did you mean `{near}`?"));
        document.warning(
            &super::position::field("", key),
            format!(
                "`{key}` is not known to OAP; it has no effect{}",
                near.unwrap_or_default()
            ),
        );
    }
}

/// The known field that another name most likely meant: one that starts with the same word, or the nearest.
fn respelled<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let lower = key.to_ascii_lowercase().replace('-', "_");
    let starts = |name: &&&str| {
        let first = lower.split('_').next().unwrap_or_default();
        first.len() >= 6 && name.starts_with(first)
    };
    let first = known.iter().find(starts).copied();
    first.or_else(|| meant(&lower, known))
}

/// The text at a field, or nothing where it is absent; another type is an error.
fn text<'m>(
    map: &'m Map<String, Value>,
    field: &str,
    document: &mut Document<'_>,
) -> Option<&'m str> {
    match map.get(field) {
        None => None,
        Some(Value::String(text)) => Some(text),
        Some(_) => {
            document.error(field, format!("`{field}` must be a string"));
            None
        }
    }
}

fn one_of(map: &Map<String, Value>, field: &str, known: &[&str], document: &mut Document<'_>) {
    if let Some(found) = text(map, field, document)
        && !known.contains(&found)
    {
        let message = format!(
            "`{field}` is `{found}`, expected one of `{}`",
            known.join("`, `")
        );
        // Only these decide anything; the rest is for registries.
        let severity = match field {
            "spec_version" | "status" | "assurance_level" => Severity::Error,
            _ => Severity::Warning,
        };
        document.push(severity, field, message);
    }
}

fn identity(map: &Map<String, Value>, document: &mut Document<'_>) {
    for field in ["passport_id", "agent_id", "template_id", "parent_agent_id"] {
        if map.get(field) == Some(&Value::Null) && field.ends_with("_id") && field != "passport_id"
        {
            continue;
        }
        if let Some(id) = text(map, field, document)
            && let Err(error) = AgentId::parse(id)
        {
            document.error(field, error.to_string());
        }
    }
    for (one, other) in [
        ("passport_id", "agent_id"),
        ("parent_agent_id", "template_id"),
    ] {
        if let (Some(Value::String(a)), Some(Value::String(b))) = (map.get(one), map.get(other))
            && a != b
        {
            document.error(
                other,
                format!("`{other}` is `{b}` but `{one}` is `{a}`; keep one of them"),
            );
        }
    }
    if let Some(owner) = text(map, "owner_id", document)
        && owner.is_empty()
    {
        document.warning("owner_id", "`owner_id` is empty");
    }
    one_of(map, "spec_version", &[SPEC_VERSION], document);
    one_of(map, "kind", &["template", "instance"], document);
    one_of(map, "owner_type", &["org", "user"], document);
    let states = [
        PassportStatus::Draft,
        PassportStatus::Active,
        PassportStatus::Suspended,
        PassportStatus::Revoked,
    ];
    one_of(map, "status", &states.map(PassportStatus::as_str), document);
    let levels = [
        AssuranceLevel::L0,
        AssuranceLevel::L1,
        AssuranceLevel::L2,
        AssuranceLevel::L3,
        AssuranceLevel::L4Kyc,
        AssuranceLevel::L4Fin,
    ];
    let mut levels: Vec<&str> = levels.iter().map(|level| level.as_str()).collect();
    // The short form is read as `L4KYC`.
    levels.push("L4");
    one_of(map, "assurance_level", &levels, document);
    let is_instance = map.get("kind").and_then(Value::as_str) == Some("instance");
    if is_instance && !map.contains_key("parent_agent_id") && !map.contains_key("template_id") {
        document.warning(
            "kind",
            "an instance should name its template in `parent_agent_id`",
        );
    }
    if let Some(version) = text(map, "version", document) {
        let parts: Vec<&str> = version.split('.').collect();
        let number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if parts.len() != 3 || !parts.iter().all(number) {
            document.warning(
                "version",
                format!("`version` is `{version}`, expected a form like `1.0.0`"),
            );
        }
    }
}

fn times(map: &Map<String, Value>, document: &mut Document<'_>) {
    let mut read = |field: &str, decides: bool| -> Option<Timestamp> {
        let value = map
            .get(field)
            .filter(|value| !(value.is_null() && decides))?;
        let parsed = value.as_str().and_then(|text| text.parse().ok());
        if parsed.is_none() {
            let severity = if decides {
                Severity::Error
            } else {
                Severity::Warning
            };
            document.push(
                severity,
                field,
                format!("`{field}` must be an RFC 3339 time"),
            );
        }
        parsed
    };
    let created = read("created_at", false);
    let updated = read("updated_at", false);
    let (start, end) = (read("not_before", true), read("expires_at", true));
    for (early, late, name, before) in [
        (created, updated, "updated_at", "created_at"),
        (start, end, "expires_at", "not_before"),
        (created, end, "expires_at", "created_at"),
    ] {
        if let (Some(early), Some(late)) = (early, late)
            && late < early
        {
            document.warning(name, format!("`{name}` is before `{before}`"));
        }
    }
}

fn allowlist(map: &Map<String, Value>, document: &mut Document<'_>) {
    let metadata = map.get("metadata").and_then(|metadata| metadata.get("mcp"));
    for (path, allowlist) in [("mcp", map.get("mcp")), ("metadata.mcp", metadata)] {
        let Some(allowlist) = allowlist.filter(|allowlist| !allowlist.is_null()) else {
            continue;
        };
        let Some(lists) = allowlist.as_object() else {
            document.warning(
                path,
                "an MCP allowlist must be an object; as it is, it allows nothing",
            );
            continue;
        };
        let known: Vec<&str> = crate::mcp::LISTS
            .into_iter()
            .flat_map(|(_, names)| names)
            .collect();
        for key in lists.keys().filter(|key| !known.contains(&key.as_str())) {
            let near = meant(key, &known).map(|near| format!("; did you mean `{near}`?"));
            let message = format!(
                "`{key}` means nothing in an MCP allowlist, so it restricts nothing{}; the lists are `servers` and `tools`",
                near.unwrap_or_default()
            );
            document.warning(&super::position::field(path, key), message);
        }
        for list in known {
            let strings = |list: &Value| {
                list.as_array()
                    .is_some_and(|list| list.iter().all(Value::is_string))
            };
            if lists.get(list).is_some_and(|list| !strings(list)) {
                let message =
                    format!("`{list}` must be a list of strings; other items allow nothing");
                document.warning(&format!("{path}.{list}"), message);
            }
        }
    }
}
