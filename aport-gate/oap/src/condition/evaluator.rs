//! Walks a condition. Three-valued: what is absent alone is false, what is made from it is unknown.

use super::ast::{Expr, Operator, Root};
use super::bound::BoundLimits;
use super::fields::Fields;
use super::limits::LimitScopes;
use super::program::negate;
use super::value::{Fault, Truth, Val};
use crate::counter::Reading;
use crate::{Pack, Passport};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// Steps that one condition may take: nodes visited, items compared, text searched.
const BUDGET: u32 = 100_000;

/// Steps that all conditions of one decision may take. Rules and lists are many enough to make a decision slow that no
/// single condition does.
const ALL: u32 = 2_000_000;

/// All that a condition can see.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) pack: &'a Pack,
    pub(crate) passport: &'a Passport,
    pub(crate) context: &'a Map<String, Value>,
    pub(crate) now: Timestamp,
    /// The context's fields by position, where somebody has read them already.
    pub(crate) fields: Option<&'a Fields<'a>>,
    /// The passport's limits by position, where somebody has them already.
    pub(crate) limits: Option<&'a BoundLimits>,
    pub(crate) readings: &'a [Reading<'a>],
    pub(crate) idempotency_key: Option<&'a str>,
    pub(crate) key_seen: bool,
}

impl<'a> Scene<'a> {
    /// A field of the context.
    pub(crate) fn field(&self, name: &str) -> Option<&'a Value> {
        match (self.fields, self.pack.field_names().position(name)) {
            (Some(fields), Some(position)) => fields.get(position),
            _ => self.context.get(name),
        }
    }
}

pub(crate) type Evaluated<T> = Result<T, Fault>;

