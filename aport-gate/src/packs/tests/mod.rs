//! Sets of packs from files: what loads, and what does not.

mod reload;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aport_gate_oap::{Absent, PackId, embedded_packs};
use serde_json::{Value, json};

use super::*;
use crate::error::Error;

const MINE: &str = "desk.ticket.close.v1";

struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("packs")).unwrap();
        Self { directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    fn pack_file(&self, name: &str) -> PathBuf {
        self.path().join("packs").join(name)
    }

    fn write(&self, name: &str, json: &Value) {
        fs::write(self.pack_file(name), json.to_string()).unwrap();
    }

    fn options(&self, text: &str) {
        fs::write(self.path().join("pack-options.json"), text).unwrap();
    }

    fn load(&self) -> Result<PackSet, Error> {
        PackSet::from_home(&self.path())
    }

    /// Looks at the files at every call.
    fn store(&self) -> PackStore {
        let given = Given::new(Vec::new(), Vec::new()).unwrap();
        PackStore::open(self.path(), given, Duration::ZERO).unwrap()
    }
}

fn pack(id: &str, rule: &str) -> Value {
    json!({
        "id": id,
        "requires_capabilities": ["desk.ticket.close"],
        "evaluation_rules": [
            { "name": "first", "deny_code": "oap.invalid_context", "condition": rule },
            { "name": "second", "deny_code": "oap.invalid_context", "condition": "context.b == 2" },
        ],
        "x_team": { "owner": "desk" },
    })
}

fn id(text: &str) -> PackId {
    PackId::parse(text).unwrap()
}

fn rule_of(set: &Arc<PackSet>) -> Option<String> {
    let loaded = set.get(&id(MINE))?;
    Some(loaded.pack().rules()[0].source().to_owned())
}

