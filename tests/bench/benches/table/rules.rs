//! What evaluation costs by the number of rules and by the size of the context.

use super::harness::{Effort, measure, row};
use super::refund::{AGENT, Ours, context};
use aport_gate_oap::{Pack, Usage, canonical_json};
use serde_json::{Value, json};
use std::hint::black_box;

pub fn run(effort: Effort) {
    let by_rules: Vec<_> = [1, 10, 100, 1_000]
        .map(|count| (count, Ours::new(with_rules(count))))
        .into_iter()
        .collect();
    let (context, usage) = (context(), Usage::default());
    let rows = by_rules.iter().map(|(count, ours)| {
        assert!(ours.decide(&context, &usage));
        row(format!("{count} rules"), || {
            black_box(ours.decide(black_box(&context), &usage));
        })
    });
    measure("Evaluation by number of rules", effort, rows.collect()).print("1 rules");

    let ours = Ours::new(with_rules(10));
    let contexts: Vec<_> = [1, 10, 100, 1_000]
        .map(|kilobytes| (kilobytes, sized(kilobytes)))
        .into();
    let mut rows = Vec::new();
    for (kilobytes, context) in &contexts {
        assert!(ours.decide(context, &usage));
        let (ours, usage) = (&ours, &usage);
        rows.push(row(format!("{kilobytes} KB, evaluation"), move || {
            black_box(ours.decide(black_box(context), usage));
        }));
    }
    for (kilobytes, context) in &contexts {
        let value = Value::Object(context.clone());
        rows.push(row(
            format!("{kilobytes} KB, canonical form and digest"),
            move || {
                let _ = black_box(aport_gate_oap::digest_json(black_box(&value)));
            },
        ));
    }
    measure("Evaluation by size of the context", effort, rows).print("1 KB, evaluation");
}

fn with_rules(count: u32) -> Pack {
    let rules: Vec<_> = (0..count)
        .map(|at| {
            let condition = format!(
                "context.amount <= limits.currency_limits[context.currency].max_per_tx + {at} \
                 and context.reason_code in limits.reason_codes"
            );
            json!({"name": format!("rule_{at}"), "deny_code": "oap.denied", "condition": condition})
        })
        .collect();
    let pack = json!({
        "id": "finance.payment.refund.v1",
        "requires_capabilities": ["finance.payment.refund"],
        "required_context": {"type": "object", "required": ["amount", "currency"], "properties": {
            "amount": {"type": "integer", "minimum": 1}, "currency": {"type": "string", "minLength": 3}
        }},
        "evaluation_rules": rules
    });
    Pack::parse(pack.to_string().as_bytes()).expect("a pack")
}

/// The refund's context with a list of items beside it, so large in canonical form.
fn sized(kilobytes: usize) -> serde_json::Map<String, Value> {
    let mut context = context();
    let mut items = Vec::new();
    let item =
        json!({"sku": "ITEM-000000", "note": "as described", "price": 1_999, "agent": AGENT});
    let each = canonical_json(&item).expect("canonical").len() + 1;
    let rest = canonical_json(&Value::Object(context.clone()))
        .expect("canonical")
        .len();
    while rest + items.len() * each < kilobytes * 1_024 {
        items.push(item.clone());
    }
    context.insert("items".to_owned(), items.into());
    context
}
