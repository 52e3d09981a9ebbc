//! Interleaved rounds, medians and ratios. Machines differ and are never quiet: what runs side by side in
//! one process sees the same machine.

use std::time::{Duration, Instant};

/// One row of a table: it runs the thing that many times.
pub struct Row<'a> {
    name: String,
    /// How many of what is measured one run does.
    each: u32,
    run: Box<dyn FnMut(u32) + 'a>,
}

/// Medians of one table, in nanoseconds.
pub struct Table {
    title: String,
    rows: Vec<(String, f64, f64, f64)>,
}

pub fn row<'a>(name: impl Into<String>, mut once: impl FnMut() + 'a) -> Row<'a> {
    batch(name, move |times| (0..times).for_each(|_| once()))
}

/// A row that is told how often to run, for what has a cost of its own to start.
pub fn batch<'a>(name: impl Into<String>, run: impl FnMut(u32) + 'a) -> Row<'a> {
    Row {
        name: name.into(),
        each: 1,
        run: Box::new(run),
    }
}

impl Row<'_> {
    /// One run does so many: the time is for each of them.
    pub fn of(mut self, each: u32) -> Self {
        self.each = each;
        self
    }
}

/// How long one round of one row takes, and how many rounds there are.
#[derive(Clone, Copy)]
pub struct Effort {
    pub slice: Duration,
    pub rounds: u32,
}

impl Effort {
    pub fn from_env() -> Self {
        let quick = std::env::var_os("APORT_BENCH_QUICK").is_some();
        Self {
            slice: Duration::from_millis(if quick { 4 } else { 20 }),
            rounds: if quick { 7 } else { 31 },
        }
    }
}

pub fn measure(title: &str, effort: Effort, mut rows: Vec<Row<'_>>) -> Table {
    if let Ok(wanted) = std::env::var("APORT_BENCH_ROW") {
        rows.retain(|row| format!("{title}: {}", row.name).contains(&wanted));
    }
    let times: Vec<u32> = rows
        .iter_mut()
        .map(|row| calibrate(row, effort.slice))
        .collect();
    let mut samples = vec![Vec::new(); rows.len()];
    for _ in 0..effort.rounds {
        for ((row, times), samples) in rows.iter_mut().zip(&times).zip(&mut samples) {
            let start = Instant::now();
            (row.run)(*times);
            let times = f64::from(*times) * f64::from(row.each);
            samples.push(start.elapsed().as_nanos() as f64 / times);
        }
    }
    let rows = rows
        .into_iter()
        .zip(samples)
        .map(|(row, mut samples)| {
            samples.sort_by(f64::total_cmp);
            let at = |share: f64| samples[((samples.len() - 1) as f64 * share) as usize];
            (row.name, at(0.5), at(0.1), at(0.9))
        })
        .collect();
    Table {
        title: title.to_owned(),
        rows,
    }
}

fn calibrate(row: &mut Row<'_>, slice: Duration) -> u32 {
    let mut times = 1_u32;
    loop {
        let start = Instant::now();
        (row.run)(times);
        let took = start.elapsed();
        if took * 2 >= slice || times >= 1 << 28 {
            let scale = slice.as_secs_f64() / took.as_secs_f64().max(1e-9);
            return ((f64::from(times) * scale) as u32).max(1);
        }
        times *= 2;
    }
}

impl Table {
    /// Prints it as Markdown, each row against the one named `base`.
    pub fn print(&self, base: &str) {
        let base_median = self.median(base);
        println!("\n### {}\n", self.title);
        println!("| what | median | 10th to 90th percentile | × {base} |");
        println!("| --- | ---: | ---: | ---: |");
        for (name, median, low, high) in &self.rows {
            let ratio = base_median.map_or_else(String::new, |base| ratio(median / base));
            let (low, high) = (duration(*low), duration(*high));
            println!(
                "| {name} | {} | {low} to {high} | {ratio} |",
                duration(*median)
            );
        }
    }

    /// Median of a row, in nanoseconds.
    pub fn median(&self, name: &str) -> Option<f64> {
        let row = self.rows.iter().find(|row| row.0 == name)?;
        Some(row.1)
    }
}

/// A duration of so many nanoseconds, with a fitting unit.
pub fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        n if n < 1e3 => format!("{n:.0} ns"),
        n if n < 1e6 => format!("{:.2} µs", n / 1e3),
        n if n < 1e9 => format!("{:.2} ms", n / 1e6),
        n => format!("{:.2} s", n / 1e9),
    }
}

fn ratio(ratio: f64) -> String {
    if ratio < 0.1 {
        format!("{ratio:.3}")
    } else {
        format!("{ratio:.2}")
    }
}