fn message(result: Result<PackSet, Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn packs_of_the_folder_load_unmodified_beside_the_embedded_ones() {
    let home = Home::new();
    home.write("any-name.json", &pack(MINE, "context.a == 1"));
    let set = home.load().unwrap();
    let mine = set.get(&id(MINE)).unwrap();
    assert_eq!(
        mine.origin(),
        &PackOrigin::File(home.pack_file("any-name.json"))
    );
    assert_eq!(mine.pack().as_value()["x_team"]["owner"], "desk");
    assert_eq!(set.iter().count(), embedded_packs().len() + 1);
}

#[test]
fn an_id_that_is_there_twice_is_an_error_that_names_both_places() {
    let home = Home::new();
    home.write("a.json", &pack(MINE, "true"));
    home.write("b.json", &pack(MINE, "true"));
    let text = message(home.load());
    assert!(text.contains("a.json") && text.contains("b.json"), "{text}");

    let home = Home::new();
    home.write("a.json", &pack("finance.payment.refund.v1", "true"));
    let text = message(home.load());
    assert!(
        text.contains("embedded") && text.contains("a.json"),
        "{text}"
    );

    let json = pack(MINE, "true").to_string().into_bytes();
    let given = Given::new(vec![json.clone(), json], Vec::new()).unwrap();
    let store = PackStore::open(Home::new().path(), given, Duration::ZERO);
    let text = store.err().unwrap().to_string();
    assert!(text.contains("call 1") && text.contains("call 2"), "{text}");
}

#[test]
fn what_editors_and_volumes_leave_beside_packs_is_not_read() {
    let home = Home::new();
    home.write("a.json", &pack(MINE, "true"));
    for name in [
        ".a.json.swp",
        "a.json~",
        "#a.json#",
        ".#a.json",
        "a.json.tmp",
        "4913",
    ] {
        fs::write(home.pack_file(name), "no pack").unwrap();
    }
    fs::create_dir(home.pack_file("..data")).unwrap();
    assert!(home.load().unwrap().get(&id(MINE)).is_some());
}

#[test]
fn what_cannot_be_a_pack_stops_the_set_and_is_named() {
    let home = Home::new();
    fs::create_dir(home.pack_file("folder.json")).unwrap();
    assert!(message(home.load()).contains("folder.json"));

    let home = Home::new();
    fs::write(home.pack_file("huge.json"), vec![b' '; 1024 * 1024 + 1]).unwrap();
    let text = message(home.load());
    assert!(
        text.contains("huge.json") && text.contains("larger"),
        "{text}"
    );

    let home = Home::new();
    fs::write(home.pack_file("half.json"), "{\"id\": \"desk").unwrap();
    assert!(message(home.load()).contains("half.json"));
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_dangling_ones_are_named() {
    let home = Home::new();
    let target = home.path().join("elsewhere.txt");
    fs::write(&target, pack(MINE, "true").to_string()).unwrap();
    std::os::unix::fs::symlink(&target, home.pack_file("a.json")).unwrap();
    assert!(home.load().unwrap().get(&id(MINE)).is_some());
    fs::remove_file(&target).unwrap();
    assert!(message(home.load()).contains("a.json"));
}

#[test]
fn options_of_the_operator_apply_to_a_pack_they_do_not_edit() {
    let home = Home::new();
    home.write("a.json", &pack(MINE, "no such grammar !!"));
    home.options(&json!({ MINE: { "absent": "skip", "waive": ["first"] } }).to_string());
    let set = home.load().unwrap();
    let mine = set.get(&id(MINE)).unwrap();
    assert_eq!(mine.pack().absent(), Absent::Skip);
    assert!(mine.pack().problems().is_empty());
    let options = mine.operator_options().unwrap();
    assert_eq!(options.waived_rules, ["first"]);
    assert_eq!(options.absent, Some(Absent::Skip));
    assert_eq!(
        set.iter()
            .filter(|pack| pack.operator_options().is_some())
            .count(),
        1
    );
}

#[test]
fn options_that_do_not_fit_are_errors_that_say_what() {
    let digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
    for (options, expected) in [
        (json!({ MINE: { "waive": ["third"] } }), "third"),
        (json!({ MINE: { "waived": ["first"] } }), "waived"),
        (json!({ MINE: { "absent": "allow" } }), "allow"),
        (json!({ MINE: { "digest": digest } }), digest),
        (json!({ "desk.ticket.open.v1": {} }), "desk.ticket.open.v1"),
        (json!({ "nonsense": {} }), "nonsense"),
        (json!([]), "object"),
    ] {
        let home = Home::new();
        home.write("a.json", &pack(MINE, "true"));
        home.options(&options.to_string());
        let text = message(home.load());
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("pack-options.json"), "{text}");
    }
    let home = Home::new();
    home.options("{\"code.repository.merge.v1\": {}, \"code.repository.merge.v1\": {}}");
    assert!(message(home.load()).contains("pack-options.json"));
}

#[test]
fn options_of_one_pack_in_two_places_are_refused() {
    let home = Home::new();
    home.options(r#"{"code.repository.merge.v1": {}}"#);
    let options = vec![(id("code.repository.merge.v1"), PackOptions::new())];
    let given = Given::new(Vec::new(), options).unwrap();
    let text = PackStore::open(home.path(), given, Duration::ZERO)
        .err()
        .unwrap()
        .to_string();
    assert!(
        text.contains("pack-options.json") && text.contains("builder"),
        "{text}"
    );
}

/// Each reference pack loads from the folder as it was published.
#[test]
fn reference_packs_load_unmodified() {
    let Some(reference) = std::env::var_os("APORT_OAP_REFERENCE") else {
        eprintln!("APORT_OAP_REFERENCE is not set: the reference packs are not tried");
        return;
    };
    let ours: Vec<String> = embedded_packs()
        .iter()
        .map(|(id, _)| format!("{id}.json"))
        .collect();
    let home = Home::new();
    let mut copied = 0;
    for entry in fs::read_dir(Path::new(&reference).join("packs")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !ours.contains(&name) {
            fs::copy(&path, home.pack_file(&name)).unwrap();
            copied += 1;
        }
    }
    assert!(copied > 10);
    assert_eq!(home.load().unwrap().iter().count(), copied + ours.len());
}
