//! What a message tells to write is written as it is told, and builds.

use aport_gate_tests::rustc::{Scratch, aport_gate};

const ODD: &str = r#"{
    "id": "acme.odd.v1", "name": "Odd names and types", "version": "1.0.0", "status": "active",
    "requires_capabilities": ["acme.odd"], "min_assurance": "L0",
    "required_context": { "type": "object",
        "required": ["opts", "type", "pr-number", "self", "counts", "nullable", "prNumber", "kind", "flag",
            "low", "high", "quoted", "x-kind", "tags", "branch", "amount"],
        "properties": {
            "opts": { "type": "object", "description": "Options {of any kind}" },
            "type": { "type": "string" }, "pr-number": { "type": "integer" }, "self": { "type": "string" },
            "counts": { "type": "array", "items": { "type": "integer" } },
            "nullable": { "type": ["null", "integer"] }, "prNumber": { "type": "integer" },
            "kind": { "enum": [1, 2] }, "flag": { "const": true }, "low": { "const": -3 },
            "high": { "const": 5000000000 }, "quoted": { "const": "a \"b\" \u0001" },
            "x-kind": { "const": "x" }, "tags": { "type": "array", "items": { "type": "object" } },
            "branch": { "type": "string" }, "amount": { "type": "integer" }
        } },
    "evaluation_rules": []
}"#;

/// What stands in backticks behind `words` in a message, to the end of its line.
fn told<'t>(message: &'t str, words: &str) -> &'t str {
    let line = message
        .split_once(words)
        .unwrap_or_else(|| panic!("`{words}` in {message}"))
        .1;
    let line = line.lines().next().unwrap();
    line.trim_end()
        .strip_prefix('`')
        .unwrap()
        .strip_suffix('`')
        .unwrap()
}

fn odd() -> Scratch {
    let scratch = Scratch::new("2024");
    scratch.write("odd.json", ODD);
    scratch
}

fn message(scratch: &Scratch, source: &str) -> String {
    let compiled = scratch.library("user", source, &[("aport_gate", &aport_gate())]);
    let one = compiled.told.contains("aborting due to 1 previous error");
    assert!(
        !compiled.ok && one,
        "one mistake, one message: {}",
        compiled.told
    );
    compiled.told
}

fn assert_builds(scratch: &Scratch, source: &str) {
    let compiled = scratch.library("user", source, &[("aport_gate", &aport_gate())]);
    assert!(
        compiled.ok && compiled.told.is_empty(),
        "{source}\n{}",
        compiled.told
    );
}

#[test]
fn what_a_function_lacks_builds_as_it_is_told() {
    let source = |context: &str, parameters: &str| {
        format!(
            "#![deny(warnings)]\n#![allow(unused_variables)]\n\
             #[aport_gate::policy_gated(pack_file = \"odd.json\"{context})]\n\
             pub async fn odd(base_branch: String, amount_text: String, {parameters}) {{}}"
        )
    };
    let scratch = odd();
    let message = message(&scratch, &source("", ""));
    let context = told(&message, "add to the attribute: ");
    let parameters = told(&message, "add to the parameters: ");
    assert!(context.contains("branch = base_branch"), "{context}");
    assert!(
        parameters.contains("amount: i64"),
        "a text supplies no integer: {parameters}"
    );
    assert_builds(&scratch, &source(&format!(", {context}"), parameters));
}

const SHOP: &str = "
    use aport_gate::rmcp::{self, tool, tool_router};
    pub struct Shop(aport_gate::Gate);
    impl aport_gate::HasGate for Shop { fn gate(&self) -> &aport_gate::Gate { &self.0 } }
";

/// The struct that a message prints, between two of its lines.
fn printed<'t>(message: &'t str, from: &str, to: &str) -> &'t str {
    message
        .split_once(from)
        .unwrap()
        .1
        .split_once(to)
        .unwrap()
        .0
}

#[test]
fn what_a_method_lacks_builds_as_it_is_told() {
    let source = |context: &str, definition: &str, parameter: &str| {
        format!(
            "#![allow(dead_code, unused_variables)]\n{SHOP}\n{definition}\n\
             #[tool_router(vis = \"pub\")]\nimpl Shop {{\n\
             #[aport_gate::policy_gated(pack_file = \"odd.json\"{context})]\n#[tool]\n\
             async fn odd_one(&self, {parameter}) {{}}\n}}"
        )
    };
    let scratch = odd();
    let message = message(&scratch, &source("", "", ""));
    let definition = printed(&message, "add a struct for the arguments:", "and take it:");
    let context = told(&message, "add to the attribute: ");
    let parameter = told(&message, "and take it: ");
    assert_builds(
        &scratch,
        &source(&format!(", {context}"), definition, parameter),
    );
}

