//! The fifteen packs as published, read from the folder that `APORT_OAP_REFERENCE` names. Without it these
//! tests say so and pass.

use crate::reference_cases::{Case, cases};
use crate::setting::{codes, passport};
use aport_gate_oap::{
    Absent, AgentId, AssuranceLevel, Decision, Digest, Evaluation, Pack, PackId, Request, Usage,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

pub(crate) fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("APORT_OAP_REFERENCE").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("APORT_OAP_REFERENCE is not set: the published packs are not tested");
    }
    folder
}

fn packs() -> Vec<(String, Vec<u8>)> {
    let Some(folder) = folder() else {
        return Vec::new();
    };
    let mut packs: Vec<_> = std::fs::read_dir(folder.join("packs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .map(|path| {
            (
                path.file_stem().unwrap().to_string_lossy().into_owned(),
                std::fs::read(&path).unwrap(),
            )
        })
        .collect();
    packs.sort();
    assert_eq!(packs.len(), 15);
    packs
}

#[test]
fn only_sentences_in_plain_english_cannot_be_evaluated() {
    let unevaluable: Vec<(String, String)> = packs()
        .into_iter()
        .flat_map(|(id, json)| {
            let problems = Pack::parse(&json).unwrap().problems();
            problems
                .into_iter()
                .map(move |problem| (id.clone(), problem.rule))
        })
        .collect();
    if unevaluable.is_empty() {
        return assert!(folder().is_none());
    }
    let of = "code.release.publish.v1";
    assert_eq!(
        unevaluable,
        [
            "version_format_valid",
            "file_extensions_allowed",
            "repository_permission"
        ]
        .map(|rule| (of.to_owned(), rule.to_owned()))
    );
}

#[test]
fn a_check_of_a_published_pack_names_those_rules_and_no_other_error() {
    for (id, json) in packs() {
        let findings = Pack::check(&json);
        let errors: Vec<_> = findings
            .iter()
            .filter(|finding| finding.severity == aport_gate_oap::Severity::Error)
            .collect();
        let expected = if id == "code.release.publish.v1" {
            3
        } else {
            0
        };
        assert_eq!(errors.len(), expected, "{id}: {errors:#?}");
    }
}

fn decide(json: &[u8], case: &Case, context: &Value, limits: &Value, seen: bool) -> Evaluation {
    let mut pack = Pack::parse(json).unwrap().with_absent(Absent::Skip);
    for rule in case.waive {
        pack = pack.with_waived(rule).unwrap();
    }
    let capabilities: Vec<Value> = pack
        .requires_capabilities()
        .iter()
        .flatten()
        .map(|id| json!({ "id": id }))
        .collect();
    let mut document = json!({ "capabilities": capabilities, "regions": ["US"] });
    merge(&mut document, &case.passport);
    merge(&mut document["limits"], limits);
    let passport = passport(document);
    let context: &Map<String, Value> = context.as_object().unwrap();
    let request = Request {
        agent_id: passport.agent_id(),
        passport: Some(&passport),
        context,
        tool: None,
        now: "2026-11-23T12:00:00Z".parse().unwrap(),
    };
    // Full counters make every rate rule fail, and no other.
    let counters = pack
        .usage_plan(&request)
        .counters
        .into_iter()
        .map(|key| (key, if seen { 1_000_000 } else { 0 }));
    let usage = Usage {
        counters: counters.collect(),
        key_seen: seen,
    };
    let evaluation = pack.evaluate(&request, &usage);
    let explanation = pack.explain(&request, &usage);
    assert_eq!(explanation.reasons, evaluation.reasons);
    evaluation
}

fn merge(into: &mut Value, changes: &Value) {
    match (into, changes) {
        (Value::Object(into), Value::Object(changes)) => {
            for (key, change) in changes {
                if change.is_null() {
                    into.remove(key);
                } else {
                    merge(into.entry(key.clone()).or_insert(Value::Null), change);
                }
            }
        }
        (into, changes) => *into = changes.clone(),
    }
}

