//! Usage counters that rules refer to by name: those a pack declares, and the names published packs use.

#[cfg(feature = "evaluate")]
mod reading;

#[cfg(feature = "evaluate")]
pub(crate) use reading::{Reading, Unreadable, key_part, readings};

use crate::Window;
use crate::condition::ast::{Expr, Method, Operator, Root};
#[cfg(feature = "evaluate")]
use crate::pack::CallKind;
use crate::validator::Validator;

/// The set of idempotency keys seen before.
pub(crate) const RECENT_KEYS: &str = "recent_keys";

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Counter {
    pub(crate) name: String,
    /// Context field that is summed; none for a counter of calls.
    pub(crate) of: Option<String>,
    /// Context fields that split it.
    pub(crate) by: Vec<String>,
    pub(crate) window: Window,
}

#[cfg(feature = "evaluate")]
impl Counter {
    /// How the name was understood, where the pack does not say.
    pub(crate) fn undeclared(&self, kind: Option<&CallKind>) -> String {
        let Self {
            name,
            of,
            by,
            window,
        } = self;
        let what = match (of, kind) {
            (Some(of), _) => format!("the sum of `{of}`"),
            (None, Some(CallKind { field, of, .. })) => {
                format!(
                    "the number of calls whose `{field}` is `{}`",
                    of.join("` or `")
                )
            }
            (None, None) => "the number of all calls under this pack".to_owned(),
        };
        let by = match by.as_slice() {
            [] => String::new(),
            by => format!(" by `{}`", by.join("`, `")),
        };
        let window = format!("{window:?}").to_lowercase();
        format!(
            "counter `{name}` is not declared in `counters`; read as {what}{by} in a UTC {window}"
        )
    }
}

/// One way in which the rules read a counter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CounterUse {
    /// Position in the pack's counters.
    pub(crate) counter: usize,
    /// Key of `counter[key]`; without it the counter's own fields make the key.
    pub(crate) index: Option<Expr>,
    /// Validator that asks for it, and decides for each request whether it does.
    pub(crate) validator: Option<Validator>,
}

/// Words for what was added up, besides `total`.
const SUMS: [&str; 5] = ["spend", "spent", "amount", "volume", "sum"];

/// The counter behind a name that published packs use without declaring it.
pub(crate) fn built_in(name: &str, declares_field: impl Fn(&str) -> bool) -> Option<Counter> {
    let window =
        if name.ends_with("_per_hour") || name.starts_with("hourly_") || name == "hour_count" {
            Window::Hour
        } else if name.ends_with("_per_minute") || name.starts_with("minute_") {
            Window::Minute
        } else if name.ends_with("_per_day") || name.starts_with("daily_") {
            Window::Day
        } else {
            return None;
        };
    let stem = name.rsplit_once("_per_").map_or(name, |(stem, _)| stem);
    let last = stem.rsplit('_').next().unwrap_or_default();
    let sum = last == "total" || SUMS.contains(&last);
    if !sum && last != "count" {
        return None;
    }
    // The longer list is of words that fields of a context have as well.
    if SUMS.contains(&last) && declares_field(name) {
        return None;
    }
    // A total of money without a currency would add cents to yen.
    let by = if sum && declares_field("currency") {
        vec!["currency".to_owned()]
    } else {
        Vec::new()
    };
    Some(Counter {
        name: name.to_owned(),
        of: sum.then(|| "amount".to_owned()),
        by,
        window,
    })
}

/// Finds every counter use in a condition, and the field whose idempotency it asks about.
pub(crate) struct Scan<'p> {
    pub(crate) counter: &'p mut dyn FnMut(&str) -> Option<usize>,
    pub(crate) uses: Vec<CounterUse>,
    pub(crate) key_field: Option<String>,
    pub(crate) asks_recent_keys: bool,
}

impl Scan<'_> {
    /// # Errors
    /// A message when a counter's key depends on what cannot be known before the ledger is read.
    pub(crate) fn expr<'e>(
        &mut self,
        expr: &'e Expr,
        bound: &mut Vec<&'e str>,
    ) -> Result<(), String> {
        match expr {
            Expr::Name(name) if bound.contains(&name.as_str()) => Ok(()),
            Expr::Name(name) if name == RECENT_KEYS => {
                self.asks_recent_keys = true;
                Ok(())
            }
            Expr::Name(name) => {
                if let Some(counter) = (self.counter)(name) {
                    self.push(CounterUse {
                        counter,
                        index: None,
                        validator: None,
                    });
                }
                Ok(())
            }
            Expr::Index(of, index) => {
                if let Expr::Name(name) = &**of
                    && !bound.contains(&name.as_str())
                    && let Some(counter) = (self.counter)(name)
                {
                    let mut plain = true;
                    index.walk(&mut |part| {
                        if let Expr::Name(name) = part {
                            plain &= !bound.contains(&name.as_str())
                                && name != RECENT_KEYS
                                && (self.counter)(name).is_none();
                        }
                    });
                    if !plain {
                        return Err(format!(
                            "the key of counter `{expr}` must come from the context"
                        ));
                    }
                    self.push(CounterUse {
                        counter,
                        index: Some((**index).clone()),
                        validator: None,
                    });
                    return Ok(());
                }
                self.expr(of, bound)?;
                self.expr(index, bound)
            }
            Expr::Quantified {
                body,
                variable,
                list,
                ..
            } => {
                self.expr(list, bound)?;
                bound.push(variable);
                let scanned = self.expr(body, bound);
                bound.pop();
                scanned
            }
            Expr::Binary(operator, left, right) => {
                match operator {
                    Operator::Contains => self.asks_about(left, right),
                    _ => self.asks_about(right, left),
                }
                self.expr(left, bound)?;
                self.expr(right, bound)
            }
            Expr::Method(keys, Method::Includes, of) => {
                if let [of] = of.as_slice() {
                    self.asks_about(keys, of);
                }
                self.expr(keys, bound)?;
                of.iter().try_for_each(|of| self.expr(of, bound))
            }
            _ => expr
                .children()
                .into_iter()
                .try_for_each(|child| self.expr(child, bound)),
        }
    }

    /// Notes the field whose value is looked for among the keys that were seen.
    fn asks_about(&mut self, keys: &Expr, of: &Expr) {
        if matches!(keys, Expr::Name(name) if name == RECENT_KEYS)
            && let Some(field) = context_field(of)
        {
            self.key_field.get_or_insert_with(|| field.to_owned());
        }
    }

    fn push(&mut self, found: CounterUse) {
        if !self.uses.contains(&found) {
            self.uses.push(found);
        }
    }
}

fn context_field(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Name(name) => Some(name),
        Expr::Field(of, name) if matches!(**of, Expr::Root(Root::Context)) => Some(name),
        _ => None,
    }
}
