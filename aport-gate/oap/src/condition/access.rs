//! Names, fields and indexes: how a path finds its value.

use super::ast::{Expr, Root};
use super::evaluator::{Evaluated, Evaluator};
use super::value::{Absence, Fault, Origin, Val};
use crate::counter::{Reading, Unreadable};
use serde_json::{Map, Value};

impl<'a> Evaluator<'a> {
    pub(super) fn limits(&self) -> Option<&'a Map<String, Value>> {
        self.scene.passport.limits()
    }

    pub(super) fn absent(&self, expr: &'a Expr) -> Val<'a> {
        Val::Absent(Absence {
            origin: self.origin(expr),
            expr,
        })
    }

    fn origin(&self, expr: &Expr) -> Origin {
        match expr {
            Expr::Root(Root::Context) => Origin::Context,
            Expr::Root(Root::Limits) => Origin::Limit,
            Expr::Root(Root::Passport) => Origin::Passport,
            Expr::Root(Root::Policy) => Origin::Policy,
            Expr::Field(of, name)
                if matches!(**of, Expr::Root(Root::Passport)) && name == "limits" =>
            {
                Origin::Limit
            }
            Expr::Field(of, _) | Expr::Index(of, _) => self.origin(of),
            Expr::Name(name) if self.variable(name).is_some() => Origin::Item,
            Expr::Name(name) if self.scene.pack.declares_field(name) => Origin::Context,
            Expr::Name(_) => Origin::Fact,
            _ => Origin::Item,
        }
    }

    fn variable(&self, name: &str) -> Option<&Val<'a>> {
        self.variables
            .iter()
            .rev()
            .find(|(bound, _)| *bound == name)
            .map(|(_, value)| value)
    }

    pub(super) fn name(&mut self, name: &'a str, expr: &'a Expr) -> Evaluated<Val<'a>> {
        if let Some(value) = self.variable(name).cloned() {
            if let Val::Items(items) = &value {
                self.spend(items.len())?;
            }
            return Ok(value);
        }
        // Counters come before context fields: an agent that passes its own `daily_total: 0` or an empty
        // `recent_keys` must not be able to answer for the ledger.
        if let Some(counter) = self.scene.pack.counter_index(name) {
            return self.counter(counter, expr);
        }
        if name == crate::counter::RECENT_KEYS {
            return Ok(Val::RecentKeys);
        }
        Ok(self.context_field(name, expr))
    }

    pub(super) fn context_field(&self, name: &str, expr: &'a Expr) -> Val<'a> {
        let found = self.scene.context.get(name);
        found.map_or_else(|| self.absent(expr), Val::from_json)
    }

    pub(super) fn capabilities(&self, expr: &'a Expr) -> Val<'a> {
        let list = self.scene.passport.as_value().get("capabilities");
        let list = list.and_then(Value::as_array);
        list.map_or_else(|| self.absent(expr), |list| Val::Capabilities(list))
    }

    /// The variable that is bound so many binders further out.
    pub(super) fn variable_at(&mut self, depth: usize) -> Evaluated<Val<'a>> {
        let value = self.variables.iter().nth_back(depth);
        let value = value.map(|(_, value)| value.clone());
        if let Some(Val::Items(items)) = &value {
            self.spend(items.len())?;
        }
        value.ok_or_else(|| Fault("a variable is not bound".to_owned()))
    }

    /// A counter that is split by fields of the context, or not at all.
    pub(super) fn counter(&self, counter: usize, expr: &'a Expr) -> Evaluated<Val<'a>> {
        let mut readings = self.scene.readings.iter();
        let reading = readings.find(|reading| reading.counter == counter && !reading.indexed);
        self.used(reading, expr)
    }

    /// A counter under a key that the rule names.
    pub(super) fn counter_of(
        &self,
        counter: usize,
        key: Val<'a>,
        expr: &'a Expr,
    ) -> Evaluated<Val<'a>> {
        if let Some(absence) = key.absence() {
            return Ok(Val::Unknown(absence));
        }
        let kind = key.type_name();
        let key = crate::counter::key_part(key).ok_or_else(|| {
            Fault(format!(
                "`{expr}` needs a string or an integer as key, found {kind}"
            ))
        })?;
        let reading = self.scene.readings.iter().find(|reading| {
            reading.counter == counter
                && reading.indexed
                && reading.key.as_ref().is_ok_and(|found| *found == key)
        });
        self.used(reading, expr)
    }

    fn used(&self, reading: Option<&'a Reading<'a>>, expr: &'a Expr) -> Evaluated<Val<'a>> {
        match reading.map(|reading| (&reading.key, reading.used)) {
            Some((Ok(_), used)) => Ok(Val::Int(used.into())),
            Some((Err(Unreadable::Malformed(message)), _)) => Err(Fault(message.clone())),
            Some((Err(Unreadable::Absent), _)) | None => Ok(Val::Unknown(Absence {
                origin: Origin::Counter,
                expr,
            })),
        }
    }

    pub(super) fn field(
        &mut self,
        of: &'a Expr,
        name: &'a str,
        expr: &'a Expr,
    ) -> Evaluated<Val<'a>> {
        match (of, name) {
            (Expr::Root(Root::Passport), "limits") => {
                return Ok(self.limits().map_or_else(|| self.absent(expr), Val::Object));
            }
            (Expr::Root(Root::Passport), "assurance_level") => {
                return Ok(Val::Level(self.scene.passport.assurance_level()));
            }
            (Expr::Root(Root::Policy), "min_assurance") => {
                return Ok(Val::Level(self.scene.pack.min_assurance()));
            }
            (Expr::Root(Root::Passport), "capabilities") => {
                return Ok(self.capabilities(expr));
            }
            _ => {}
        }
        let mut run = Vec::new();
        if limit_run(expr, &mut run) {
            self.spend(run.len() * run.len())?;
            return self.limit_path(&run, expr);
        }
        let base = self.eval(of)?;
        self.member(base, name, expr)
    }

    pub(super) fn index(
        &mut self,
        of: &'a Expr,
        index: &'a Expr,
        expr: &'a Expr,
    ) -> Evaluated<Val<'a>> {
        if let Expr::Name(name) = of
            && self.variable(name).is_none()
            && let Some(counter) = self.scene.pack.counter_index(name)
        {
            let key = self.eval(index)?;
            return self.counter_of(counter, key, expr);
        }
        let base = self.eval(of)?;
        let index = self.eval(index)?;
        if let (Val::Object(_), Val::Str(key), true) = (&base, &index, is_limits(of)) {
            return Ok(match self.limit_of(key) {
                Ok(Some(limit)) => limit,
                Ok(None) => self.absent(expr),
                Err(()) => self.not_granted(expr),
            });
        }
        self.indexed(base, index, expr)
    }

    pub(super) fn indexed(
        &self,
        base: Val<'a>,
        index: Val<'a>,
        expr: &'a Expr,
    ) -> Evaluated<Val<'a>> {
        match (base, index) {
            (Val::Absent(base), index) if index.absence().is_none() => Ok(Val::Absent(Absence {
                origin: base.origin,
                expr,
            })),
            (base, index) if base.absence().is_some() || index.absence().is_some() => {
                let absence = match (base.absence(), index.absence()) {
                    (Some(a), Some(b)) => a.or(b),
                    (Some(a), None) | (None, Some(a)) => a,
                    (None, None) => Absence {
                        origin: Origin::Item,
                        expr,
                    },
                };
                Ok(Val::Unknown(absence))
            }
            (Val::Object(map), Val::Str(key)) => Ok(map
                .get(&*key)
                .map_or_else(|| self.absent(expr), Val::from_json)),
            (Val::List(items) | Val::Capabilities(items), Val::Int(at)) => {
                let item = usize::try_from(at).ok().and_then(|at| items.get(at));
                Ok(item.map_or_else(|| self.absent(expr), Val::from_json))
            }
            (Val::Items(items), Val::Int(at)) => {
                let item = usize::try_from(at)
                    .ok()
                    .and_then(|at| items.into_iter().nth(at));
                Ok(item.unwrap_or_else(|| self.absent(expr)))
            }
            (base, index) => Err(Fault(format!(
                "`{expr}` cannot index {} with {}",
                base.type_name(),
                index.type_name()
            ))),
        }
    }

    pub(super) fn member(&self, base: Val<'a>, name: &str, expr: &'a Expr) -> Evaluated<Val<'a>> {
        match base {
            Val::Object(map) => Ok(map
                .get(name)
                .map_or_else(|| self.absent(expr), Val::from_json)),
            // Reported by its whole path, which is what the operator has to add.
            Val::Absent(absence) => Ok(Val::Absent(Absence {
                origin: absence.origin,
                expr,
            })),
            Val::Unknown(absence) => Ok(Val::Unknown(absence)),
            other => Err(Fault(format!(
                "`{expr}` looks for a field in {}",
                other.type_name()
            ))),
        }
    }

    /// A limit by name: under each capability of the pack, then its family, flat or nested; then the root. `Err`
    /// when it is one of a capability that the agent does not hold: it grants nothing, nor does what comes after.
    fn limit_of(&self, name: &str) -> Result<Option<Val<'a>>, ()> {
        if let Some(found) = self.limit_exact(name)? {
            return Ok(Some(Val::from_json(found)));
        }
        if name == "supported_currencies" {
            let limits = self.limit_exact("currency_limits")?;
            return Ok(limits.and_then(Value::as_object).map(Val::Keys));
        }
        match crate::passport::alias::of(name) {
            Some(other) => Ok(self.limit_exact(other)?.map(Val::from_json)),
            None => Ok(None),
        }
    }

    fn limit_exact(&self, name: &str) -> Result<Option<&'a Value>, ()> {
        let (pack, passport) = (self.scene.pack, self.scene.passport);
        let Some(limits) = self.limits() else {
            return Ok(None);
        };
        for scope in pack.limit_scopes() {
            let flat = limits.get(scope).and_then(|limits| limits.get(name));
            let nested = || {
                let mut parts = scope.split('.');
                let first = limits.get(parts.next()?)?;
                parts.try_fold(first, |at, part| at.get(part))?.get(name)
            };
            if let Some(found) = flat.or_else(nested) {
                let grants = passport.has_capability(scope) || !pack.names_capability(scope);
                return if grants { Ok(Some(found)) } else { Err(()) };
            }
        }
        Ok(limits.get(name))
    }

    fn limit_path(&self, run: &[&'a str], expr: &'a Expr) -> Evaluated<Val<'a>> {
        let walk = |start: Val<'a>, rest: &[&str]| {
            rest.iter()
                .try_fold(start, |at, name| self.member(at, name, expr))
        };
        let [first, rest @ ..] = run else {
            return Ok(self.absent(expr));
        };
        let direct = match self.limit_of(first) {
            Ok(Some(start)) => Some(walk(start, rest)?),
            Ok(None) => None,
            Err(()) => return Ok(self.not_granted(expr)),
        };
        if let Some(found) = direct
            && found.absence().is_none()
        {
            return Ok(found);
        }
        // `limits.data.report.ingest.x` where the passport has the flat key `data.report.ingest`.
        for length in 2..=run.len() {
            let (key, rest) = run.split_at(length);
            if let Some(start) = self.limits().and_then(|limits| limits.get(&key.join("."))) {
                let found = walk(Val::from_json(start), rest)?;
                if found.absence().is_none() {
                    return Ok(found);
                }
            }
        }
        Ok(self.absent(expr))
    }
}

/// Whether this is `limits`, by either name.
pub(super) fn is_limits(expr: &Expr) -> bool {
    let mut run = Vec::new();
    limit_run(expr, &mut run) && run.is_empty()
}

/// Whether the path starts at the limits; gathers the fields from there on.
pub(super) fn limit_run<'e>(expr: &'e Expr, run: &mut Vec<&'e str>) -> bool {
    match expr {
        Expr::Root(Root::Limits) => true,
        Expr::Field(of, name) if matches!(**of, Expr::Root(Root::Passport)) => name == "limits",
        Expr::Field(of, name) => {
            let starts = limit_run(of, run);
            run.push(name);
            starts
        }
        _ => false,
    }
}
