//! Vectors that are there: our own, and the published cases.

use serde_json::Value;

use super::OURS;
use crate::support::{Place, in_crate};

#[test]
fn vectors_of_our_packs_pass() {
    let place = Place::new();
    for pack in OURS {
        let vectors = in_crate("oap/packs/vectors");
        let answer = place
            .run(&["policy", "test", pack, "--vectors", &vectors, "--json"])
            .json(0);
        assert_eq!(answer["failed"], 0, "{answer}");
        assert!(answer["passed"].as_u64().unwrap() > 40, "{answer}");
    }
}

#[test]
fn vectors_of_our_packs_notice_any_rule_that_is_gone() {
    let place = Place::new();
    for pack in OURS {
        let document = std::fs::read(in_crate(&format!("oap/packs/{pack}.json"))).unwrap();
        let document: Value = serde_json::from_slice(&document).unwrap();
        for rule in document["evaluation_rules"].as_array().unwrap() {
            let rule = rule["name"].as_str().unwrap();
            let vectors = in_crate("oap/packs/vectors");
            let run = place.run(&[
                "policy",
                "test",
                pack,
                "--vectors",
                &vectors,
                "--waive",
                rule,
            ]);
            let answer = run.exits(1);
            assert!(
                answer.contains("got       allow"),
                "{pack} {rule}: {answer}"
            );
        }
    }
}

#[test]
fn published_refund_cases_pass_under_the_published_pack() {
    let Some(reference) = std::env::var_os("APORT_OAP_REFERENCE") else {
        println!("APORT_OAP_REFERENCE is not set; the published cases are not replayed");
        return;
    };
    let reference = reference.into_string().unwrap();
    let of = |path: &str| format!("{reference}/{path}");
    let cases = of("conformance/payments.refunds.v1");
    let answer = Place::new()
        .run(&[
            "policy",
            "test",
            &of("packs/finance.payment.refund.v1.json"),
            "--passport",
            &format!("{cases}/passports/template.json"),
            "--contexts",
            &format!("{cases}/contexts"),
            "--expected",
            &format!("{cases}/expected"),
            "--absent",
            "skip",
            "--json",
        ])
        .json(0);
    assert_eq!(answer["passed"], 3, "{answer}");
    // The export cases give contexts that lack what the export pack requires, and one code that it
    // does not have: that is what the answer has to say.
    let cases = of("conformance/data.export.v1");
    let answer = Place::new()
        .run(&[
            "policy",
            "test",
            &of("packs/data.export.create.v1.json"),
            "--passport",
            &format!("{cases}/passports/template.json"),
            "--contexts",
            &format!("{cases}/contexts"),
            "--expected",
            &format!("{cases}/expected"),
        ])
        .exits(1);
    assert!(answer.contains("`export_type` is missing"), "{answer}");
    assert!(answer.contains("oap.pii_not_allowed"), "{answer}");
}
