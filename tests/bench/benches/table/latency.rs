//! How long each of many calls takes when so many callers call at once.

use super::harness::duration;
use std::time::{Duration, Instant};

/// Times of calls, in nanoseconds.
#[derive(Default)]
pub struct Latencies {
    times: Vec<f64>,
    wall: Duration,
}

impl Latencies {
    /// So many callers, each so many calls, one after the other.
    pub async fn of<F, C>(callers: u32, each: u32, call: C) -> Self
    where
        C: Fn() -> F + Clone + Send + 'static,
        F: Future<Output = ()> + Send,
    {
        let began = Instant::now();
        let callers: Vec<_> = (0..callers)
            .map(|_| {
                let call = call.clone();
                tokio::spawn(async move {
                    let mut times = Vec::new();
                    for _ in 0..each {
                        let began = Instant::now();
                        call().await;
                        times.push(began.elapsed().as_nanos() as f64);
                    }
                    times
                })
            })
            .collect();
        let mut times = Vec::new();
        for caller in callers {
            times.extend(caller.await.expect("a caller"));
        }
        Self {
            times,
            wall: began.elapsed(),
        }
    }

    pub fn add(&mut self, others: Self) {
        self.times.extend(others.times);
        self.wall += others.wall;
    }

    /// The time that this share of the calls stays below.
    pub fn at(&mut self, share: f64) -> f64 {
        self.times.sort_by(f64::total_cmp);
        self.times[((self.times.len() - 1) as f64 * share) as usize]
    }

    pub fn a_second(&self) -> f64 {
        self.times.len() as f64 / self.wall.as_secs_f64()
    }

    /// Median, 99th percentile and calls a second, as cells of a table.
    pub fn cells(&mut self) -> String {
        let (median, late) = (duration(self.at(0.5)), duration(self.at(0.99)));
        format!("{median} | {late} | {:.0}", self.a_second())
    }
}
