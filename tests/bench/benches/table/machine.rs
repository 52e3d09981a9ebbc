//! What the figures were measured on.

pub fn description() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let model = processor().unwrap_or_else(|| "unknown processor".to_owned());
    format!(
        "Measured on {model}, {cores} cores, {os} {arch}; medians of interleaved rounds of one run."
    )
}

fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