/// Runs the conditions of one decision. This file walks the syntax tree itself; `program.rs` runs the compiled
/// form on the same ground.
pub(crate) struct Evaluator<'a> {
    pub(crate) scene: Scene<'a>,
    pub(super) variables: Vec<(&'a str, Val<'a>)>,
    pub(super) scopes: Option<LimitScopes<'a>>,
    fields: Option<Fields<'a>>,
    budget: u32,
    /// What the condition was given, and what is left for the next ones.
    given: u32,
    left: u32,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(scene: Scene<'a>) -> Self {
        Self {
            scene,
            variables: Vec::new(),
            scopes: None,
            fields: None,
            budget: BUDGET,
            given: BUDGET,
            left: ALL,
        }
    }

    /// A field of the context, by its position among the pack's names.
    pub(super) fn field_at(&mut self, position: usize) -> Option<&'a Value> {
        let scene = &self.scene;
        if let Some(fields) = scene.fields {
            return fields.get(position);
        }
        let read = || scene.pack.field_names().read(scene.context);
        self.fields.get_or_insert_with(read).get(position)
    }

    /// Gives the next condition a budget of its own.
    pub(crate) fn restart(&mut self) {
        self.variables.clear();
        let taken = self.given.saturating_sub(self.budget);
        self.left = self.left.saturating_sub(taken);
        self.given = self.left.min(BUDGET);
        self.budget = self.given;
    }

    pub(super) fn spend(&mut self, steps: usize) -> Evaluated<()> {
        let left = u32::try_from(steps)
            .ok()
            .and_then(|steps| self.budget.checked_sub(steps));
        self.budget = left.unwrap_or(0);
        left.map(|_| ()).ok_or_else(|| {
            Fault(match self.given {
                BUDGET => format!("takes more than {BUDGET} steps"),
                _ => format!(
                    "the rules take more than {ALL} steps together; ask less, or of shorter lists"
                ),
            })
        })
    }

    /// The value as a condition.
    pub(crate) fn truth(&mut self, expr: &'a Expr) -> Evaluated<Truth<'a>> {
        self.eval(expr).map(|value| value.truth())
    }

    pub(crate) fn eval(&mut self, expr: &'a Expr) -> Evaluated<Val<'a>> {
        self.spend(1)?;
        match expr {
            Expr::Null => Ok(Val::Null),
            Expr::Bool(value) => Ok(Val::Bool(*value)),
            Expr::Int(value) => Ok(Val::Int(*value)),
            Expr::Float(value) => Ok(Val::Float(*value)),
            Expr::Str(text) => Ok(Val::Str(text.as_str().into())),
            Expr::List(items) => {
                let items = self.values(items)?;
                Ok(match items.iter().find_map(Val::absence) {
                    Some(absence) => Val::Unknown(absence),
                    None => Val::Items(items),
                })
            }
            Expr::Root(root) => Ok(self.root(*root, expr)),
            Expr::Name(name) => self.name(name, expr),
            Expr::Field(of, name) => self.field(of, name, expr),
            Expr::Index(of, index) => self.index(of, index, expr),
            Expr::Not(of) => Ok(Val::bool(not(self.truth(of)?))),
            Expr::Truth(of, counts) => {
                let value = self.eval(of)?;
                counts.weigh(&value, of).map(Val::bool)
            }
            Expr::Negate(of) => negate(self.eval(of)?, expr),
            Expr::And(items) => self.junction(items, false),
            Expr::Or(items) => self.junction(items, true),
            Expr::Binary(operator, a, b) => {
                let (left, right) = (self.eval(a)?, self.eval(b)?);
                self.binary(*operator, &left, &right, expr)
            }
            Expr::IsEmpty { negated, of } => {
                let value = self.eval(of)?;
                self.is_empty(value, *negated, expr)
            }
            Expr::Quantified {
                every,
                body,
                variable,
                list,
            } => {
                let list = self.eval(list)?;
                self.quantify(*every, variable, list, expr, &mut |walk| walk.truth(body))
            }
            Expr::Call(function, arguments) => {
                let values = self.values(arguments)?;
                self.apply(*function, &values, expr)
            }
            Expr::Method(of, method, arguments) => {
                let of = self.eval(of)?;
                let values = self.values(arguments)?;
                self.invoke(&of, *method, &values, expr)
            }
        }
    }

    fn values(&mut self, items: &'a [Expr]) -> Evaluated<Vec<Val<'a>>> {
        items.iter().map(|item| self.eval(item)).collect()
    }

    /// Kleene: one deciding operand decides; else one unknown operand makes it unknown.
    fn junction(&mut self, items: &'a [Expr], deciding: bool) -> Evaluated<Val<'a>> {
        let mut unknown = None;
        for item in items {
            let truth = self.truth(item)?;
            if let Some(decided) = settle(truth, deciding, &mut unknown) {
                return Ok(decided);
            }
        }
        Ok(unknown.map_or(Val::Bool(!deciding), Val::Unknown))
    }

    pub(super) fn quantify(
        &mut self,
        every: bool,
        variable: &'a str,
        list: Val<'a>,
        expr: &'a Expr,
        body: &mut dyn FnMut(&mut Self) -> Evaluated<Truth<'a>>,
    ) -> Evaluated<Val<'a>> {
        if let Some(absence) = list.absence() {
            return Ok(Val::Unknown(absence));
        }
        let mut unknown = None;
        for item in self.items(list, expr)? {
            self.variables.push((variable, item));
            let truth = body(self);
            self.variables.pop();
            if let Some(decided) = settle(truth?, !every, &mut unknown) {
                return Ok(decided);
            }
        }
        Ok(unknown.map_or(Val::Bool(every), Val::Unknown))
    }

    pub(super) fn is_empty(
        &mut self,
        value: Val<'a>,
        negated: bool,
        expr: &'a Expr,
    ) -> Evaluated<Val<'a>> {
        let empty = match value {
            Val::Null => true,
            Val::Str(text) => text.is_empty(),
            Val::List(items) | Val::Capabilities(items) => items.is_empty(),
            Val::Items(items) => items.is_empty(),
            Val::Object(map) | Val::Keys(map) => map.is_empty(),
            Val::Absent(absence) | Val::Unknown(absence) => return Ok(Val::Unknown(absence)),
            other => {
                let found = other.type_name();
                return Err(Fault(format!(
                    "`{expr}` needs a string, list or object, found {found}"
                )));
            }
        };
        Ok(Val::Bool(empty != negated))
    }

    /// The items of a list, each paid for.
    pub(super) fn items(&mut self, list: Val<'a>, expr: &'a Expr) -> Evaluated<Vec<Val<'a>>> {
        match list {
            Val::List(items) | Val::Capabilities(items) => {
                self.spend(items.len())?;
                Ok(items.iter().map(Val::from_json).collect())
            }
            Val::Items(items) => Ok(items),
            Val::Keys(map) => {
                self.spend(map.len())?;
                Ok(map
                    .keys()
                    .map(|key| Val::Str(key.as_str().into()))
                    .collect())
            }
            other => Err(Fault(format!(
                "`{expr}` needs a list, found {}",
                other.type_name()
            ))),
        }
    }

    pub(super) fn binary(
        &mut self,
        operator: Operator,
        left: &Val<'a>,
        right: &Val<'a>,
        expr: &'a Expr,
    ) -> Evaluated<Val<'a>> {
        match (left.absence(), right.absence()) {
            (Some(a), Some(b)) => Ok(Val::Unknown(a.or(b))),
            (Some(absence), None) | (None, Some(absence)) => Ok(Val::Unknown(absence)),
            (None, None) => self.operate(operator, left, right, expr),
        }
    }

    fn root(&self, root: Root, expr: &'a Expr) -> Val<'a> {
        match root {
            Root::Context => Val::Object(self.scene.context),
            Root::Passport => self.object(self.scene.passport.as_value(), expr),
            Root::Limits => self.limits().map_or_else(|| self.absent(expr), Val::Object),
            Root::Policy => self.object(self.scene.pack.as_value(), expr),
        }
    }

    pub(super) fn object(&self, value: &'a Value, expr: &'a Expr) -> Val<'a> {
        let object = value.as_object();
        object.map_or_else(|| self.absent(expr), Val::Object)
    }
}

pub(super) fn overflow(expr: &Expr) -> Fault {
    Fault(format!("`{expr}` overflows"))
}

pub(super) fn not(truth: Truth<'_>) -> Truth<'_> {
    match truth {
        Truth::True => Truth::False,
        Truth::False => Truth::True,
        unknown @ Truth::Unknown(_) => unknown,
    }
}

pub(super) fn settle<'a>(
    truth: Truth<'a>,
    deciding: bool,
    unknown: &mut Option<super::value::Absence<'a>>,
) -> Option<Val<'a>> {
    match truth {
        Truth::True if deciding => Some(Val::Bool(true)),
        Truth::False if !deciding => Some(Val::Bool(false)),
        Truth::Unknown(absence) => {
            *unknown = Some(unknown.map_or(absence, |earlier| earlier.or(absence)));
            None
        }
        _ => None,
    }
}
