//! Conditions in the form that decisions run: names resolved, constants folded, limits and counters found by
//! position. It answers as the walk over the syntax tree does, which explains denials and which tests hold
//! against it.

use super::ast::{Expr, Function, Method, Operator};
use super::evaluator::{Evaluated, Evaluator, not, overflow, settle};
use super::truth::Counts;
use super::value::{Fault, Truth, Val};
use crate::AssuranceLevel;
use serde_json::{Map, Value};

/// A condition of one pack, compiled.
#[derive(Clone, Debug)]
pub(crate) struct Program(pub(super) Node);

/// A step that can miss something or fault keeps the expression it came from, for the report.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// A constant without parts.
    Plain(Val<'static>),
    Text(String),
    /// A list of constants.
    Constants(Vec<Value>),
    List(Box<[Node]>),
    Context,
    /// By position in the pack's field names.
    ContextField(usize, Expr),
    Passport(Expr),
    Limits(Expr),
    Policy(Expr),
    PassportLevel,
    PackLevel(AssuranceLevel),
    Capabilities(Expr),
    /// By position in the pack's limit paths.
    Limit(usize, Expr),
    Counter(usize, Expr),
    CounterOf(usize, Box<Node>, Expr),
    RecentKeys,
    /// A bound variable, counted from the innermost.
    Variable(usize),
    Member(Box<Node>, String, Expr),
    Index {
        of: Box<Node>,
        index: Box<Node>,
        of_limits: bool,
        expr: Expr,
    },
    /// A path where true or false is wanted.
    Truth(Box<Node>, Counts, Expr),
    Not(Box<Node>),
    Negate(Box<Node>, Expr),
    And(Box<[Node]>),
    Or(Box<[Node]>),
    Binary(Operator, Box<(Node, Node)>, Expr),
    IsEmpty {
        negated: bool,
        of: Box<Node>,
        expr: Expr,
    },
    Quantified {
        every: bool,
        body: Box<Node>,
        /// Nodes in the body, which each item pays for.
        size: usize,
        variable: String,
        list: Box<Node>,
        expr: Expr,
    },
    Call(Function, Box<[Node]>, Expr),
    Method(Box<Node>, Method, Box<[Node]>, Expr),
}

impl Program {
    /// The value as a condition.
    pub(crate) fn truth<'a>(&'a self, machine: &mut Evaluator<'a>) -> Evaluated<Truth<'a>> {
        self.0.truth(machine)
    }

    pub(crate) fn eval<'a>(&'a self, machine: &mut Evaluator<'a>) -> Evaluated<Val<'a>> {
        self.0.eval(machine)
    }

    /// Whether it is a path to something that is there and not `null`, as far as can be told without a step.
    pub(crate) fn finds<'a>(&'a self, machine: &mut Evaluator<'a>) -> bool {
        self.0.json(machine).is_some_and(|value| !value.is_null())
    }
}

impl Node {
    fn truth<'a>(&'a self, machine: &mut Evaluator<'a>) -> Evaluated<Truth<'a>> {
        match self {
            Self::Not(of) => of.truth(machine).map(not),
            Self::And(items) => junction(items, false, machine),
            Self::Or(items) => junction(items, true, machine),
            Self::Binary(operator, sides, expr) => {
                let answer = binary(*operator, sides, expr, machine)?;
                Ok(answer.truth())
            }
            Self::Truth(of, counts, expr) => match &**of {
                // Absent alone is false, whatever it is that is absent.
                Self::ContextField(position, _) if machine.field_at(*position).is_none() => {
                    Ok(Truth::False)
                }
                of => counts.weigh(&of.eval(machine)?, expr),
            },
            _ => self.eval(machine).map(|value| value.truth()),
        }
    }

