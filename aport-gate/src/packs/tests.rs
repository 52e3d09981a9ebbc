//! Sets of packs from files: what loads, what does not, and what a change does.

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

#[test]
fn a_changed_an_added_and_a_removed_pack_count_from_the_next_look() {
    let home = Home::new();
    let store = home.store();
    assert_eq!(rule_of(&store.current()), None);
    home.write("a.json", &pack(MINE, "context.a == 1"));
    assert_eq!(rule_of(&store.current()).unwrap(), "context.a == 1");
    // The same length, and in most runs the same time on the file.
    home.write("a.json", &pack(MINE, "context.a == 2"));
    assert_eq!(rule_of(&store.current()).unwrap(), "context.a == 2");
    fs::remove_file(home.pack_file("a.json")).unwrap();
    assert_eq!(rule_of(&store.current()), None);
    assert!(store.problem().is_none());
}

#[test]
fn a_call_keeps_the_set_it_began_with() {
    let home = Home::new();
    home.write("a.json", &pack(MINE, "context.a == 1"));
    let store = home.store();
    let before = store.current();
    home.write("a.json", &pack(MINE, "context.a == 2"));
    assert_eq!(rule_of(&store.current()).unwrap(), "context.a == 2");
    assert_eq!(rule_of(&before).unwrap(), "context.a == 1");
}

/// Each breaks a set in which `a.json` was changed, too.
#[test]
fn nothing_of_a_bad_set_counts_and_the_problem_is_told_until_it_is_mended() {
    type Break = fn(&Home);
    let breaks: [(&str, Break, &str); 5] = [
        (
            "half written",
            |home| fs::write(home.pack_file("b.json"), "{\"id\"").unwrap(),
            "b.json",
        ),
        (
            "an embedded id",
            |home| home.write("b.json", &pack("code.repository.merge.v1", "true")),
            "b.json",
        ),
        (
            "an id of another file",
            |home| home.write("b.json", &pack(MINE, "true")),
            "b.json",
        ),
        (
            "broken options",
            |home| home.options("{"),
            "pack-options.json",
        ),
        (
            "a waived rule that is not there",
            |home| home.options(&json!({ MINE: { "waive": ["x"] } }).to_string()),
            "pack-options.json",
        ),
    ];
    for (what, make_bad, named) in breaks {
        let home = Home::new();
        home.write("a.json", &pack(MINE, "context.a == 1"));
        let store = home.store();
        home.write("a.json", &pack(MINE, "true"));
        make_bad(&home);
        assert_eq!(
            rule_of(&store.current()).unwrap(),
            "context.a == 1",
            "{what}"
        );
        assert!(store.problem().unwrap().contains(named), "{what}");
        let _ = fs::remove_file(home.pack_file("b.json"));
        let _ = fs::remove_file(home.path().join("pack-options.json"));
        assert_eq!(rule_of(&store.current()).unwrap(), "true", "{what}");
        assert!(store.problem().is_none(), "{what}");
    }
}

#[test]
fn a_removed_pack_is_gone_even_when_the_rest_is_bad() {
    let home = Home::new();
    home.write("a.json", &pack(MINE, "true"));
    let store = home.store();
    fs::remove_file(home.pack_file("a.json")).unwrap();
    fs::write(home.pack_file("b.json"), "{").unwrap();
    assert_eq!(rule_of(&store.current()), None);
    assert!(
        store
            .current()
            .get(&id("code.repository.merge.v1"))
            .is_some()
    );
    // It comes back with a set that loads, not before.
    home.write("a.json", &pack(MINE, "context.a == 7"));
    assert_eq!(rule_of(&store.current()), None);
    fs::remove_file(home.pack_file("b.json")).unwrap();
    assert_eq!(rule_of(&store.current()).unwrap(), "context.a == 7");
}

#[test]
fn a_folder_that_is_gone_takes_its_packs_with_it() {
    let home = Home::new();
    home.write("a.json", &pack(MINE, "true"));
    let store = home.store();
    fs::remove_dir_all(home.path().join("packs")).unwrap();
    assert_eq!(rule_of(&store.current()), None);
}

#[test]
fn options_bound_to_a_digest_do_not_pass_on_to_a_changed_pack() {
    let home = Home::new();
    home.write("a.json", &pack(MINE, "context.a == 1"));
    let digest = home.load().unwrap().get(&id(MINE)).unwrap().pack().digest();
    home.options(&json!({ MINE: { "waive": ["second"], "digest": digest } }).to_string());
    let store = home.store();
    home.write("a.json", &pack(MINE, "true"));
    assert_eq!(rule_of(&store.current()).unwrap(), "context.a == 1");
    assert!(store.problem().unwrap().contains("digest"));
}

#[test]
fn options_that_are_withdrawn_bring_the_rule_back() {
    let home = Home::new();
    home.write("a.json", &pack(MINE, "true"));
    home.options(&json!({ MINE: { "waive": ["first"] } }).to_string());
    let store = home.store();
    let waived = |set: &PackSet| set.get(&id(MINE)).unwrap().pack().rules()[0].is_waived();
    assert!(waived(&store.current()));
    fs::remove_file(home.path().join("pack-options.json")).unwrap();
    assert!(!waived(&store.current()));
}

#[test]
fn writers_that_race_never_show_half_a_set() {
    let home = Home::new();
    let both = |n: u32| {
        // Renamed into place, as careful writers do; each file alone changes at once, both do not.
        for name in ["a.json", "b.json"] {
            let id = format!("desk.{}.v1", &name[..1]);
            let scratch = home.pack_file(&format!("{name}.new"));
            fs::write(
                &scratch,
                pack(&id, &format!("context.a == {n}")).to_string(),
            )
            .unwrap();
            fs::rename(&scratch, home.pack_file(name)).unwrap();
        }
    };
    both(0);
    let store = home.store();
    std::thread::scope(|scope| {
        scope.spawn(|| (1..200).for_each(both));
        scope.spawn(|| {
            for n in 0..200 {
                let torn = home.pack_file("c.json");
                fs::write(&torn, format!("{{\"n\": {n}")).unwrap();
                let _ = fs::remove_file(torn);
            }
        });
        for _ in 0..200 {
            let set = store.current();
            for of in ["desk.a.v1", "desk.b.v1"] {
                let rule = set.get(&id(of)).unwrap().pack().rules()[0]
                    .source()
                    .to_owned();
                assert!(rule.starts_with("context.a == "), "{rule}");
            }
        }
    });
    let set = store.current();
    let rule = |of: &str| {
        set.get(&id(of)).unwrap().pack().rules()[0]
            .source()
            .to_owned()
    };
    assert_eq!(rule("desk.a.v1"), "context.a == 199");
    assert_eq!(rule("desk.b.v1"), "context.a == 199");
    assert!(store.problem().is_none());
}

#[test]
fn between_looks_the_files_are_not_read() {
    let home = Home::new();
    let given = Given::new(Vec::new(), Vec::new()).unwrap();
    let store = PackStore::open(home.path(), given, Duration::from_secs(3600)).unwrap();
    home.write("a.json", &pack(MINE, "true"));
    assert_eq!(rule_of(&store.current()), None);
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
