//! The operator's command; see `aport-gate --help`.

fn main() -> std::process::ExitCode {
    aport_gate::cli::main()
}