    /// The part of a document that this is, where it is there and nothing but a path leads to it.
    fn json<'a>(&'a self, machine: &mut Evaluator<'a>) -> Option<&'a Value> {
        match self {
            Self::ContextField(position, _) => machine.field_at(*position),
            Self::Limit(position, _) => machine.scene.limits?.value(*position),
            Self::Member(of, name, _) => of.json(machine)?.as_object()?.get(name),
            Self::Index {
                of,
                index,
                of_limits: false,
                ..
            } => {
                let of: &'a Map<String, Value> = of.json(machine)?.as_object()?;
                of.get(index.json(machine)?.as_str()?)
            }
            _ => None,
        }
    }

    fn eval<'a>(&'a self, machine: &mut Evaluator<'a>) -> Evaluated<Val<'a>> {
        match self.json(machine) {
            Some(value) => Ok(Val::from_json(value)),
            None => self.walk(machine),
        }
    }

    /// Step by step. Nodes that [`Self::json`] goes through are not tried by it again, or a long path that misses
    /// something would cost the square of its length.
    fn walk<'a>(&'a self, machine: &mut Evaluator<'a>) -> Evaluated<Val<'a>> {
        match self {
            Self::Plain(value) => Ok(value.clone()),
            Self::Text(text) => Ok(Val::Str(text.as_str().into())),
            Self::Constants(items) => Ok(Val::List(items)),
            Self::List(items) => list(items, machine),
            Self::Context => Ok(Val::Object(machine.scene.context)),
            Self::ContextField(position, expr) => {
                let found = machine.field_at(*position);
                Ok(found.map_or_else(|| machine.absent(expr), Val::from_json))
            }
            Self::Passport(expr) => Ok(machine.object(machine.scene.passport.as_value(), expr)),
            Self::Policy(expr) => Ok(machine.object(machine.scene.pack.as_value(), expr)),
            Self::Limits(expr) => Ok(machine
                .limits()
                .map_or_else(|| machine.absent(expr), Val::Object)),
            Self::PassportLevel => Ok(Val::Level(machine.scene.passport.assurance_level())),
            Self::PackLevel(level) => Ok(Val::Level(*level)),
            Self::Capabilities(expr) => Ok(machine.capabilities(expr)),
            Self::Limit(position, expr) => machine.limit(*position, expr),
            Self::Counter(counter, expr) => machine.counter(*counter, expr),
            Self::CounterOf(counter, key, expr) => {
                let key = key.eval(machine)?;
                machine.counter_of(*counter, key, expr)
            }
            Self::RecentKeys => Ok(Val::RecentKeys),
            Self::Variable(depth) => machine.variable_at(*depth),
            Self::Member(of, name, expr) => {
                let base = of.walk(machine)?;
                machine.member(base, name, expr)
            }
            Self::Index {
                of,
                index,
                of_limits,
                expr,
            } => {
                let base = of.walk(machine)?;
                let index = index.walk(machine)?;
                match (&base, &index) {
                    (Val::Object(_), Val::Str(key)) if *of_limits => {
                        Ok(machine.limit_named(key, expr))
                    }
                    _ => machine.indexed(base, index, expr),
                }
            }
            Self::Truth(..) | Self::Not(_) | Self::And(_) | Self::Or(_) => {
                self.truth(machine).map(Val::bool)
            }
            Self::Negate(of, expr) => negate(of.eval(machine)?, expr),
            Self::Binary(operator, sides, expr) => binary(*operator, sides, expr, machine),
            Self::IsEmpty { negated, of, expr } => {
                let value = of.eval(machine)?;
                machine.is_empty(value, *negated, expr)
            }
            Self::Quantified {
                every,
                body,
                size,
                variable,
                list,
                expr,
            } => {
                let list = list.eval(machine)?;
                machine.quantify(*every, variable, list, expr, &mut |machine| {
                    machine.spend(*size)?;
                    body.truth(machine)
                })
            }
            Self::Call(function, arguments, expr) => {
                let values = values(arguments, machine)?;
                machine.apply(*function, &values, expr)
            }
            Self::Method(of, method, arguments, expr) => {
                let of = of.eval(machine)?;
                let values = values(arguments, machine)?;
                machine.invoke(&of, *method, &values, expr)
            }
        }
    }
}

