//! A gated server against a TypeScript server of the same tool, as Markdown: the same client, the same registry that
//! allows everything, each in a process of its own. `cargo bench --bench servers` measures; `-- soak` calls the
//! gated server at a steady rate for ten minutes and shows its memory.
//!
//! The peer is in `peers/typescript`; `npm install` there once. `APORT_BENCH_QUICK=1` measures roughly,
//! `APORT_BENCH_SOAK_SECONDS` is how long a soak takes.

mod compare;
mod server;
mod soak;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

#[path = "../table/machine.rs"]
mod machine;

/// The registry's process; it ends with this one.
pub struct Registry {
    process: Child,
    pub url: String,
}

impl Registry {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_stub_registry"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the registry's binary");
        let mut url = String::new();
        let stdout = process.stdout.take().expect("its standard output");
        BufReader::new(stdout)
            .read_line(&mut url)
            .expect("its address");
        Self {
            process,
            url: url.trim().to_owned(),
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn main() {
    let quick = std::env::var_os("APORT_BENCH_QUICK").is_some();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    println!("{}", machine::description());
    if std::env::args().any(|word| word == "soak") {
        runtime.block_on(soak::run(quick));
    } else {
        runtime.block_on(compare::run(quick));
    }
}
