//! What a change of the files does to a set in force.

use super::*;

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
