//! The same targets without libFuzzer, for any toolchain: seeds, and mutations of them, for so many seconds each.
//! It knows no coverage and finds less; it is there so that the targets run everywhere. From the root of the
//! repository, where the flags of this folder do not count:
//!
//! `cargo run --release --manifest-path aport-gate/oap/fuzz/Cargo.toml --no-default-features --bin bounded -- 10`

use aport_gate_oap_fuzz::TARGETS;
use std::path::Path;
use std::time::{Duration, Instant};

fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let each = Duration::from_secs(seconds.unwrap_or(10));
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let start = Instant::now();
        let mut runs = 0_u64;
        for seed in &seeds {
            target(seed);
        }
        while start.elapsed() < each {
            let mut input = seeds[random.below(seeds.len())].clone();
            for _ in 0..=random.below(4) {
                mutate(&mut input, &seeds, &mut random);
            }
            target(&input);
            runs += 1;
        }
        println!(
            "{name}: {} seeds, {runs} mutations, nothing found",
            seeds.len()
        );
    }
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("seeds")
        .join(target);
    let entries = std::fs::read_dir(&folder).expect("the seeds");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a seed").path()).collect();
    files.sort();
    files
        .iter()
        .map(|file| std::fs::read(file).expect("a seed"))
        .collect()
}

fn mutate(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    match random.below(6) {
        0 => input.truncate(at),
        1 => input.insert(at, random.below(256) as u8),
        2 => {
            const WORDS: [&str; 14] = [
                "not ",
                "null",
                "[",
                "]",
                "{\"a\":",
                "}",
                "99999999999999999999",
                "-0",
                "1e308",
                "\u{fffd}",
                "(",
                ")",
                " in ",
                "limits.",
            ];
            input.splice(at..at, WORDS[random.below(WORDS.len())].bytes());
        }
        3 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        4 => {
            let end = (at + random.below(16)).min(input.len());
            let copied = input[at..end].to_vec();
            input.splice(at..at, copied);
        }
        _ => {
            let other = &seeds[random.below(seeds.len())];
            let from = random.below(other.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
    }
}

/// xorshift64: reproducible, and good enough to pick bytes.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}
