//! The passport that an order for one comes to.

use aport_gate_oap::SPEC_VERSION;
use serde_json::{Map, Value, json};

use super::invalid;
use crate::cli::passport::document::now;
use crate::registry::problem::Problem;

/// Fills in what an order leaves out. In development also limits and regions, so that the agent can
/// do something small at once; otherwise what is not granted is not allowed.
pub(super) fn compose(
    mut map: Map<String, Value>,
    dev: bool,
) -> Result<Map<String, Value>, Problem> {
    map.retain(|_, value| !value.is_null());
    match map.get("owner_id") {
        Some(Value::String(owner)) if !owner.trim().is_empty() => {}
        _ => return Err(invalid("`owner_id` must say who answers for the agent")),
    }
    let capabilities = capabilities(map.get("capabilities"))?;
    match map.get("status") {
        None => {}
        Some(status) if *status == json!("active") || *status == json!("draft") => {}
        Some(_) => return Err(invalid("a new passport is `active` or `draft`")),
    }
    if dev {
        for id in &capabilities {
            if let Some(limits) = demo_limits(id) {
                let all = map.entry("limits").or_insert_with(|| json!({}));
                if let Some(all) = all.as_object_mut() {
                    all.entry(id.as_str()).or_insert(limits);
                }
            }
        }
        map.entry("regions").or_insert(json!(["US", "CA", "EU"]));
    }
    let given = ["agent_id", "passport_id"].map(|field| map.get(field).cloned());
    let id = match given {
        [None, None] => json!(format!("ap_{}", uuid::Uuid::new_v4().simple())),
        [Some(one), Some(other)] if one != other => {
            return Err(invalid("`agent_id` and `passport_id` must be the same"));
        }
        [Some(id), _] | [None, Some(id)] => id,
    };
    if !map.contains_key("capabilities") {
        return Err(invalid("`capabilities` must list what is granted"));
    }
    let listed = map.get("capabilities").and_then(Value::as_array);
    let as_object = |capability: &Value| match capability {
        Value::String(id) => json!({ "id": id }),
        other => other.clone(),
    };
    let listed: Vec<Value> = listed.into_iter().flatten().map(as_object).collect();
    let kind = ["parent_agent_id", "template_id"];
    let kind = if kind.iter().any(|field| map.contains_key(*field)) {
        "instance"
    } else {
        "template"
    };
    let time = now();
    for (field, value) in [
        ("agent_id", id.clone()),
        ("passport_id", id),
        ("capabilities", Value::Array(listed)),
        ("updated_at", json!(time)),
        ("created_at", json!(time)),
    ] {
        map.insert(field.to_owned(), value);
    }
    for (field, value) in [
        ("kind", json!(kind)),
        ("spec_version", json!(SPEC_VERSION)),
        ("owner_type", json!("org")),
        ("assurance_level", json!("L0")),
        ("status", json!("active")),
        ("limits", json!({})),
        ("regions", json!([])),
        ("version", json!("1.0.0")),
    ] {
        map.entry(field).or_insert(value);
    }
    Ok(map)
}

fn capabilities(value: Option<&Value>) -> Result<Vec<String>, Problem> {
    let list = value
        .and_then(Value::as_array)
        .ok_or_else(|| invalid("`capabilities` must be a list"))?;
    let id = |capability: &Value| {
        let id = capability
            .as_str()
            .or_else(|| capability.get("id")?.as_str());
        id.filter(|id| !id.is_empty()).map(str::to_owned)
    };
    let ids: Option<Vec<String>> = list.iter().map(id).collect();
    ids.ok_or_else(|| invalid("a capability is a string, or an object with a string `id`"))
}

/// Small limits for the capabilities of the embedded packs.
fn demo_limits(capability: &str) -> Option<Value> {
    match capability {
        "finance.payment.refund" => {
            let one = json!({ "max_per_tx": 5000, "daily_cap": 50000 });
            Some(json!({
                "currency_limits": { "USD": one, "EUR": one, "GBP": one },
                "supported_currencies": ["USD", "EUR", "GBP"],
                "reason_codes": ["customer_request", "defective_product", "duplicate_charge", "fraud"],
            }))
        }
        "code.repository.merge" | "repo.merge" => Some(json!({
            "allowed_repositories": ["*/*"],
            "allowed_base_branches": ["main"],
            "max_merges_per_day": 10,
        })),
        _ => None,
    }
}
