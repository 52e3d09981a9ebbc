//! Retry after a denial: how arguments are adjusted, and how long to wait.

use std::{fmt, sync::Arc, time::Duration};

use rmcp::model::JsonObject;
use serde_json::{Number, Value};

use super::{ClientError, Denial, Exceeded};

/// No wait is longer than this.
const LONGEST_DELAY_MS: u64 = 30_000;
/// The one reason without a number that a smaller number can cure: packs
/// demand a higher assurance level for a larger amount.
const ASSURANCE: &str = "oap.assurance_insufficient";

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

impl RetryOnDenial {
    /// Three calls in all, waiting from 100 milliseconds.
    pub fn new(strategy: Strategy) -> Self {
        Self {
            strategy,
            max_attempts: 3,
            base_delay_ms: 100,
        }
    }

    /// The wait after `made` calls (1 or more).
    pub(super) fn delay_before(&self, made: u32) -> Duration {
        let doublings = made.saturating_sub(1).min(32);
        let full = self
            .base_delay_ms
            .saturating_mul(1_u64 << doublings)
            .min(LONGEST_DELAY_MS);
        let half = full / 2;
        let (_, random) = uuid::Uuid::new_v4().as_u64_pair();
        Duration::from_millis(half + random % (full - half + 1))
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
            Self::Halve { field } if curable(denial) => halve(denial, arguments, field),
            Self::ClampToLimit if curable(denial) => clamp(denial, arguments),
            Self::Halve { .. } | Self::ClampToLimit => Ok(None),
        }
    }
}

/// A number is wrong, and nothing is wrong that a number could not cure.
fn curable(denial: &Denial) -> bool {
    exceeded(denial).next().is_some()
        && denial.reasons.iter().all(|reason| {
            reason.code == ASSURANCE || reason.details.as_ref().is_some_and(Exceeded::is_numeric)
        })
}

fn exceeded(denial: &Denial) -> impl Iterator<Item = &Exceeded> {
    denial
        .reasons
        .iter()
        .filter_map(|reason| reason.details.as_ref())
        .filter(|details| details.is_numeric())
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
    for details in exceeded(denial) {
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
        if tighter(&new, earlier, value) {
            adjusted = replaced(&adjusted, field, new);
        }
    }
    Ok(Some(adjusted))
}

/// The argument less what exceeds the limit. That also serves a rule that
/// compares a sum with the argument in it, where the limit itself would not.
fn within(value: &Value, details: &Exceeded) -> Option<Value> {
    let whole_numbers = (whole(value), whole(&details.actual), whole(&details.limit));
    if let (Some(value), Some(actual), Some(limit)) = whole_numbers {
        let new = value - (actual - limit);
        return if new > 0 { number(new) } else { None };
    }
    let new = value.as_f64()? - (details.actual.as_f64()? - details.limit.as_f64()?);
    if new > 0.0 { fraction(new) } else { None }
}

/// Of several limits on one argument the one farthest from the original holds.
fn tighter(new: &Value, earlier: &Value, original: &Value) -> bool {
    let distance = |value: &Value| match (value.as_f64(), original.as_f64()) {
        (Some(value), Some(original)) => (value - original).abs(),
        _ => 0.0,
    };
    distance(new) > distance(earlier)
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
