//! What the attribute costs the compiler: 100 gated tools against the same 100 tools of plain rmcp.
//!
//! `cargo test -p aport-gate-tests --test compile_cost -- --ignored --nocapture`; fewer tools with
//! `COMPILE_COST_TOOLS=30`.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use aport_gate_tests::rustc::{Scratch, aport_gate};

const ROUNDS: usize = 3;

fn gated(tools: usize) -> String {
    let mut source = "use aport_gate::policy_gated;\n".to_owned();
    let mut routes = String::new();
    for tool in 0..tools {
        writeln!(
            source,
            "/// Merge.\n#[policy_gated(pack = \"code.repository.merge.v1\", context(action = \"pr.merge\"))]\n\
             pub async fn merge_{tool}(repository: String, branch: String, pr_number: u64, title: Option<String>) -> String {{\n\
             format!(\"{{repository}} {{branch}} {{pr_number}} {{title:?}}\")\n}}"
        )
        .unwrap();
        write!(routes, ".with_route(merge_{tool})").unwrap();
    }
    source
        + &format!(
            "pub fn tools(server: aport_gate::Server<()>) -> aport_gate::Server<()> {{ server{routes} }}\n"
        )
}

fn plain(tools: usize) -> String {
    let mut source =
        "use aport_gate::rmcp::{self, tool, tool_router, handler::server::wrapper::Parameters};\n\
                      use aport_gate::{schemars, serde};\npub struct Shop;\n"
            .to_owned();
    let mut methods = String::new();
    for tool in 0..tools {
        writeln!(
            source,
            "#[derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema)]\n#[serde(crate = \"serde\")]\n\
             #[schemars(crate = \"schemars\")]\n\
             pub struct Merge{tool} {{ repository: String, branch: String, pr_number: u64, title: Option<String> }}"
        )
        .unwrap();
        writeln!(
            methods,
            "/// Merge.\n#[tool]\nasync fn merge_{tool}(&self, Parameters(Merge{tool} {{ repository, branch, pr_number, title }}): \
             Parameters<Merge{tool}>) -> String {{ format!(\"{{repository}} {{branch}} {{pr_number}} {{title:?}}\") }}"
        )
        .unwrap();
    }
    source + &format!("#[tool_router(vis = \"pub\")]\nimpl Shop {{\n{methods}\n}}\n")
}

#[test]
#[ignore = "measures; run it alone"]
fn a_hundred_gated_tools_beside_a_hundred_plain_ones() {
    let library = aport_gate();
    let tools = std::env::var("COMPILE_COST_TOOLS").map_or(100, |tools| tools.parse().unwrap());
    let best = |source: &str, link: bool| {
        let time = |_| {
            let scratch = Scratch::new("2024");
            let start = Instant::now();
            let compiled = if link {
                scratch.linked("user", source, &[("aport_gate", &library)])
            } else {
                scratch.library("user", source, &[("aport_gate", &library)])
            };
            assert!(compiled.ok, "{}", compiled.told);
            start.elapsed()
        };
        (0..ROUNDS).map(time).min().unwrap_or(Duration::MAX)
    };
    for (what, link) in [("check", false), ("build", true)] {
        let (gated, plain) = (best(&gated(tools), link), best(&plain(tools), link));
        let ratio = gated.as_secs_f64() / plain.as_secs_f64();
        println!(
            "{what}: {tools} gated {gated:.1?}, {tools} plain {plain:.1?}, {ratio:.2} times (target 1.3)"
        );
    }
}
