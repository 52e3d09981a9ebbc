//! Which comparison made a rule fail, and with which numbers. Runs only after a rule was found false.

use super::ast::{Expr, Function, Method, Operator, Root};
use super::evaluator::Evaluator;
use super::value::{Absence, Origin, Truth, Val};
use crate::reason::shown;
use serde_json::Value;

/// The comparison at fault.
#[derive(Clone, Debug, Default)]
pub(crate) struct Finding {
    pub(crate) field: Option<String>,
    pub(crate) actual: Option<Value>,
    pub(crate) limit: Option<Value>,
    pub(crate) used: Option<Value>,
    pub(crate) cap: Option<Value>,
    pub(crate) text: Option<String>,
    /// Whether it is no comparison, only a value that was false or true by itself.
    pub(crate) is_condition: bool,
}

impl Finding {
    /// The one to report of two, later one first. A comparison says more than a flag; two flags say more
    /// together.
    fn beside(self, earlier: Self) -> Self {
        match (self.is_condition, earlier.is_condition) {
            (false, _) => self,
            (true, false) => earlier,
            (true, true) => Self {
                text: match (earlier.text, self.text) {
                    (Some(a), Some(b)) => Some(format!("{a} and {b}")),
                    (a, b) => a.or(b),
                },
                field: earlier.field.or(self.field),
                actual: earlier.actual.or(self.actual),
                limit: self.limit.or(earlier.limit),
                ..Self::default()
            },
        }
    }
}

/// What is absent, in words: the path, and a sentence.
pub(crate) fn absence(absence: Absence<'_>) -> (String, String) {
    let path = absence.expr.to_string();
    let message = match absence.origin {
        Origin::Context => format!("`{path}` is missing from the context"),
        Origin::Limit => format!("the passport sets no `{path}`"),
        Origin::Passport => format!(
            "the passport has no `{}`",
            path.trim_start_matches("passport.")
        ),
        Origin::Policy => format!("the pack has no `{path}`"),
        Origin::Counter => format!("counter `{path}` has no value for this context"),
        Origin::Fact => format!(
            "`{path}` is not known: add it to the context, as an argument of the tool or as a fact of its server"
        ),
        Origin::Item => format!("`{path}` is absent"),
    };
    (path, message)
}

impl<'a> Evaluator<'a> {
    /// The comparison because of which `expr` came out as `holds`.
    pub(crate) fn explain(&mut self, expr: &'a Expr, holds: bool) -> Option<Finding> {
        match expr {
            Expr::Not(of) => self.explain(of, !holds),
            Expr::Truth(of, _) => self.explain(of, holds),
            // One operand decided: find it. Otherwise all of them agree, and the last one speaks: in
            // `not has(limit) or field <= limit` that is the comparison.
            Expr::And(items) | Expr::Or(items) => {
                let decided = matches!(expr, Expr::Or(_)) == holds;
                if !decided {
                    return items
                        .iter()
                        .rev()
                        .filter_map(|item| self.explain(item, holds))
                        .reduce(Finding::beside);
                }
                let guilty = items.iter().find(|item| match self.truth(item) {
                    Ok(Truth::True) => holds,
                    Ok(Truth::False) => !holds,
                    _ => false,
                })?;
                self.explain(guilty, holds)
            }
            Expr::Binary(operator, a, b) if !operator.is_arithmetic() => {
                self.comparison(required(*operator, holds)?, a, b)
            }
            Expr::Call(Function::MatchesAny, arguments) if !holds => match arguments.as_slice() {
                [one, list] => self.membership(one, list),
                _ => None,
            },
            Expr::Method(list, Method::Includes, arguments) if !holds => {
                self.membership(arguments.first()?, list)
            }
            Expr::Field(..) | Expr::Index(..) | Expr::Name(_) => self.condition(expr),
            Expr::Quantified {
                every,
                body,
                variable,
                list,
            } if !holds => self.quantified_finding(*every, body, variable, list),
            _ => None,
        }
    }

