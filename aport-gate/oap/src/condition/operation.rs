//! Comparison, membership and arithmetic on values that are there.

use super::ast::{Expr, Operator};
use super::evaluator::{Evaluated, Evaluator, overflow};
use super::value::{Fault, Val, compare_int_float};
use crate::AssuranceLevel;
use serde_json::Value;
use std::cmp::Ordering;

impl<'a> Evaluator<'a> {
    pub(super) fn operate(
        &mut self,
        operator: Operator,
        left: &Val<'a>,
        right: &Val<'a>,
        expr: &'a Expr,
    ) -> Evaluated<Val<'a>> {
        let answer = match operator {
            Operator::Equal => self.equal_sides(left, right, expr)?,
            Operator::NotEqual => !self.equal_sides(left, right, expr)?,
            Operator::Less => order(left, right, expr)?.is_lt(),
            Operator::LessEqual => order(left, right, expr)?.is_le(),
            Operator::Greater => order(left, right, expr)?.is_gt(),
            Operator::GreaterEqual => order(left, right, expr)?.is_ge(),
            Operator::In => self.member_of(left, right, expr)?,
            Operator::NotIn => !self.member_of(left, right, expr)?,
            Operator::Contains => self.contains(left, right, expr)?,
            Operator::StartsWith => {
                let (text, part) = self.texts(left, right, expr)?;
                text.starts_with(part)
            }
            Operator::EndsWith => {
                let (text, part) = self.texts(left, right, expr)?;
                text.ends_with(part)
            }
            Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide => {
                return arithmetic(operator, left, right, expr);
            }
        };
        Ok(Val::Bool(answer))
    }

    /// Two strings, paid for by length.
    pub(super) fn texts<'v>(
        &mut self,
        text: &'v Val<'a>,
        part: &'v Val<'a>,
        expr: &'a Expr,
    ) -> Evaluated<(&'v str, &'v str)> {
        match (text, part) {
            (Val::Str(text), Val::Str(part)) => {
                self.spend(text.len() / 64 + part.len() / 64)?;
                Ok((text, part))
            }
            _ => Err(mismatch(text, part, expr, "two strings")),
        }
    }

    pub(super) fn contains(
        &mut self,
        all: &Val<'a>,
        one: &Val<'a>,
        expr: &'a Expr,
    ) -> Evaluated<bool> {
        if let Val::Str(_) = all {
            if super::weigh::is_limit(container(expr)) {
                return Err(mismatch(
                    one,
                    all,
                    expr,
                    "a value and a list that may hold it",
                ));
            }
            let (text, part) = self.texts(all, one, expr)?;
            return Ok(text.contains(part));
        }
        self.member_of(one, all, expr)
    }

    fn member_of(&mut self, one: &Val<'a>, all: &Val<'a>, expr: &'a Expr) -> Evaluated<bool> {
        match (all, one) {
            (Val::Capabilities(list), Val::Str(id)) => {
                self.spend(list.len())?;
                Ok(list
                    .iter()
                    .any(|item| item.as_str().or_else(|| item.get("id")?.as_str()) == Some(id)))
            }
            (Val::List(list), _) => {
                for item in *list {
                    if self.equal(one, &Val::from_json(item))? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            (Val::Items(list), _) => {
                for item in list {
                    if self.equal(one, item)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            (Val::Keys(map), Val::Str(key)) => Ok(map.contains_key(&**key)),
            // The keys of any other object are no list: `reason_codes: {"fraud": false}` lists nothing.
            (Val::Object(map), Val::Str(key)) if is_table_of_currencies(expr) => {
                Ok(map.contains_key(&**key))
            }
            // The ledger was asked about one key only; about any other it has no answer.
            (Val::RecentKeys, Val::Str(key)) if self.scene.idempotency_key == Some(key) => {
                Ok(self.scene.key_seen)
            }
            _ => Err(mismatch(one, all, expr, "a list and a value it can hold")),
        }
    }

    /// Equality of what two sides of a condition are. A limit of another type than what it is compared with says
    /// nothing, neither that they are equal nor that they differ.
    fn equal_sides(&mut self, left: &Val<'a>, right: &Val<'a>, expr: &'a Expr) -> Evaluated<bool> {
        let equal = self.equal(left, right)?;
        if !equal
            && !left.is_like(right)
            && let Expr::Binary(_, a, b) = expr
            && (super::weigh::is_limit(a) || super::weigh::is_limit(b))
        {
            return Err(mismatch(left, right, expr, "two values of one type"));
        }
        Ok(equal)
    }

    /// Equality across types is false, not an error.
    pub(super) fn equal(&mut self, left: &Val<'a>, right: &Val<'a>) -> Evaluated<bool> {
        self.spend(1)?;
        Ok(match (left, right) {
            (Val::Null, Val::Null) => true,
            (Val::Bool(a), Val::Bool(b)) => a == b,
            (Val::Int(a), Val::Int(b)) => a == b,
            (Val::Float(a), Val::Float(b)) => a == b,
            (Val::Int(int), Val::Float(float)) | (Val::Float(float), Val::Int(int)) => {
                compare_int_float(*int, *float) == Some(Ordering::Equal)
            }
            (Val::Str(a), Val::Str(b)) => {
                self.spend(a.len().min(b.len()) / 64)?;
                a == b
            }
            (Val::Level(a), Val::Level(b)) => a == b,
            (Val::Level(level), Val::Str(text)) | (Val::Str(text), Val::Level(level)) => {
                AssuranceLevel::parse(text).is_ok_and(|parsed| parsed == *level)
            }
            (Val::List(a), Val::List(b)) => {
                if a.len() != b.len() {
                    return Ok(false);
                }
                for (a, b) in a.iter().zip(*b) {
                    if !self.equal(&Val::from_json(a), &Val::from_json(b))? {
                        return Ok(false);
                    }
                }
                true
            }
            (Val::Items(a), Val::Items(b)) => self.equal_items(a, b)?,
            (Val::Items(items), Val::List(list)) | (Val::List(list), Val::Items(items)) => {
                self.spend(list.len())?;
                let list: Vec<_> = list.iter().map(Val::from_json).collect();
                self.equal_items(items, &list)?
            }
            (Val::Object(a), Val::Object(b)) => {
                if a.len() != b.len() {
                    return Ok(false);
                }
                for (key, value) in *a {
                    let same: Option<&'a Value> = b.get(key);
                    let Some(other) = same else { return Ok(false) };
                    if !self.equal(&Val::from_json(value), &Val::from_json(other))? {
                        return Ok(false);
                    }
                }
                true
            }
            _ => false,
        })
    }

    fn equal_items(&mut self, a: &[Val<'a>], b: &[Val<'a>]) -> Evaluated<bool> {
        if a.len() != b.len() {
            return Ok(false);
        }
        for (a, b) in a.iter().zip(b) {
            if !self.equal(a, b)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether a currency is looked for among those that have limits.
fn is_table_of_currencies(expr: &Expr) -> bool {
    let all = container(expr);
    matches!(all, Expr::Field(_, name) if name == super::uses::BY_CURRENCY)
        && super::weigh::is_limit(all)
}

/// What is searched by `in`, `.includes(…)` or `contains`.
fn container(expr: &Expr) -> &Expr {
    match expr {
        Expr::Binary(Operator::In | Operator::NotIn, _, of) => of,
        Expr::Method(of, ..) | Expr::Binary(_, of, _) => of,
        other => other,
    }
}

fn order(left: &Val<'_>, right: &Val<'_>, expr: &Expr) -> Evaluated<Ordering> {
    let level = |text: &str| AssuranceLevel::parse(text).ok();
    let ordering = match (left, right) {
        (Val::Int(a), Val::Int(b)) => Some(a.cmp(b)),
        (Val::Float(a), Val::Float(b)) => a.partial_cmp(b),
        (Val::Int(int), Val::Float(float)) => compare_int_float(*int, *float),
        (Val::Float(float), Val::Int(int)) => {
            compare_int_float(*int, *float).map(Ordering::reverse)
        }
        (Val::Str(a), Val::Str(b)) => Some(a.cmp(b)),
        (Val::Level(a), Val::Level(b)) => Some(a.cmp(b)),
        (Val::Level(a), Val::Str(text)) => level(text).map(|b| a.cmp(&b)),
        (Val::Str(text), Val::Level(b)) => level(text).map(|a| a.cmp(b)),
        _ => None,
    };
    ordering.ok_or_else(|| {
        mismatch(
            left,
            right,
            expr,
            "two numbers, two strings or two assurance levels",
        )
    })
}

pub(super) fn arithmetic<'a>(
    operator: Operator,
    left: &Val<'a>,
    right: &Val<'a>,
    expr: &Expr,
) -> Evaluated<Val<'a>> {
    if let (Val::Int(a), Val::Int(b)) = (left, right) {
        let exact = match operator {
            Operator::Add => a.checked_add(*b),
            Operator::Subtract => a.checked_sub(*b),
            Operator::Multiply => a.checked_mul(*b),
            // As in JavaScript: 5 / 2 is 2.5. Only a quotient without rest stays an integer.
            _ if *b == 0 => return Err(Fault(format!("`{expr}` divides by zero"))),
            _ if a.checked_rem(*b) == Some(0) => a.checked_div(*b),
            _ => return finite(*a as f64 / *b as f64, expr),
        };
        return exact.map(Val::Int).ok_or_else(|| overflow(expr));
    }
    let float = |value: &Val<'_>| match value {
        Val::Int(int) => Some(*int as f64),
        Val::Float(float) => Some(*float),
        _ => None,
    };
    let (Some(a), Some(b)) = (float(left), float(right)) else {
        return Err(mismatch(left, right, expr, "two numbers"));
    };
    finite(
        match operator {
            Operator::Add => a + b,
            Operator::Subtract => a - b,
            Operator::Multiply => a * b,
            _ => a / b,
        },
        expr,
    )
}

fn finite<'a>(float: f64, expr: &Expr) -> Evaluated<Val<'a>> {
    if float.is_finite() {
        Ok(Val::Float(float))
    } else {
        Err(overflow(expr))
    }
}

pub(super) fn mismatch(left: &Val<'_>, right: &Val<'_>, expr: &Expr, needs: &str) -> Fault {
    let (left, right) = (left.type_name(), right.type_name());
    Fault(format!("`{expr}` needs {needs}, found {left} and {right}"))
}
