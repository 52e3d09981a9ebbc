//! The passport's limits under one pack: which objects are searched, worked out once for all rules of a decision.

use super::ast::Expr;
use super::evaluator::{Evaluated, Evaluator, Scene};
use super::value::Val;
use crate::passport::alias;
use crate::{Pack, Passport};
use serde_json::{Map, Value};

/// One step of a path into the limits.
#[derive(Clone, Debug, PartialEq)]
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
                alias: alias::of(name),
            })
            .collect()
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// The objects in which a limit may stand, in order: under each capability of the pack, flat and nested, then the
/// limits themselves.
#[derive(Debug)]
pub(super) struct LimitScopes<'a>(Vec<LimitScope<'a>>);

#[derive(Debug)]
struct LimitScope<'a> {
    limits: &'a Map<String, Value>,
    /// Limits of a capability that the agent does not hold grant nothing. They still stand before those that come
    /// after them: taking a capability away must not uncover a wider limit.
    grants: bool,
}

impl<'a> LimitScopes<'a> {
    fn new(limits: &'a Map<String, Value>, pack: &Pack, passport: &Passport) -> Self {
        let mut found = Vec::with_capacity(4);
        for scope in pack.limit_scopes() {
            let grants = passport.has_capability(scope) || !pack.names_capability(scope);
            let flat = limits.get(scope.as_str());
            let mut parts = scope.split('.');
            let nested = parts.next().and_then(|first| limits.get(first));
            let nested = nested.and_then(|first| parts.try_fold(first, |at, part| at.get(part)));
            let scopes = [flat, nested].into_iter().flatten();
            found.extend(
                scopes
                    .filter_map(Value::as_object)
                    .map(|limits| LimitScope { limits, grants }),
            );
        }
        found.push(LimitScope {
            limits,
            grants: true,
        });
        Self(found)
    }

    /// The limit, or `Err` when one is there that grants nothing.
    fn exact(&self, name: &str) -> Result<Option<&'a Value>, NotGranted> {
        for scope in &self.0 {
            if let Some(value) = scope.limits.get(name) {
                return if scope.grants {
                    Ok(Some(value))
                } else {
                    Err(NotGranted)
                };
            }
        }
        Ok(None)
    }

    fn get(&self, name: &str, alias: Option<&str>) -> Result<Option<Val<'a>>, NotGranted> {
        if let Some(found) = self.exact(name)? {
            return Ok(Some(Val::from_json(found)));
        }
        if name == "supported_currencies" {
            let currencies = self.exact("currency_limits")?;
            return Ok(currencies.and_then(Value::as_object).map(Val::Keys));
        }
        match alias {
            Some(alias) => Ok(self.exact(alias)?.map(Val::from_json)),
            None => Ok(None),
        }
    }
}

struct NotGranted;

impl<'a> Evaluator<'a> {
    /// A limit by the position of its path among those of the pack.
    pub(super) fn limit(&mut self, position: usize, expr: &'a Expr) -> Evaluated<Val<'a>> {
        let Scene { pack, limits, .. } = self.scene;
        match limits.and_then(|limits| limits.get(position)) {
            Some(found) => Ok(found),
            None => self.limit_at(pack.limit_paths().get(position), expr),
        }
    }

    fn scoped(&mut self, name: &str, alias: Option<&str>) -> Result<Option<Val<'a>>, NotGranted> {
        let Scene { pack, passport, .. } = self.scene;
        let Some(limits) = passport.limits() else {
            return Ok(None);
        };
        self.scopes
            .get_or_insert_with(|| LimitScopes::new(limits, pack, passport))
            .get(name, alias)
    }

    pub(super) fn limit_at(&mut self, run: &'a [LimitName], expr: &'a Expr) -> Evaluated<Val<'a>> {
        let Some((first, rest)) = run.split_first() else {
            return Ok(self.absent(expr));
        };
        let Ok(found) = self.scoped(&first.name, first.alias) else {
            return Ok(self.not_granted(expr));
        };
        if let Some(mut found) = found {
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
        match self.scoped(name, alias::of(name)) {
            Ok(Some(found)) => found,
            Ok(None) => self.absent(expr),
            Err(NotGranted) => self.not_granted(expr),
        }
    }

    /// A limit of a capability that the agent does not hold. Unknown, not absent: `not has(limits.x) or …` must
    /// not pass because the capability with the cap was taken away.
    pub(super) fn not_granted(&self, expr: &'a Expr) -> Val<'a> {
        match self.absent(expr) {
            Val::Absent(absence) => Val::Unknown(absence),
            other => other,
        }
    }
}