    /// A path that is a condition by itself.
    fn condition(&mut self, expr: &'a Expr) -> Option<Finding> {
        let value = self.eval(expr).ok()?;
        let name = short(expr);
        if value.absence().is_some() {
            return Some(Finding {
                text: Some(format!("`{name}` is absent")),
                field: (!is_bound(expr)).then_some(name),
                is_condition: true,
                ..Finding::default()
            });
        }
        let value = value.to_json();
        let text = Some(format!("`{name}` is {}", shown(&value)));
        Some(if is_bound(expr) {
            Finding {
                limit: Some(value),
                text,
                is_condition: true,
                ..Finding::default()
            }
        } else {
            Finding {
                field: Some(name),
                actual: Some(value),
                text,
                is_condition: true,
                ..Finding::default()
            }
        })
    }

    fn comparison(&mut self, operator: Operator, a: &'a Expr, b: &'a Expr) -> Option<Finding> {
        let (operator, subject, bound) = if is_bound(a) && !is_bound(b) && operator != Operator::In
        {
            (flip(operator), b, a)
        } else {
            (operator, a, b)
        };
        match operator {
            Operator::Less | Operator::LessEqual => self.over(operator, subject, bound),
            Operator::Greater | Operator::GreaterEqual => {
                let found = self.plain(subject, bound)?;
                let text = format!("{} is under the minimum {}", found.1, found.2);
                Some(Finding {
                    text: Some(text),
                    ..found.0
                })
            }
            Operator::Equal => {
                let found = self.plain(subject, bound)?;
                let text = format!("{}, expected {}", found.1, found.2);
                Some(Finding {
                    text: Some(text),
                    ..found.0
                })
            }
            Operator::NotEqual => {
                let found = self.plain(subject, bound)?;
                let text = format!("{} is not allowed", found.1);
                Some(Finding {
                    text: Some(text),
                    limit: None,
                    ..found.0
                })
            }
            Operator::In => self.membership(subject, bound),
            Operator::NotIn => {
                let name = short(subject);
                let actual = self.eval(subject).ok()?.to_json();
                let text = format!("`{name}` {} is not allowed", shown(&actual));
                Some(Finding {
                    field: Some(name),
                    actual: Some(actual),
                    text: Some(text),
                    ..Finding::default()
                })
            }
            Operator::Contains => self.membership(b, a),
            _ => None,
        }
    }

    fn plain(&mut self, subject: &'a Expr, bound: &'a Expr) -> Option<(Finding, String, String)> {
        let (actual, limit) = (
            self.eval(subject).ok()?.to_json(),
            self.eval(bound).ok()?.to_json(),
        );
        let name = short(subject);
        let (subject, bound) = (format!("`{name}` {}", shown(&actual)), shown(&limit));
        let found = Finding {
            field: Some(name),
            actual: Some(actual),
            limit: Some(limit),
            ..Finding::default()
        };
        Some((found, subject, bound))
    }

