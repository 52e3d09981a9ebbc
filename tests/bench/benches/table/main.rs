//! All measurements in one run, as Markdown. `cargo bench --manifest-path tests/bench/Cargo.toml` prints every
//! table; words after `--` name the ones to print: engines, rules, decision, tool, registry, growth.
//! `--no-default-features` before the `--` leaves out the other policy engines, and with them table `engines`.
//!
//! `APORT_BENCH_QUICK=1` measures roughly; `APORT_BENCH_ROW=TEXT` runs only rows with that text in their name, as a
//! profile wants it. `APORT_TEST_POSTGRES` is the URL of a PostgreSQL server to measure; without it, a private one is
//! started where its binaries are found.

mod decision;
#[cfg(feature = "peers")]
mod engines;
mod fill;
mod growth;
mod harness;
mod latency;
mod machine;
#[cfg(feature = "peers")]
mod peers;
mod place;
mod refund;
mod registry;
mod registry_load;
mod rules;
mod stub;
mod tool;

use harness::Effort;
use std::process::ExitCode;

const TABLES: &[(&str, fn(Effort))] = &[
    #[cfg(feature = "peers")]
    ("engines", engines::run),
    ("rules", rules::run),
    ("decision", decision::run),
    ("tool", tool::run),
    ("registry", registry::run),
    ("growth", growth::run),
];

fn main() -> ExitCode {
    // The bare HTTP clients here speak no TLS, but are not built without a provider of it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if let Some(ended) = registry_load::be_if_asked() {
        return ended;
    }
    if tool::serve_if_asked() {
        return ExitCode::SUCCESS;
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
        return ExitCode::from(2);
    }
    println!("{}", machine::description());
    let effort = Effort::from_env();
    for (name, run) in TABLES {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            run(effort);
        }
    }
    ExitCode::SUCCESS
}
