//! Rates: how many calls of a kind a passport allows in a minute, an hour or a day, counted by the ledger.

use super::Validator;
use crate::Window;
use crate::counter::Counter;

/// What is counted, and how limits call it.
pub(crate) struct Rate {
    /// In words, for counters and messages.
    pub(crate) what: &'static str,
    /// Words that the name of a limit may use for it.
    #[cfg_attr(
        not(feature = "evaluate"),
        expect(dead_code, reason = "read when limits are")
    )]
    words: &'static [&'static str],
    /// What a limit without a window means.
    #[cfg_attr(
        not(feature = "evaluate"),
        expect(dead_code, reason = "read when limits are")
    )]
    window: Window,
}

const WINDOWS: [(Window, &str); 3] = [
    (Window::Minute, "minute"),
    (Window::Hour, "hour"),
    (Window::Day, "day"),
];

impl Rate {
    pub(crate) fn of(validator: Validator) -> Option<&'static Self> {
        Some(match validator {
            Validator::WriteRate => &Rate {
                what: "writes",
                words: &["write", "writes", "file", "files", "operations"],
                window: Window::Hour,
            },
            Validator::RequestRate => &Rate {
                what: "requests",
                words: &["request", "requests", "fetch", "fetches", "web", "http"],
                window: Window::Hour,
            },
            Validator::ScreenshotRate => &Rate {
                what: "screenshots",
                words: &[
                    "screenshot",
                    "screenshots",
                    "capture",
                    "captures",
                    "browser",
                ],
                window: Window::Hour,
            },
            Validator::NavigationRate => &Rate {
                what: "navigations",
                words: &[
                    "navigation",
                    "navigations",
                    "page",
                    "pages",
                    "load",
                    "loads",
                    "browser",
                ],
                window: Window::Hour,
            },
            Validator::McpRate => &Rate {
                what: "tool calls",
                words: &[
                    "call", "calls", "tool", "tools", "mcp", "request", "requests",
                ],
                window: Window::Minute,
            },
            _ => return None,
        })
    }

    /// One counter for each window. Their names have a space, which no name in a condition can have.
    pub(crate) fn counters(&self) -> Vec<Counter> {
        WINDOWS
            .iter()
            .map(|(window, _)| counter(&self.name(*window), &[], *window))
            .collect()
    }

    pub(crate) fn name(&self, window: Window) -> String {
        let found = WINDOWS.iter().find(|(known, _)| *known == window);
        format!("{} per {}", self.what, found.map_or("", |(_, name)| name))
    }
}

pub(crate) const SESSIONS: &str = "sessions per day";
pub(crate) const USER_SESSIONS: &str = "sessions of a user per day";
pub(crate) const REGISTRATIONS: &str = "registrations per day";

pub(crate) fn session_counters() -> Vec<Counter> {
    vec![
        counter(SESSIONS, &[], Window::Day),
        counter(USER_SESSIONS, &["user_id"], Window::Day),
    ]
}

pub(crate) fn registrations() -> Counter {
    counter(REGISTRATIONS, &[], Window::Day)
}

fn counter(name: &str, by: &[&str], window: Window) -> Counter {
    Counter {
        name: name.to_owned(),
        of: None,
        by: by.iter().map(|field| (*field).to_owned()).collect(),
        window,
    }
}

#[cfg(feature = "evaluate")]
mod limit {
    use super::{Rate, WINDOWS};
    use crate::Window;
    use crate::condition::explain::Finding;
    use crate::validator::{Call, Failure, Validator, natural};
    use serde_json::Value;

    impl Rate {
        /// Whether a limit of this name is about this rate, and over which window.
        pub(crate) fn window_of(&self, name: &str) -> Option<Result<Window, Failure>> {
            const PLAIN: [&str; 8] = [
                "max", "maximum", "rate", "limit", "limits", "per", "count", "allowed",
            ];
            let mut window = None;
            let (mut counts, mut about) = (false, false);
            for word in words(name) {
                match word.as_str() {
                    "minute" | "minutes" | "min" | "minutely" => window = Some(Window::Minute),
                    "hour" | "hours" | "hourly" | "hr" => window = Some(Window::Hour),
                    "day" | "days" | "daily" => window = Some(Window::Day),
                    "second" | "seconds" | "sec" if name.contains("per") => {
                        let message =
                            format!("limit `{name}` has no window of a minute, hour or day");
                        return Some(Err(Failure::Fault(message)));
                    }
                    word if self.words.contains(&word) => about = true,
                    "rate" | "per" => (counts, about) = (true, true),
                    word if PLAIN.contains(&word) => {}
                    _ => return None,
                }
            }
            (about && (counts || window.is_some())).then(|| Ok(window.unwrap_or(self.window)))
        }