fn binary<'a>(
    operator: Operator,
    sides: &'a (Node, Node),
    expr: &'a Expr,
    machine: &mut Evaluator<'a>,
) -> Evaluated<Val<'a>> {
    let parts = (sides.0.json(machine), sides.1.json(machine));
    if let (Some(left), Some(right)) = parts
        && let Some(answer) = plain(operator, left, right, machine)?
    {
        return Ok(Val::Bool(answer));
    }
    let left = match parts.0 {
        Some(value) => Val::from_json(value),
        None => sides.0.walk(machine)?,
    };
    let right = match parts.1 {
        Some(value) => Val::from_json(value),
        None => sides.1.walk(machine)?,
    };
    machine.binary(operator, &left, &right, expr)
}

/// What rules ask most: two integers, two short texts, a text and a list. None for all else. Paid for as
/// [`Evaluator::equal`] does.
fn plain(
    operator: Operator,
    left: &Value,
    right: &Value,
    machine: &mut Evaluator<'_>,
) -> Evaluated<Option<bool>> {
    const SHORT: usize = 64;
    let answer = match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            let (Some(left), Some(right)) = (left.as_i64(), right.as_i64()) else {
                return Ok(None);
            };
            match operator {
                Operator::Less => left < right,
                Operator::LessEqual => left <= right,
                Operator::Greater => left > right,
                Operator::GreaterEqual => left >= right,
                _ => return Ok(None),
            }
        }
        (Value::String(left), Value::String(right)) if left.len() < SHORT => {
            let equal = match operator {
                Operator::Equal => true,
                Operator::NotEqual => false,
                _ => return Ok(None),
            };
            machine.spend(1)?;
            (left == right) == equal
        }
        (Value::String(one), Value::Array(items)) if one.len() < SHORT => {
            let negated = match operator {
                Operator::In => false,
                Operator::NotIn => true,
                _ => return Ok(None),
            };
            let mut found = false;
            for item in items {
                machine.spend(1)?;
                if item.as_str() == Some(one) {
                    found = true;
                    break;
                }
            }
            found != negated
        }
        _ => return Ok(None),
    };
    Ok(Some(answer))
}

fn junction<'a>(
    items: &'a [Node],
    deciding: bool,
    machine: &mut Evaluator<'a>,
) -> Evaluated<Truth<'a>> {
    let mut unknown = None;
    for item in items {
        let truth = item.truth(machine)?;
        if settle(truth, deciding, &mut unknown).is_some() {
            return Ok(truth);
        }
    }
    Ok(match (unknown, deciding) {
        (Some(absence), _) => Truth::Unknown(absence),
        (None, true) => Truth::False,
        (None, false) => Truth::True,
    })
}

fn list<'a>(items: &'a [Node], machine: &mut Evaluator<'a>) -> Evaluated<Val<'a>> {
    let items = values(items, machine)?;
    Ok(match items.iter().find_map(Val::absence) {
        Some(absence) => Val::Unknown(absence),
        None => Val::Items(items),
    })
}

fn values<'a>(nodes: &'a [Node], machine: &mut Evaluator<'a>) -> Evaluated<Vec<Val<'a>>> {
    nodes.iter().map(|node| node.eval(machine)).collect()
}

/// The number with its sign turned.
pub(super) fn negate<'a>(value: Val<'a>, expr: &Expr) -> Evaluated<Val<'a>> {
    match value {
        Val::Int(value) => value
            .checked_neg()
            .map(Val::Int)
            .ok_or_else(|| overflow(expr)),
        Val::Float(value) => Ok(Val::Float(-value)),
        value => match value.absence() {
            Some(absence) => Ok(Val::Unknown(absence)),
            None => Err(Fault(format!(
                "`{expr}` needs a number, found {}",
                value.type_name()
            ))),
        },
    }
}