#[test]
fn a_methods_bare_arguments_build_as_one_struct() {
    let source = |definition: &str, parameters: &str| {
        format!(
            "{SHOP}\n{definition}\n\
             #[tool_router(vis = \"pub\")]\nimpl Shop {{\n\
             #[aport_gate::policy_gated(pack = \"code.repository.merge.v1\", context(action = \"pr.merge\"))]\n\
             #[tool]\n\
             async fn merge(&self, {parameters}) -> String {{ format!(\"{{repository}} {{branch}} {{pr_number}}\") }}\n}}"
        )
    };
    let scratch = odd();
    let bare = "repository: String, branch: String, pr_number: u64";
    let message = message(&scratch, &source("", bare));
    let definition = printed(&message, "as one struct: write", "and take it instead");
    let parameters = told(&message, "`repository`, `branch`, `pr_number`: ");
    assert_builds(&scratch, &source(definition, parameters));
}

#[test]
fn a_constant_may_be_a_fact() {
    let scratch = odd();
    let source = "
        #[derive(aport_gate::PolicyFacts)]
        #[serde(rename_all = \"snake_case\")]
        struct Merge { action: &'static str, branch: String, #[serde(rename = \"pr_number\")] number: u64 }
        async fn look_up(_: &String) -> Merge {
            Merge { action: \"pr.merge\", branch: String::new(), number: 1 }
        }
        #[aport_gate::policy_gated(pack = \"code.repository.merge.v1\", facts = look_up)]
        pub async fn merge(repository: String) { drop(repository) }";
    assert_builds(&scratch, source);
}

const TOOL: &str = "
    #[gates::policy_gated(pack = \"code.repository.merge.v1\", context(action = \"pr.merge\"))]
    pub async fn merge(repository: String, branch: String, pr_number: u64) {
        drop((repository, branch, pr_number));
    }";

#[test]
fn a_dependency_that_cargo_toml_renames_is_found_under_its_name() {
    let scratch = Scratch::new("2024");
    let manifest = "[dependencies]\ngates = { package = \"aport-gate\", version = \"0.1\" }";
    scratch.write("Cargo.toml", manifest);
    let built = scratch.library("user", TOOL, &[("gates", &aport_gate())]);
    assert!(built.ok && built.told.is_empty(), "{}", built.told);
}

#[test]
fn an_attribute_of_unknown_origin_is_one_error_that_names_the_fix() {
    let scratch = Scratch::new("2024");
    scratch.write(
        "Cargo.toml",
        "[package]\nname = \"user\"\n[dependencies]\nfacade = \"1\"",
    );
    let built = scratch.library("user", TOOL, &[("gates", &aport_gate())]);
    assert!(
        built.told.contains("aborting due to 1 previous error"),
        "{}",
        built.told
    );
    assert!(
        built.told.contains("`crate = ::facade::aport_gate`"),
        "{}",
        built.told
    );
}

#[test]
fn names_of_the_prelude_may_be_the_users_own() {
    let scratch = Scratch::new("2024");
    let source = "
        #![deny(warnings)]
        #[derive(Debug)]
        pub struct Some(pub u8);
        #[derive(Debug)]
        pub struct None;
        #[allow(non_snake_case)]
        pub fn Ok(number: u8) -> Some { Some(number) }
        #[allow(non_snake_case)]
        pub fn Err(number: u8) -> u8 { number }
        #[aport_gate::policy_gated(pack = \"acme.any.v1\", unchecked, context(x = Some(3).0, y = Ok(4).0))]
        pub async fn shadowed(number: u8, note: Option<String>) -> String {
            let first: u8 = Ok(number).0;
            format!(\"{first} {:?} {} {note:?}\", None, Err(1))
        }";
    assert_builds(&scratch, source);
}

#[test]
fn a_body_of_a_method_that_is_one_expression_has_no_warning() {
    let scratch = Scratch::new("2024");
    let source = format!(
        "#![deny(warnings)]\n{SHOP}\n#[tool_router(vis = \"pub\")]\nimpl Shop {{\n\
         #[aport_gate::policy_gated(pack = \"acme.any.v1\", unchecked)]\n#[tool]\n\
         async fn one(&self) -> String {{ String::new() }}\n\
         #[aport_gate::policy_gated(pack = \"acme.any.v1\", unchecked)]\n#[tool]\n\
         async fn name(&self) -> String {{ format!(\"shop\") }}\n}}"
    );
    assert_builds(&scratch, &source);
}
