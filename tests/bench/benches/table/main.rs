//! All measurements in one run, as Markdown. `cargo bench --manifest-path tests/bench/Cargo.toml` prints every
//! table; words after `--` name the ones to print: engines, rules, decision, tool, growth.
//!
//! `APORT_BENCH_QUICK=1` measures roughly; `APORT_BENCH_ROW=TEXT` runs only rows with that text in their name, as a
//! profile wants it. `APORT_TEST_POSTGRES` is the URL of a PostgreSQL server to measure; without it, a private one is
//! started where its binaries are found.

mod decision;
mod engines;
mod growth;
mod harness;
mod machine;
mod peers;
mod place;
mod refund;
mod rules;
mod tool;

use harness::Effort;

const TABLES: [(&str, fn(Effort)); 5] = [
    ("engines", engines::run),
    ("rules", rules::run),
    ("decision", decision::run),
    ("tool", tool::run),
    ("growth", growth::run),
];

fn main() {
    if tool::serve_if_asked() {
        return;
    }
    let words = std::env::args().skip(1);
    let wanted: Vec<String> = words.filter(|word| !word.starts_with("--")).collect();
    if let Some(unknown) = wanted
        .iter()
        .find(|word| TABLES.iter().all(|(name, _)| name != word))
    {
        let known: Vec<_> = TABLES.iter().map(|(name, _)| *name).collect();
        eprintln!(
            "no table `{unknown}`: expected some of {}",
            known.join(", ")
        );
        std::process::exit(2);
    }
    println!("{}", machine::description());
    let effort = Effort::from_env();
    for (name, run) in TABLES {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            run(effort);
        }
    }
}
