//! When a call is tried again, with which arguments, and after how long.

use std::{fmt, sync::Arc, time::Duration};

use rmcp::model::JsonObject;
use serde_json::{Number, Value};

use super::{ClientError, Denial, Exceeded};

/// No wait of a [`RetryOnDenial`] is longer than this.
const LONGEST_DELAY: Duration = Duration::from_secs(30);
/// Longest time for one attempt where the caller names none.
pub(super) const ATTEMPT: Duration = Duration::from_secs(30);

/// A caller's own adjustment; `None` gives up.
pub type AdjustArguments = dyn Fn(&Denial, &JsonObject) -> Option<JsonObject> + Send + Sync;

/// How to adjust the arguments of a denied call.
#[derive(Clone)]
#[non_exhaustive]
pub enum Strategy {
    /// Halve one numeric argument; whole numbers round down and stop at 1.
    Halve {
        /// Argument to halve.
        field: String,
    },
    /// Bring each argument that a reason names to the limit that it names.
    /// Under a cap over time that is what is left of the cap.
    ClampToLimit,
    /// Ask the caller. It sees only denials with details on every reason.
    Custom(Arc<AdjustArguments>),
}

impl fmt::Debug for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Halve { field } => f.debug_struct("Halve").field("field", field).finish(),
            Self::ClampToLimit => f.write_str("ClampToLimit"),
            Self::Custom(_) => f.write_str("Custom(..)"),
        }
    }
}

/// When and how often a denied call is tried again.
#[derive(Debug, Clone)]
pub struct RetryOnDenial {
    /// How to adjust the arguments.
    pub strategy: Strategy,
    /// Calls in all, the first included. 0 counts as 1.
    pub max_attempts: u32,
    /// Wait before the second call, in milliseconds. It doubles with each
    /// further one up to 30 seconds; each wait is drawn from its upper half.
    pub base_delay_ms: u64,
}

/// What was sent of a call, whatever it ended in: see
/// [`call_with_retry_noting`](super::PassportClient::call_with_retry_noting).
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Sent {
    /// Arguments of the last attempt, adjustments included; `None` where none was made.
    pub arguments: Option<JsonObject>,
    /// Denials that attempts before the last one met.
    pub denials: Vec<Denial>,
}

impl RetryOnDenial {
    /// Three calls in all, waiting from 100 milliseconds.
    pub fn new(strategy: Strategy) -> Self {
        Self {
            strategy,
            max_attempts: 3,
            base_delay_ms: 100,
        }
    }

    pub(super) fn terms(self) -> Retry {
        Retry {
            strategy: Some(self.strategy),
            max_attempts: self.max_attempts,
            base_delay: Duration::from_millis(self.base_delay_ms),
            longest_delay: LONGEST_DELAY,
            attempt_timeout: None,
            deadline: None,
            transient: false,
            repeat_lost: false,
        }
    }
}

/// How hard a client tries to carry an [`Intention`](super::Intention) out.
///
/// ```
/// use std::time::Duration;
/// use aport_gate::{Retry, Strategy};
///
/// let retry = Retry {
///     strategy: Some(Strategy::ClampToLimit),
///     deadline: Some(Duration::from_secs(20)),
///     ..Retry::default()
/// };
/// assert_eq!(retry.max_attempts, 5);
/// ```
#[derive(Debug, Clone)]
pub struct Retry {
    /// How to adjust the arguments of a denied call; without one, a denial that other arguments could cure
    /// ends the attempts.
    pub strategy: Option<Strategy>,
    /// Attempts in all, the first included. 0 counts as 1.
    pub max_attempts: u32,
    /// Wait before the second attempt. It doubles with each further one; each wait is drawn from its upper
    /// half.
    pub base_delay: Duration,
    /// Longest wait that this client chooses. A longer one that the server asks for is kept to.
    pub longest_delay: Duration,
    /// Longest time for one attempt; `None` leaves it to the deadline.
    pub attempt_timeout: Option<Duration>,
    /// Time for everything: attempts, waits, new connections. No attempt starts that could not wait its
    /// pause out before.
    pub deadline: Option<Duration>,
    /// Whether to try again after a denial that time can cure, and when the gate could not decide.
    pub transient: bool,
    /// Whether to try again after a lost answer, where the call cannot execute twice.
    pub repeat_lost: bool,
}

impl Default for Retry {
    /// Five attempts of at most 30 seconds each within two minutes, waiting from 100 milliseconds up to 10
    /// seconds; no adjustment.
    fn default() -> Self {
        Self {
            strategy: None,
            max_attempts: 5,
            base_delay: Duration::from_millis(100),
            longest_delay: Duration::from_secs(10),
            attempt_timeout: Some(ATTEMPT),
            deadline: Some(Duration::from_secs(120)),
            transient: true,
            repeat_lost: true,
        }
    }
}

