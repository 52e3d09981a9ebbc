//! How many requests one agent, key or address may send: a token bucket each.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::problem::Problem;

/// Buckets kept; names come from requests, so their number needs a bound.
const MOST_BUCKETS: usize = 10_000;
/// A bucket fills in this time.
const WINDOW: Duration = Duration::from_secs(60);

/// Who is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    Agent(String),
    Key(String),
    Address(std::net::IpAddr),
    /// Everybody for whom there is no room.
    Others,
}

/// Where a subject stands after a request.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    limit: u32,
    remaining: u32,
    /// Until the bucket is full again.
    full_in: Duration,
    /// Until one more request fits.
    pub(super) wait: Duration,
}

pub(super) struct Limits {
    rate: Option<u32>,
    buckets: Mutex<HashMap<Subject, Bucket>>,
}

struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Limits {
    pub(super) fn new(rate: Option<u32>) -> Self {
        Self {
            rate,
            buckets: Mutex::default(),
        }
    }

    /// Counts one request; none when there is no bound.
    ///
    /// # Errors
    /// The subject has used up its requests.
    pub(super) fn count(&self, subject: Subject) -> Result<Option<Standing>, Problem> {
        self.count_at(subject, Instant::now())
    }

    fn count_at(&self, subject: Subject, now: Instant) -> Result<Option<Standing>, Problem> {
        let Some(limit) = self.rate else {
            return Ok(None);
        };
        let most = f64::from(limit);
        let per_second = most / WINDOW.as_secs_f64();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let subject = if buckets.len() >= MOST_BUCKETS && !buckets.contains_key(&subject) {
            // A bucket that is full again says nothing.
            buckets.retain(|_, bucket| bucket.filled(now, per_second) < most);
            if buckets.len() >= MOST_BUCKETS {
                Subject::Others
            } else {
                subject
            }
        } else {
            subject
        };
        let bucket = buckets.entry(subject).or_insert(Bucket {
            tokens: most,
            at: now,
        });
        bucket.tokens = bucket.filled(now, per_second).min(most);
        bucket.at = now;
        let allowed = bucket.tokens >= 1.0;
        if allowed {
            bucket.tokens -= 1.0;
        }
        let missing =
            |wanted: f64| Duration::from_secs_f64((wanted - bucket.tokens).max(0.0) / per_second);
        let standing = Standing {
            limit,
            remaining: bucket.tokens as u32,
            full_in: missing(most),
            wait: missing(1.0),
        };
        if allowed {
            Ok(Some(standing))
        } else {
            Err(Problem::too_many(standing))
        }
    }
}

impl Bucket {
    fn filled(&self, now: Instant, per_second: f64) -> f64 {
        self.tokens + now.saturating_duration_since(self.at).as_secs_f64() * per_second
    }
}

impl Standing {
    fn reset(&self) -> i64 {
        let seconds = i64::try_from(self.full_in.as_secs()).unwrap_or(i64::MAX);
        jiff::Timestamp::now().as_second().saturating_add(seconds)
    }

    pub(super) fn write(&self, headers: &mut HeaderMap) {
        headers.insert("x-ratelimit-limit", self.limit.into());
        headers.insert("x-ratelimit-remaining", self.remaining.into());
        headers.insert("x-ratelimit-reset", self.reset().into());
    }

    pub(super) fn document(&self) -> Value {
        json!({
            "limit": self.limit,
            "remaining": self.remaining,
            "reset": self.reset(),
            "window": WINDOW.as_secs(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(name: &str) -> Subject {
        Subject::Agent(name.to_owned())
    }

    #[test]
    fn one_agent_used_up_does_not_stop_another_and_time_gives_back() {
        let limits = Limits::new(Some(60));
        let now = Instant::now();
        for _ in 0..60 {
            assert!(limits.count_at(agent("a"), now).is_ok());
        }
        assert!(limits.count_at(agent("a"), now).is_err());
        let other = limits.count_at(agent("b"), now).unwrap().unwrap();
        assert_eq!((other.limit, other.remaining), (60, 59));
        let later = now + Duration::from_secs(1);
        assert!(limits.count_at(agent("a"), later).is_ok());
        assert!(limits.count_at(agent("a"), later).is_err());
    }

    #[test]
    fn names_without_end_share_one_bucket() {
        let limits = Limits::new(Some(2));
        let now = Instant::now();
        for number in 0..MOST_BUCKETS {
            assert!(limits.count_at(agent(&number.to_string()), now).is_ok());
        }
        assert!(limits.count_at(agent("new"), now).is_ok());
        assert!(limits.count_at(agent("newer"), now).is_ok());
        assert!(limits.count_at(agent("newest"), now).is_err());
        assert!(limits.buckets.lock().unwrap().len() <= MOST_BUCKETS + 1);
    }
}