#[test]
fn every_published_pack_allows_what_it_should_and_each_of_its_rules_denies() {
    let packs = packs();
    let cases = cases();
    for (id, json) in &packs {
        let case = cases
            .iter()
            .find(|case| case.pack == id)
            .unwrap_or_else(|| panic!("no case for {id}"));
        let allowed = decide(json, case, &case.allow, &json!({}), false);
        assert!(allowed.allow, "{id}: {:#?}", allowed.reasons);
        let pack = Pack::parse(json).unwrap();
        for rule in pack.rules() {
            let name = rule.name();
            let tried = case.deny.iter().filter(|(rule, ..)| *rule == name).count();
            // What a stage has refused already leaves nothing for these rules; a waived one does not deny.
            let before = [
                "passport_status_active",
                "assurance_minimum",
                "export_capability",
                "messaging_capability",
                "region_authorization",
            ];
            assert!(
                tried > 0 || case.waive.contains(&name) || before.contains(&name),
                "{id}: no deny for `{name}`"
            );
        }
        for (rule, changes, limits) in &case.deny {
            let mut context = case.allow.clone();
            merge(&mut context, changes);
            let full = context.as_object_mut().unwrap().remove("(full)").is_some();
            let denied = decide(json, case, &context, limits, full);
            let of_rule = denied.reasons.iter().find(|reason| {
                reason
                    .details
                    .as_ref()
                    .is_some_and(|details| details.rule == *rule)
            });
            let Some(reason) = of_rule else {
                panic!("{id} {rule} {context}: {:#?}", denied.reasons)
            };
            assert!(!denied.allow && denied.charges.is_empty());
            let code = pack
                .rules()
                .iter()
                .find(|known| known.name() == *rule)
                .unwrap()
                .deny_code();
            assert_eq!(reason.code, code, "{id} {rule}: {}", reason.message);
            let details = reason.details.as_ref().unwrap();
            assert!(details.field.is_some(), "{id} {rule}: {reason:?}");
        }
    }
}

#[test]
fn published_conformance_cases_that_can_agree_do() {
    let Some(folder) = folder() else { return };
    let read = |path: &str| std::fs::read(folder.join("conformance").join(path)).unwrap();
    let decide = |family: &str, pack: &str, context: &str| {
        let pack = Pack::parse(&std::fs::read(folder.join(format!("packs/{pack}.json"))).unwrap())
            .unwrap()
            .with_absent(Absent::Skip);
        let passport =
            aport_gate_oap::Passport::parse(&read(&format!("{family}/passports/template.json")))
                .unwrap();
        let context: Value =
            serde_json::from_slice(&read(&format!("{family}/contexts/{context}.json"))).unwrap();
        pack.evaluate(
            &Request {
                agent_id: passport.agent_id(),
                passport: Some(&passport),
                context: context.as_object().unwrap(),
                tool: None,
                now: "2024-01-15T10:30:00Z".parse().unwrap(),
            },
            &Usage::default(),
        )
    };
    let refund = |context| decide("payments.refunds.v1", "finance.payment.refund.v1", context);
    assert!(
        refund("allow_50usd").allow,
        "{:?}",
        refund("allow_50usd").reasons
    );
    assert!(codes(&refund("deny_150usd")).contains(&"oap.limit_exceeded"));
    assert!(codes(&refund("deny_currency")).contains(&"oap.currency_unsupported"));
    // The export contexts name a collection where the pack's schema requires a type, a format and filters, so
    // no verifier that checks the schema can allow the first; and the pack's code for personal data is
    // `oap.pii_not_allowed` where the case expects `oap.pii_blocked`.
    let export = |context| decide("data.export.v1", "data.export.create.v1", context);
    assert_eq!(codes(&export("allow_users")), ["oap.invalid_context"; 3]);
    assert!(codes(&export("deny_pii")).contains(&"oap.pii_not_allowed"));
}

/// The schema asks for `passport_id`, `issued_at` and `expires_at` and then forbids them; that one keyword is
/// left out here.
#[test]
fn a_signed_decision_has_what_the_published_schema_asks_for() {
    let Some(folder) = folder() else { return };
    let text = std::fs::read(folder.join("schemas/decision-schema.json")).unwrap();
    let mut schema: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(schema["additionalProperties"], json!(false));
    schema
        .as_object_mut()
        .unwrap()
        .remove("additionalProperties");
    let schema = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    let case = cases()
        .into_iter()
        .find(|case| case.pack == "web.fetch.v1")
        .unwrap();
    let json = std::fs::read(folder.join("packs/web.fetch.v1.json")).unwrap();
    let evaluation = decide(
        &json,
        &case,
        &json!({ "url": "http://10.0.0.1/" }),
        &json!({}),
        false,
    );
    let agent = AgentId::parse("550e8400-e29b-41d4-a716-446655440001").unwrap();
    let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
    let decision = Decision {
        decision_id: "550e8400-e29b-41d4-a716-446655440002".to_owned(),
        policy_id: PackId::parse("web.fetch.v1").unwrap(),
        agent_id: agent.clone(),
        passport_id: Some(agent),
        owner_id: Some("org_1".to_owned()),
        assurance_level: Some(AssuranceLevel::L4Kyc),
        allow: evaluation.allow,
        outcome: evaluation.outcome,
        reasons: evaluation.reasons,
        created_at: now,
        issued_at: now,
        expires_in: 60,
        expires_at: now + jiff::SignedDuration::from_secs(60),
        passport_digest: Some(Digest::of(b"{}")),
        policy_hash: Some(Digest::of(b"{}")),
        context_digest: Digest::of(b"{}"),
        tool: None,
        operator_options: None,
        kid: Some("oap:owner:key-1".to_owned()),
        signature: Some("ed25519:AAAA==".to_owned()),
    };
    let document = serde_json::to_value(&decision).unwrap();
    let errors: Vec<_> = schema
        .iter_errors(&document)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(errors, Vec::<String>::new());
}
