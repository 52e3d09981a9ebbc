//! How the conditions of a pack use the limits and the context: as values, lists, numbers, or as conditions.

use super::ast::{Expr, Function, Method, Operator};
use super::truth::Marker;
use std::collections::HashMap;

/// Limits for each currency, whose keys are the currencies there are.
pub(crate) const BY_CURRENCY: &str = "currency_limits";

/// What a limit must be for the rules that use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Flag,
    List,
    Number,
}

/// One step of a path into the limits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Step {
    Name(String),
    /// By a name that only a request tells, or an item of a list.
    Any(String),
}

/// A path from the limits, or from a field of the context.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Path {
    pub(super) limits: bool,
    pub(super) steps: Vec<Step>,
}

/// How the conditions of a pack use a path, besides as a condition by itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Use {
    /// As what another path leads through.
    base: bool,
    /// As a value whose type is not that of a flag.
    value: bool,
    /// In a comparison with something that only a request tells.
    pub(super) compared: bool,
    list: bool,
    pub(super) number: bool,
    condition: bool,
}

/// The uses of all paths.
#[derive(Default)]
pub(crate) struct Uses(HashMap<Path, Use>);

/// One path into the limits that conditions use.
#[derive(Clone, Debug)]
pub(crate) struct LimitUse {
    pub(crate) steps: Vec<Step>,
    /// Whether it is used itself, not only what lies below it.
    pub(crate) whole: bool,
    /// What it has to be.
    pub(crate) expected: Option<Expected>,
}

impl Use {
    /// Whether some use shows that it is no flag.
    pub(super) fn is_value(self) -> bool {
        self.base || self.value || self.list || self.number
    }

    fn expected(self) -> Option<Expected> {
        match self {
            Self { list: true, .. } => Some(Expected::List),
            Self { number: true, .. } => Some(Expected::Number),
            _ if self.condition && !self.is_value() && !self.compared => Some(Expected::Flag),
            _ => None,
        }
    }
}

impl Expected {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Flag => "`true` or `false`",
            Self::List => "a list",
            Self::Number => "a number",
        }
    }
}

impl Uses {
    fn note(&mut self, path: Path, note: impl FnOnce(&mut Use)) {
        note(self.0.entry(path).or_default());
    }

    /// Adds those of another condition.
    pub(crate) fn extend(&mut self, other: &Self) {
        for (path, of_other) in &other.0 {
            let found = self.0.entry(path.clone()).or_default();
            found.base |= of_other.base;
            found.value |= of_other.value;
            found.compared |= of_other.compared;
            found.list |= of_other.list;
            found.number |= of_other.number;
            found.condition |= of_other.condition;
        }
    }

    pub(super) fn of(&self, path: &Path) -> Use {
        self.0.get(path).copied().unwrap_or_default()
    }

    /// The paths into the limits.
    pub(crate) fn limits(&self) -> Vec<LimitUse> {
        let limits = self
            .0
            .iter()
            .filter(|(path, _)| path.limits && !path.steps.is_empty());
        let mut all: Vec<_> = limits
            .map(|(path, used)| LimitUse {
                steps: path.steps.clone(),
                whole: used.value || used.compared || used.list || used.number || used.condition,
                expected: used.expected(),
            })
            .collect();
        all.sort_by(|one, other| one.steps.cmp(&other.steps));
        all
    }
}

