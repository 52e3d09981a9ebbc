//! Functions and methods.

use super::ast::{Expr, Function, Method};
use super::evaluator::{Evaluated, Evaluator};
use super::value::{Fault, Val};
use jiff::Timestamp;
use serde_json::Value;

impl<'a> Evaluator<'a> {
    pub(super) fn apply(
        &mut self,
        function: Function,
        values: &[Val<'a>],
        expr: &'a Expr,
    ) -> Evaluated<Val<'a>> {
        if function == Function::Has {
            return Ok(match values.first() {
                Some(Val::Unknown(absence)) => Val::Unknown(*absence),
                Some(Val::Absent(_)) | None => Val::Bool(false),
                Some(_) => Val::Bool(true),
            });
        }
        if let Some(absence) = values
            .iter()
            .filter_map(Val::absence)
            .reduce(|a, b| a.or(b))
        {
            return Ok(Val::Unknown(absence));
        }
        match (function, values) {
            (Function::Now, _) => Ok(seconds(self.scene.now)),
            (Function::ToTimestamp, [Val::Str(text)]) => text
                .parse()
                .map(seconds)
                .map_err(|_| Fault(format!("`{expr}` needs an RFC 3339 time"))),
            (Function::ToTimestamp, [number @ (Val::Int(_) | Val::Float(_))]) => Ok(number.clone()),
            (Function::RequiredAssuranceLevel, [Val::Int(amount), ..]) if *amount >= 0 => {
                Ok(Val::Level(self.scene.pack.required_assurance(*amount)))
            }
            (Function::MatchesAny, [Val::Str(text), patterns]) => {
                let patterns = self.items(patterns.clone(), expr)?;
                self.matches_any(text, &patterns, expr)
            }
            _ => {
                let found: Vec<_> = values.iter().map(Val::type_name).collect();
                Err(Fault(format!("`{expr}` cannot take {}", found.join(", "))))
            }
        }
    }

    fn matches_any(
        &mut self,
        text: &str,
        patterns: &[Val<'a>],
        expr: &'a Expr,
    ) -> Evaluated<Val<'a>> {
        let mut found = false;
        // All patterns are read even after a match: whether a list is well-formed must not depend on its order.
        for pattern in patterns {
            let Val::Str(pattern) = pattern else {
                let found = pattern.type_name();
                return Err(Fault(format!(
                    "`{expr}` needs patterns that are strings, found {found}"
                )));
            };
            let steps = 1 + pattern.len() + text.len() / 8;
            self.spend(steps + super::glob::cost(pattern, text))?;
            found |= super::glob::matches(pattern, text)?;
        }
        Ok(Val::Bool(found))
    }

    pub(super) fn invoke(
        &mut self,
        of: &Val<'a>,
        method: Method,
        values: &[Val<'a>],
        expr: &'a Expr,
    ) -> Evaluated<Val<'a>> {
        let absences = std::iter::once(of).chain(values).filter_map(Val::absence);
        if let Some(absence) = absences.reduce(|a, b| a.or(b)) {
            return Ok(Val::Unknown(absence));
        }
        match (method, values) {
            (Method::Length, _) => self.length(of, expr),
            (Method::Includes, [one]) => self.contains(of, one, expr).map(Val::Bool),
            (Method::StartsWith, [part]) => {
                let (text, part) = self.texts(of, part, expr)?;
                Ok(Val::Bool(text.starts_with(part)))
            }
            (Method::EndsWith, [part]) => {
                let (text, part) = self.texts(of, part, expr)?;
                Ok(Val::Bool(text.ends_with(part)))
            }
            (Method::Split, [separator]) => {
                let (text, separator) = self.texts(of, separator, expr)?;
                self.spend(text.len())?;
                let parts: Vec<String> = if separator.is_empty() {
                    text.chars().map(String::from).collect()
                } else {
                    text.split(separator).map(str::to_owned).collect()
                };
                Ok(Val::Items(
                    parts
                        .into_iter()
                        .map(|part| Val::Str(part.into()))
                        .collect(),
                ))
            }
            // As in JavaScript: the first occurrence only.
            (Method::Replace, [from, to]) => {
                let (text, from) = self.texts(of, from, expr)?;
                let Val::Str(to) = to else {
                    return Err(Fault(format!(
                        "`{expr}` needs strings, found {}",
                        to.type_name()
                    )));
                };
                self.spend(to.len() / 64)?;
                Ok(Val::Str(text.replacen(from, to, 1).into()))
            }
            _ => Err(Fault(format!(
                "`{expr}` cannot be called on {}",
                of.type_name()
            ))),
        }
    }

    fn length(&mut self, of: &Val<'a>, expr: &'a Expr) -> Evaluated<Val<'a>> {
        let length = match of {
            Val::Str(text) => {
                self.spend(text.len() / 64)?;
                text.chars().count()
            }
            Val::List(items) | Val::Capabilities(items) => items.len(),
            Val::Items(items) => items.len(),
            Val::Keys(map) => map.len(),
            Val::Object(map) => {
                let field: Option<&'a Value> = map.get("length");
                return Ok(field.map_or_else(|| self.absent(expr), Val::from_json));
            }
            other => {
                return Err(Fault(format!(
                    "`{expr}` needs a length, found {}",
                    other.type_name()
                )));
            }
        };
        Ok(Val::Int(length as i128))
    }
}

/// Unix seconds: whole ones as an integer, others as a float.
fn seconds<'a>(time: Timestamp) -> Val<'a> {
    if time.subsec_nanosecond() == 0 {
        Val::Int(time.as_second().into())
    } else {
        Val::Float(time.as_second() as f64 + f64::from(time.subsec_nanosecond()) / 1e9)
    }
}