        /// The caps that the passport sets, each with the name of its limit.
        fn caps<'a>(&self, call: &Call<'a>) -> Result<Vec<(&'a str, Window, u64)>, Failure> {
            let mut caps = Vec::new();
            for (name, value) in call.limits() {
                if value.is_null() {
                    continue;
                }
                match value.as_object() {
                    // `rate_limits: {"writes_per_hour": 10}`
                    Some(map) if self.window_of(name).is_some() && of_object(map).is_none() => {
                        for (name, value) in map {
                            if let Some(window) = self.window_of(name) {
                                caps.push((name.as_str(), window?, cap(name, value)?));
                            }
                        }
                    }
                    Some(map) => {
                        if let Some(window) = self.window_of(name)
                            && let Some((value, named)) = of_object(map)
                        {
                            caps.push((name, named.unwrap_or(window)?, cap(name, value)?));
                        }
                    }
                    None => {
                        if let Some(window) = self.window_of(name) {
                            caps.push((name, window?, cap(name, value)?));
                        }
                    }
                }
            }
            Ok(caps)
        }

        /// Whether the passport caps the window that a limit of this name is about.
        pub(crate) fn has_cap_of(&self, name: &str, call: &Call<'_>) -> bool {
            let Some(Ok(window)) = self.window_of(name) else {
                return false;
            };
            match self.caps(call) {
                Ok(caps) => caps.iter().any(|(_, of, _)| *of == window),
                // The check tells what is wrong with it.
                Err(_) => true,
            }
        }

        /// Whether this call is one of those that are counted over `window`.
        pub(crate) fn counts(&self, call: &Call<'_>, validator: Validator, window: Window) -> bool {
            applies(validator, call)
                && match self.caps(call) {
                    Ok(caps) => caps.iter().any(|(_, of, _)| *of == window),
                    Err(_) => false,
                }
        }

        pub(crate) fn check(&self, call: &Call<'_>, validator: Validator) -> Result<(), Failure> {
            let caps = self.caps(call)?;
            if !applies(validator, call) {
                return Ok(());
            }
            if caps.is_empty() {
                return call.demand(&|name| self.window_of(name).is_some());
            }
            for (name, window, cap) in caps {
                let counter = self.name(window);
                let used = call.used(&counter)?;
                call.saw(&format!("limits.{name}"), Some(cap.into()));
                if u64::try_from(used).is_ok_and(|used| used >= cap) {
                    let unit = WINDOWS.iter().find(|(known, _)| *known == window);
                    let unit = unit.map_or("window", |(_, name)| name);
                    let text = format!(
                        "{used} {} were made this {unit}, the limit `{name}` is {cap}",
                        self.what
                    );
                    return Err(Failure::denied(Finding {
                        field: Some(self.what.to_owned()),
                        actual: Some(used.saturating_add(1).into()),
                        limit: Some(cap.into()),
                        used: Some(used.into()),
                        cap: Some(cap.into()),
                        text: Some(text),
                        ..Finding::default()
                    }));
                }
            }
            Ok(())
        }
    }

    /// Whether the call is of the kind that is counted.
    fn applies(validator: Validator, call: &Call<'_>) -> bool {
        let action = call.field("action").and_then(Value::as_str);
        match validator {
            Validator::ScreenshotRate => {
                action == Some("screenshot") || call.field("screenshot") == Some(&Value::Bool(true))
            }
            Validator::NavigationRate => match action {
                Some(action) => action == "navigate",
                None => call.field("url").is_some(),
            },
            _ => true,
        }
    }

    fn cap(name: &str, value: &Value) -> Result<u64, Failure> {
        natural(value).ok_or_else(|| {
            Failure::Fault(format!(
                "limit `{name}` must be an integer that is not negative"
            ))
        })
    }

    /// `{"max": 10, "window": "hour"}`
    fn of_object(
        map: &serde_json::Map<String, Value>,
    ) -> Option<(&Value, Option<Result<Window, Failure>>)> {
        let cap = ["max", "limit", "count", "value", "requests", "calls"]
            .iter()
            .find_map(|key| map.get(*key))?;
        let seconds = ["window_seconds", "per_seconds", "seconds"]
            .iter()
            .find_map(|key| natural(map.get(*key)?));
        let named = ["window", "per", "interval", "period"]
            .iter()
            .find_map(|key| map.get(*key)?.as_str());
        let window = match (named, seconds) {
            (Some(text), _) => Some(WINDOWS.iter().find(|(_, name)| text.starts_with(name))),
            (None, Some(seconds)) => Some(WINDOWS.iter().find(|(window, _)| {
                let (start, end) = window.bounds(jiff::Timestamp::UNIX_EPOCH);
                u64::try_from(end - start).is_ok_and(|length| length == seconds)
            })),
            (None, None) => None,
        };
        let window = window.map(|found| {
            found.map(|(window, _)| *window).ok_or_else(|| {
                Failure::Fault(
                    "a rate limit needs a window of a minute, an hour or a day".to_owned(),
                )
            })
        });
        Some((cap, window))
    }

    /// Words of `max_writes_per_hour` and `maxWritesPerHour`.
    pub(crate) fn words(name: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        for c in name.chars() {
            if !c.is_alphanumeric() || c.is_uppercase() {
                words.push(String::new());
            }
            if c.is_alphanumeric()
                && let Some(word) = words.last_mut()
            {
                word.extend(c.to_lowercase());
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }
}

#[cfg(feature = "evaluate")]
pub(crate) use limit::words;