impl Marker<'_> {
    /// Gathers how a condition uses its paths.
    pub(crate) fn uses(&mut self, expr: &Expr, uses: &mut Uses) {
        self.bound.clear();
        self.condition(expr, uses);
    }

    fn condition(&mut self, expr: &Expr, uses: &mut Uses) {
        match expr {
            Expr::Field(..) | Expr::Index(..) | Expr::Name(_) => {
                if let Some(path) = self.path(expr) {
                    uses.note(path, |used| used.condition = true);
                }
                self.inside(expr, uses);
            }
            other => self.value(other, uses),
        }
    }

    /// What a path is made of.
    fn inside(&mut self, expr: &Expr, uses: &mut Uses) {
        match expr {
            Expr::Field(of, _) => self.base(of, uses),
            Expr::Index(of, index) => {
                self.base(of, uses);
                self.value(index, uses);
            }
            _ => {}
        }
    }

    fn base(&mut self, expr: &Expr, uses: &mut Uses) {
        match self.path(expr) {
            Some(path) => {
                uses.note(path, |used| used.base = true);
                self.inside(expr, uses);
            }
            None => self.value(expr, uses),
        }
    }

    fn value(&mut self, expr: &Expr, uses: &mut Uses) {
        match expr {
            Expr::Not(of) => self.condition(of, uses),
            Expr::And(items) | Expr::Or(items) => {
                items.iter().for_each(|item| self.condition(item, uses));
            }
            Expr::Quantified {
                body,
                variable,
                list,
                ..
            } => {
                self.value(list, uses);
                self.list(list, uses);
                self.bind(variable, list);
                self.condition(body, uses);
                self.bound.pop();
            }
            Expr::Binary(operator, a, b) => self.binary(*operator, a, b, uses),
            // Whether it is there says nothing of its type.
            Expr::Call(Function::Has, items) => {
                items.iter().for_each(|item| self.inside(item, uses));
            }
            Expr::Method(of, method, arguments) => {
                if matches!(method, Method::Includes) {
                    self.list(of, uses);
                }
                self.value(of, uses);
                arguments.iter().for_each(|item| self.value(item, uses));
            }
            Expr::Field(..) | Expr::Index(..) | Expr::Name(_) => {
                if let Some(path) = self.path(expr) {
                    uses.note(path, |used| used.value = true);
                }
                self.inside(expr, uses);
            }
            other => {
                for child in other.children() {
                    self.value(child, uses);
                }
            }
        }
    }

    fn binary(&mut self, operator: Operator, a: &Expr, b: &Expr, uses: &mut Uses) {
        match operator {
            Operator::Equal | Operator::NotEqual => {
                self.equated(a, b, uses);
                self.equated(b, a, uses);
            }
            Operator::In | Operator::NotIn => {
                self.list(b, uses);
                self.value(a, uses);
                self.value(b, uses);
            }
            Operator::Contains => {
                self.list(a, uses);
                self.value(a, uses);
                self.value(b, uses);
            }
            Operator::StartsWith | Operator::EndsWith => {
                self.value(a, uses);
                self.value(b, uses);
            }
            _ => {
                for (one, other) in [(a, b), (b, a)] {
                    let number = operator.is_arithmetic() || self.numeric(other);
                    if let Some(path) = self.path(one).filter(|path| !path.limits || number) {
                        uses.note(path, |used| used.number = true);
                    }
                    self.value(one, uses);
                }
            }
        }
    }

    /// Whether this can only be a number.
    fn numeric(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Int(_) | Expr::Float(_) | Expr::Negate(_) => true,
            Expr::Binary(operator, ..) => operator.is_arithmetic(),
            Expr::Method(_, Method::Length, _) => true,
            Expr::Call(function, _) => {
                matches!(function, Function::Now | Function::ToTimestamp)
            }
            Expr::Name(name) if (self.is_counter)(name) => true,
            Expr::Index(of, _) if matches!(&**of, Expr::Name(name) if (self.is_counter)(name)) => {
                true
            }
            other => match self.path(other) {
                Some(Path {
                    limits: false,
                    steps,
                }) => match steps.as_slice() {
                    [Step::Name(name)] => (self.is_number)(name),
                    _ => false,
                },
                _ => false,
            },
        }
    }

    fn equated(&mut self, one: &Expr, other: &Expr, uses: &mut Uses) {
        let Some(path) = self.path(one) else {
            self.value(one, uses);
            return;
        };
        match other {
            Expr::Bool(_) | Expr::Null => {}
            Expr::Str(_) | Expr::Int(_) | Expr::Float(_) | Expr::List(_) => {
                uses.note(path, |used| used.value = true);
            }
            _ => uses.note(path, |used| used.compared = true),
        }
        self.inside(one, uses);
    }

    fn list(&self, expr: &Expr, uses: &mut Uses) {
        if let Some(path) = self.path(expr) {
            uses.note(path, |used| used.list = true);
        }
    }
}
