//! Users outside of the workspace: other names for the crate, packs in files, editions, lints.

use aport_gate_tests::rustc::{Compiled, Scratch, aport_gate};

const PACK: &str = include_str!("../policies/acme.deploy.v1.json");

const DEPLOY: &str = r#"
    use aport_gate::policy_gated;

    #[policy_gated(pack_file = "policies/acme.deploy.v1.json")]
    pub async fn deploy(target: String, replicas: u32) -> String {
        format!("{target} {replicas}")
    }
"#;

fn assert_builds(compiled: &Compiled) {
    assert!(compiled.ok && compiled.told.is_empty(), "{}", compiled.told);
}

fn with_pack(pack: &str) -> (Scratch, Compiled) {
    let scratch = Scratch::new("2024");
    scratch.write("policies/acme.deploy.v1.json", pack);
    let compiled = scratch.library("user", DEPLOY, &[("aport_gate", &aport_gate())]);
    (scratch, compiled)
}

fn assert_told(compiled: &Compiled, message: &str) {
    assert!(
        !compiled.ok && compiled.told.contains(message),
        "{}",
        compiled.told
    );
    let one = compiled.told.contains("aborting due to 1 previous error");
    assert!(one, "one mistake, one message: {}", compiled.told);
}

#[test]
fn a_pack_file_is_read_again_when_it_changes() {
    let (scratch, compiled) = with_pack(PACK);
    assert_builds(&compiled);
    // What cargo goes by.
    assert!(scratch.dependencies("user").contains("acme.deploy.v1.json"));
    let (_, compiled) =
        with_pack(&PACK.replace(r#""target", "replicas""#, r#""target", "ticket""#));
    assert_told(
        &compiled,
        "`deploy` does not supply a field that pack `acme.deploy.v1` requires:",
    );
    assert!(
        compiled.told.contains("`ticket`: any type"),
        "{}",
        compiled.told
    );
}

#[test]
fn a_missing_pack_file_is_named() {
    let scratch = Scratch::new("2024");
    let compiled = scratch.library("user", DEPLOY, &[("aport_gate", &aport_gate())]);
    assert_told(&compiled, "cannot read `");
    assert!(
        compiled.told.contains("acme.deploy.v1.json")
            && compiled
                .told
                .contains("relative to the folder of Cargo.toml"),
        "{}",
        compiled.told
    );
}

#[test]
fn a_broken_pack_file_is_told_with_line_and_column() {
    let (_, compiled) = with_pack(&PACK.replace(r#""version": "1.0.0","#, r#""version" "1.0.0","#));
    assert_told(&compiled, "policies/acme.deploy.v1.json:4:");
    let (_, compiled) = with_pack(&PACK.replace("context.target in", "context.target is one of"));
    assert_told(&compiled, "policies/acme.deploy.v1.json:20:");
    assert!(
        compiled
            .told
            .contains("rule `target_allowed` cannot be evaluated"),
        "{}",
        compiled.told
    );
}

const EVERYTHING: &str = r#"
    #![deny(warnings)]

    /// Where to deploy.
    pub struct Host;

    /// What the host knows.
    #[derive(GATE::PolicyFacts)]
    #[policy_facts(crate = ::GATE)]
    pub struct Known {
        size_kb: u64,
    }

    async fn known(_: &Host, repository: &str, _branch: &str, number: &u64) -> Result<Known, std::fmt::Error> {
        Ok(Known { size_kb: number + repository.len() as u64 })
    }

    /// Merge.
    #[GATE::policy_gated(
        pack = "code.repository.merge.v1",
        context(action = "pr.merge"),
        facts = known,
        crate = ::GATE
    )]
    pub async fn merge(
        #[service] host: &Host,
        repository: String,
        #[arg(default = "main")] branch: String,
        pr_number: u64,
    ) -> Result<String, std::fmt::Error> {
        let Host = host;
        Ok(format!("{repository} {branch} {pr_number}"))
    }
"#;

#[test]
fn a_renamed_dependency_and_each_edition_build_without_warnings() {
    for edition in ["2021", "2024"] {
        let scratch = Scratch::new(edition);
        let source = EVERYTHING.replace("GATE", "gates");
        assert_builds(&scratch.library("user", &source, &[("gates", &aport_gate())]));
    }
}

#[test]
fn a_facade_can_hand_the_attribute_on_and_wrap_it_in_a_macro() {
    let scratch = Scratch::new("2024");
    let facade = r#"
        pub use aport_gate as gate;

        #[macro_export]
        macro_rules! tool {
            ($name:ident($($argument:ident: $ty:ty),*)) => {
                #[$crate::gate::policy_gated(pack = "acme.any.v1", unchecked, crate = $crate::gate)]
                pub async fn $name($($argument: $ty),*) -> String {
                    [$($argument),*].concat()
                }
            };
        }
    "#;
    let built = scratch.library("facade", facade, &[("aport_gate", &aport_gate())]);
    assert_builds(&built);
    let user = format!(
        "{}\nfacade::tool!(join(left: String, right: String));",
        EVERYTHING.replace("GATE", "facade::gate")
    );
    let facade = scratch.metadata("facade");
    assert_builds(&scratch.library("user", &user, &[("facade", &facade)]));
}

#[test]
fn clippys_pedantic_lints_find_nothing() {
    let scratch = Scratch::new("2024");
    let source = EVERYTHING
        .replace("GATE", "aport_gate")
        .replace("repository.len() as u64", "u64::from(repository.is_empty())")
        .replace("    #![deny(warnings)]", "    #![deny(warnings)]\n    #![allow(clippy::trivially_copy_pass_by_ref, clippy::unused_async)]");
    match scratch.clippy("user", &source, &[("aport_gate", &aport_gate())]) {
        Some(compiled) => assert_builds(&compiled),
        None => println!("clippy is not installed: its lints were not asked"),
    }
}
