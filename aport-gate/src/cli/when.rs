//! Points in time as arguments: RFC 3339, or from now on.

use jiff::{SignedDuration, Timestamp};

const HOW: &str = "use a time in the future, such as `2030-01-31T12:00:00Z`, `12h` or `90d`";

/// Reads `2030-01-31T12:00:00Z`, `12h` or `90d`.
pub(super) fn when(text: &str) -> Result<Timestamp, String> {
    let end = match text.strip_suffix('d').map(str::parse::<u32>) {
        Some(Ok(days)) => in_time(SignedDuration::from_hours(i64::from(days) * 24)),
        _ => match text.parse::<SignedDuration>() {
            Ok(time) => in_time(time),
            Err(_) => text.parse().ok(),
        },
    };
    end.ok_or_else(|| HOW.to_owned())
}

/// As [`when`], and not past.
pub(super) fn in_future(text: &str) -> Result<Timestamp, String> {
    let end = when(text)?;
    if end > Timestamp::now() {
        Ok(end)
    } else {
        Err(HOW.to_owned())
    }
}

fn in_time(time: SignedDuration) -> Option<Timestamp> {
    Timestamp::now().checked_add(time).ok()
}