impl Retry {
    /// The wait after `made` attempts (1 or more). Random, so that many clients do not come back at once.
    pub(super) fn delay_before(&self, made: u32) -> Duration {
        let doublings = made.saturating_sub(1).min(20);
        let full = self.base_delay.saturating_mul(1_u32 << doublings);
        let full = full.min(self.longest_delay);
        let half = full / 2;
        let spread = u64::try_from((full - half).as_micros()).unwrap_or(u64::MAX);
        let (_, random) = uuid::Uuid::new_v4().as_u64_pair();
        half + Duration::from_micros(random % spread.saturating_add(1))
    }
}

impl Strategy {
    /// Adjusted arguments, or `None` when the denial is final.
    pub(super) fn adjust(
        &self,
        denial: &Denial,
        arguments: &JsonObject,
    ) -> Result<Option<JsonObject>, ClientError> {
        match self {
            Self::Custom(adjust) => {
                let explained = denial.reasons.iter().all(|reason| reason.details.is_some());
                let explained = explained && !denial.reasons.is_empty();
                Ok(explained.then(|| adjust(denial, arguments)).flatten())
            }
            Self::Halve { field } if denial.is_numeric() => halve(denial, arguments, field),
            Self::ClampToLimit if denial.is_numeric() => clamp(denial, arguments),
            Self::Halve { .. } | Self::ClampToLimit => Ok(None),
        }
    }
}

fn halve(
    denial: &Denial,
    arguments: &JsonObject,
    field: &str,
) -> Result<Option<JsonObject>, ClientError> {
    let refuse = |problem: &str| ClientError::Adjustment {
        field: field.to_owned(),
        problem: problem.to_owned(),
        denial: Box::new(denial.clone()),
    };
    let value = arguments
        .get(field)
        .ok_or_else(|| refuse("the call has no such argument; name one that it has"))?;
    let halved = match (whole(value), value.as_f64()) {
        (Some(value), _) if value > 1 => number(value / 2),
        (None, Some(value)) if value > f64::EPSILON => fraction(value / 2.0),
        (None, None) => return Err(refuse("it is not a number")),
        _ => return Ok(None),
    };
    Ok(halved.map(|halved| replaced(arguments, field, halved)))
}

fn clamp(denial: &Denial, arguments: &JsonObject) -> Result<Option<JsonObject>, ClientError> {
    let mut adjusted = arguments.clone();
    for details in denial.exceeded() {
        let Some((field, value)) = details
            .argument()
            .and_then(|field| Some((field, arguments.get(field)?)))
        else {
            // A count of calls, or a number the server looked up: no argument
            // of ours changes it.
            return Ok(None);
        };
        let (Some(new), Some(earlier)) = (within(value, details), adjusted.get(field)) else {
            return Ok(None);
        };
        if tighter(&new, earlier) {
            adjusted = replaced(&adjusted, field, new);
        }
    }
    Ok(Some(adjusted))
}

/// The argument less what exceeds the limit. That also serves a rule that
/// compares a sum with the argument in it, where the limit itself would not.
///
/// Never more than the argument was, whatever a server names as the limit: more than it asked for is not what
/// the caller meant.
fn within(value: &Value, details: &Exceeded) -> Option<Value> {
    let whole_numbers = (whole(value), whole(&details.actual), whole(&details.limit));
    if let (Some(value), Some(actual), Some(limit)) = whole_numbers {
        let new = value - (actual - limit);
        return if new > 0 && new < value {
            number(new)
        } else {
            None
        };
    }
    let asked = value.as_f64()?;
    let new = asked - (details.actual.as_f64()? - details.limit.as_f64()?);
    let lower = new > 0.0 && new < asked;
    match whole(value) {
        // An argument that is a whole number stays one.
        Some(_) if lower && new.floor() >= 1.0 => number(i128::from(
            format!("{:.0}", new.floor()).parse::<u64>().ok()?,
        )),
        None if lower => fraction(new),
        _ => None,
    }
}

/// Of several limits on one argument the lowest holds.
fn tighter(new: &Value, earlier: &Value) -> bool {
    match (whole(new), whole(earlier), new.as_f64(), earlier.as_f64()) {
        (Some(new), Some(earlier), _, _) => new < earlier,
        (_, _, Some(new), Some(earlier)) => new < earlier,
        _ => false,
    }
}

fn replaced(arguments: &JsonObject, field: &str, value: Value) -> JsonObject {
    let mut arguments = arguments.clone();
    arguments.insert(field.to_owned(), value);
    arguments
}

fn whole(value: &Value) -> Option<i128> {
    let signed = value.as_i64().map(i128::from);
    signed.or_else(|| value.as_u64().map(i128::from))
}

fn number(value: i128) -> Option<Value> {
    let unsigned = u64::try_from(value).ok().map(Value::from);
    unsigned.or_else(|| i64::try_from(value).ok().map(Value::from))
}

fn fraction(value: f64) -> Option<Value> {
    Number::from_f64(value).map(Value::Number)
}
