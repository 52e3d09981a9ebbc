//! The passport's limits under one pack: which objects are searched, worked out once for all rules of a decision.

use super::access::ALIASES;
use super::ast::Expr;
use super::evaluator::{Evaluated, Evaluator};
use super::value::Val;
use serde_json::{Map, Value};

/// One step of a path into the limits.
#[derive(Clone, Debug)]
pub(super) struct LimitName {
    name: String,
    /// The path up to here as one dotted key, for limits that are filed under such.
    joined: String,
    alias: Option<&'static str>,
}

impl LimitName {
    pub(super) fn path(run: &[&str]) -> Vec<Self> {
        run.iter()
            .enumerate()
            .map(|(at, name)| Self {
                name: (*name).to_owned(),
                joined: run.get(..=at).unwrap_or_default().join("."),
                alias: ALIASES
                    .iter()
                    .find(|(alias, _)| alias == name)
                    .map(|(_, other)| *other),
            })
            .collect()
    }
}

/// The objects in which a limit may stand, in order: under each capability of the pack that the agent holds,
/// flat and nested, then the limits themselves.
#[derive(Debug)]
pub(super) struct LimitScopes<'a>(Vec<&'a Map<String, Value>>);

impl<'a> LimitScopes<'a> {
    fn exact(&self, name: &str) -> Option<&'a Value> {
        self.0.iter().find_map(|scope| scope.get(name))
    }

    fn get(&self, limit: &LimitName) -> Option<Val<'a>> {
        self.exact(&limit.name).map(Val::from_json).or_else(|| {
            if limit.name == "supported_currencies" {
                return self.exact("currency_limits")?.as_object().map(Val::Keys);
            }
            self.exact(limit.alias?).map(Val::from_json)
        })
    }
}

impl<'a> Evaluator<'a> {
    pub(super) fn limit_scopes(&mut self) -> &LimitScopes<'a> {
        let scene = &self.scene;
        self.scopes.get_or_insert_with(|| {
            let mut found = Vec::new();
            let Some(limits) = scene.passport.limits() else {
                return LimitScopes(found);
            };
            for scope in scene.pack.limit_scopes() {
                // Limits given for a capability that the agent does not hold grant nothing.
                if scene.passport.has_capability(scope) || !scene.pack.names_capability(scope) {
                    found.extend(limits.get(scope.as_str()).and_then(Value::as_object));
                    let mut parts = scope.split('.');
                    let nested = parts.next().and_then(|first| limits.get(first));
                    let nested =
                        nested.and_then(|first| parts.try_fold(first, |at, part| at.get(part)));
                    found.extend(nested.and_then(Value::as_object));
                }
            }
            found.push(limits);
            LimitScopes(found)
        })
    }

    pub(super) fn limit_at(&mut self, run: &'a [LimitName], expr: &'a Expr) -> Evaluated<Val<'a>> {
        let Some((first, rest)) = run.split_first() else {
            return Ok(self.absent(expr));
        };
        if let Some(mut found) = self.limit_scopes().get(first) {
            for step in rest {
                found = self.member(found, &step.name, expr)?;
            }
            if found.absence().is_none() {
                return Ok(found);
            }
        }
        // `limits.data.report.ingest.x` where the passport has the flat key `data.report.ingest`.
        let mut rest = rest;
        while let Some((key, after)) = rest.split_first() {
            if let Some(start) = self.limits().and_then(|limits| limits.get(&key.joined)) {
                let mut found = Val::from_json(start);
                for step in after {
                    found = self.member(found, &step.name, expr)?;
                }
                if found.absence().is_none() {
                    return Ok(found);
                }
            }
            rest = after;
        }
        Ok(self.absent(expr))
    }

    /// `limits[name]`, with a name that only the request knows.
    pub(super) fn limit_named(&mut self, name: &str, expr: &'a Expr) -> Val<'a> {
        let scopes = self.limit_scopes();
        let found = scopes.exact(name).map(Val::from_json);
        found
            .or_else(|| {
                let [limit] = <[LimitName; 1]>::try_from(LimitName::path(&[name])).ok()?;
                scopes.get(&limit)
            })
            .unwrap_or_else(|| self.absent(expr))
    }
}
