//! `policy list` and `policy show`: the packs that servers decide by.

use serde_json::json;

use crate::support::Place;

fn pack(id: &str) -> String {
    json!({
        "id": id, "name": "Ours", "requires_capabilities": ["thing.do"],
        "evaluation_rules": [
            { "name": "a", "condition": "context.n <= limits.most", "deny_code": "oap.limit_exceeded" },
            { "name": "b", "condition": "in plain English", "deny_code": "oap.x" },
        ],
    })
    .to_string()
}

#[test]
fn embedded_packs_and_those_in_the_home_are_listed_with_what_is_wrong() {
    let place = Place::new();
    let file = place.write("home/packs/ours.json", pack("test.thing.do.v1"));
    let list = place.run(&["policy", "list", "--json"]).json(0);
    let packs = list["packs"].as_array().unwrap();
    assert_eq!(packs.len(), 3, "{list}");
    let ours = packs
        .iter()
        .find(|one| one["id"] == "test.thing.do.v1")
        .unwrap();
    assert_eq!(ours["origin"], json!(file));
    assert_eq!(ours["problems"][0]["rule"], "b");
    let text = place.run(&["policy", "list"]).exits(0);
    assert!(text.contains("denies all: 1 unevaluable rule"), "{text}");
    place.write(
        "home/pack-options.json",
        r#"{"test.thing.do.v1": {"waive": ["b"]}}"#,
    );
    let text = place.run(&["policy", "list"]).exits(0);
    assert!(
        text.contains("waived: b") && !text.contains("denies all"),
        "{text}"
    );
}

#[test]
fn a_pack_that_does_not_load_is_named() {
    let place = Place::new();
    place.write("home/packs/broken.json", "{\"id\": 7}");
    let error = place.run(&["policy", "list"]).fails();
    assert!(
        error.contains("broken.json") && error.contains("policy check"),
        "{error}"
    );
}

#[test]
fn a_pack_is_shown_by_id_or_file() {
    let place = Place::new();
    let file = place.write("ours.json", pack("test.thing.do.v1"));
    let run = place.run(&["policy", "show", &file]);
    assert!(run.stderr.contains("`b` cannot be evaluated"), "{run:?}");
    assert!(run.exits(0).contains("context.n <= limits.most"));
    let shown = place
        .run(&["policy", "show", "finance.payment.refund.v1", "--json"])
        .json(0);
    assert_eq!(shown["pack"]["id"], "finance.payment.refund.v1");
    assert_eq!(shown["origin"], "embedded");
    let error = place
        .run(&["policy", "show", "finance.payment.refnd.v1"])
        .fails();
    assert!(error.contains("code.repository.merge.v1"), "{error}");
}