    fn over(&mut self, operator: Operator, subject: &'a Expr, bound: &'a Expr) -> Option<Finding> {
        let strict = i128::from(operator == Operator::Less);
        let cap = self.eval(bound).ok()?;
        if self.is_counter(subject) {
            let used = self.eval(subject).ok()?.to_json();
            let (name, limit) = (short(subject), cap.to_json());
            let mut text = format!("`{name}` is {}, the cap is {}", shown(&used), shown(&limit));
            let pack = self.scene.pack;
            let counter = pack.counter_index(&name);
            if let Some(words) = counter.and_then(|at| pack.counted_in_words(at)) {
                text = format!("{text}; {words}");
            }
            return Some(Finding {
                field: Some(name),
                actual: Some(used.clone()),
                limit: Some(limit.clone()),
                used: Some(used),
                cap: Some(limit),
                text: Some(text),
                is_condition: false,
            });
        }
        if let Expr::Binary(Operator::Add, a, b) = subject {
            let (counter, part) = if self.is_counter(a) { (a, b) } else { (b, a) };
            if self.is_counter(counter)
                && let (Val::Int(used), Val::Int(most)) = (self.eval(counter).ok()?, &cap)
            {
                let left =
                    Val::Int(most.saturating_sub(used).saturating_sub(strict).max(0)).to_json();
                let (name, actual) = (short(part), self.eval(part).ok()?.to_json());
                let (shown_left, shown_cap) = (shown(&left), shown(&cap.to_json()));
                let text = format!(
                    "`{name}` {} is over the {shown_left} left of the cap {shown_cap}",
                    shown(&actual)
                );
                return Some(Finding {
                    field: Some(name),
                    actual: Some(actual),
                    limit: Some(left),
                    used: Some(Val::Int(used).to_json()),
                    cap: Some(cap.to_json()),
                    text: Some(text),
                    is_condition: false,
                });
            }
        }
        let (name, actual) = (short(subject), self.eval(subject).ok()?.to_json());
        // The highest value that would have passed, which is what a caller can adjust to.
        let limit = match cap {
            Val::Int(most) => Val::Int(most.saturating_sub(strict)).to_json(),
            other => other.to_json(),
        };
        let text = format!(
            "{name} {} is over the limit {}",
            shown(&actual),
            shown(&limit)
        );
        Some(Finding {
            field: Some(name),
            actual: Some(actual),
            limit: Some(limit),
            text: Some(text),
            ..Finding::default()
        })
    }

    fn membership(&mut self, one: &'a Expr, list: &'a Expr) -> Option<Finding> {
        let (name, actual) = (short(one), self.eval(one).ok()?.to_json());
        let limit = match self.eval(list).ok()? {
            Val::Object(map) => Val::Keys(map).to_json(),
            list => list.to_json(),
        };
        let text = format!(
            "`{name}` {} is not one of {}",
            shown(&actual),
            shown(&limit)
        );
        Some(Finding {
            field: Some(name),
            actual: Some(actual),
            limit: Some(limit),
            text: Some(text),
            ..Finding::default()
        })
    }

    fn is_counter(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Name(name) => self.scene.pack.counter_index(name).is_some(),
            Expr::Index(of, _) => self.is_counter(of),
            _ => false,
        }
    }
}

/// The operator that would have had to hold.
fn required(operator: Operator, holds: bool) -> Option<Operator> {
    if !holds {
        return Some(operator);
    }
    Some(match operator {
        Operator::Equal => Operator::NotEqual,
        Operator::NotEqual => Operator::Equal,
        Operator::Less => Operator::GreaterEqual,
        Operator::LessEqual => Operator::Greater,
        Operator::Greater => Operator::LessEqual,
        Operator::GreaterEqual => Operator::Less,
        Operator::In => Operator::NotIn,
        Operator::NotIn => Operator::In,
        _ => return None,
    })
}

fn flip(operator: Operator) -> Operator {
    match operator {
        Operator::Less => Operator::Greater,
        Operator::LessEqual => Operator::GreaterEqual,
        Operator::Greater => Operator::Less,
        Operator::GreaterEqual => Operator::LessEqual,
        same => same,
    }
}

/// Whether a side is the yardstick: it comes from the passport or the pack, or is a literal.
pub(super) fn is_bound(expr: &Expr) -> bool {
    let mut given = false;
    let mut names = false;
    expr.walk(&mut |part| match part {
        Expr::Root(Root::Limits | Root::Passport | Root::Policy) => given = true,
        Expr::Root(Root::Context) | Expr::Name(_) => names = true,
        _ => {}
    });
    given || !names
}

pub(super) fn short(expr: &Expr) -> String {
    match expr {
        Expr::Field(of, name) if matches!(**of, Expr::Root(Root::Context)) => name.clone(),
        other => other.to_string(),
    }
}
