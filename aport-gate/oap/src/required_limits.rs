//! Limits that a pack lists in `limits_required`: a passport that lacks one is denied, whatever rule or validator would
//! have read it. Names that nothing reads are left to [`Pack::check`]: published passports do not set them.

use crate::condition::ast::{Expr, Root};
use crate::condition::bound::LimitPaths;
use crate::condition::evaluator::{Evaluator, Scene};
use crate::condition::fields::FieldNames;
use crate::condition::program::Program;
use crate::condition::value::{Origin, Val};
use crate::condition::weigh::is_limit;
use crate::pack::Body;
use crate::passport::alias;
use crate::reason::missing;
use crate::validator::{Call, Validator};
use crate::{Pack, Reason, ReasonDetails};
use serde_json::Value;

/// One of them, and what reads it.
#[derive(Clone, Debug)]
pub(crate) struct RequiredLimit {
    name: String,
    readers: Vec<Reader>,
}

#[derive(Clone, Debug)]
struct Reader {
    /// Position of the rule.
    rule: usize,
    by: By,
}

#[derive(Clone, Debug)]
enum By {
    /// A path of a condition: as text, and as what finds it.
    Path(String, Program),
    Validator(Validator),
}

/// Those of a pack that something reads.
pub(crate) fn of_pack(
    pack: &Pack,
    fields: &mut FieldNames,
    limits: &mut LimitPaths,
) -> Vec<RequiredLimit> {
    let names = pack.as_value().get("limits_required");
    let names = names.and_then(Value::as_array).into_iter().flatten();
    let mut all: Vec<RequiredLimit> = Vec::new();
    for name in names.filter_map(Value::as_str).take(MOST) {
        let mut readers = Vec::new();
        for (rule, one) in pack.rules().iter().enumerate() {
            match &one.body {
                Body::Condition(condition) => {
                    let mut paths = Vec::new();
                    gather(&condition.0, name, &mut Vec::new(), &mut paths);
                    readers.extend(paths.into_iter().map(|path| {
                        let program = Program::new(path, pack, fields, limits);
                        let by = By::Path(path.to_string(), program);
                        Reader { rule, by }
                    }));
                }
                Body::Validator(validator) if validator.reads_limit(name) => readers.push(Reader {
                    rule,
                    by: By::Validator(*validator),
                }),
                Body::Validator(_) | Body::Unevaluable(_) => {}
            }
        }
        readers.truncate(MOST_READERS);
        if !readers.is_empty() && !all.iter().any(|known| known.name == name) {
            all.push(RequiredLimit {
                name: name.to_owned(),
                readers,
            });
        }
    }
    all
}

/// Most names that are looked for, and most places of each. Published packs have six names at most.
const MOST: usize = 100;
const MOST_READERS: usize = 16;

/// The paths into the limits that end in this name, or in its other one.
fn gather<'e>(expr: &'e Expr, name: &str, bound: &mut Vec<&'e str>, found: &mut Vec<&'e Expr>) {
    let named = |last: &str| last == name || alias::of(last) == Some(name);
    let is_it = match expr {
        Expr::Field(of, last) => {
            named(last) && (is_limit(of) || matches!(**of, Expr::Root(Root::Limits)))
        }
        Expr::Index(of, last) => matches!(&**last, Expr::Str(last) if named(last)) && is_limit(of),
        _ => false,
    };
    if is_it {
        let mut free = true;
        expr.walk(&mut |part| {
            free &= !matches!(part, Expr::Name(name) if bound.contains(&name.as_str()));
        });
        if free && !found.contains(&expr) {
            found.push(expr);
        }
    }
    match expr {
        Expr::Quantified {
            body,
            variable,
            list,
            ..
        } => {
            gather(list, name, bound, found);
            bound.push(variable);
            gather(body, name, bound, found);
            bound.pop();
        }
        _ => {
            for child in expr.children() {
                gather(child, name, bound, found);
            }
        }
    }
}

/// A reason for each that the passport lacks and no rule has told.
pub(crate) fn lacking<'a>(machine: &mut Evaluator<'a>, reasons: &[Reason]) -> Vec<Reason> {
    let mut lacking = Vec::new();
    let scene = machine.scene;
    let pack: &'a Pack = scene.pack;
    for limit in pack.required_limits() {
        let (mut first, mut set) = (None, false);
        for reader in &limit.readers {
            let rule = pack.rules().get(reader.rule);
            let Some(rule) = rule.filter(|rule| !rule.is_waived()) else {
                continue;
            };
            if first.is_none() {
                first = Some((rule, reader));
            }
            set = reader.by.finds(&limit.name, scene, machine);
            if set {
                break;
            }
        }
        if let Some((rule, reader)) = first
            && !set
            && !reasons.iter().any(|known| limit.is_told(known))
        {
            let name = &limit.name;
            let message = format!(
                "the passport sets no `limits.{name}`, which the pack asks for in `limits_required`"
            );
            let reason = missing(rule, format!("limits.{name}"), message);
            let code = match reader.by {
                // Its own code says that a name is taken.
                By::Validator(Validator::ToolUniqueness) => "oap.limit_exceeded".to_owned(),
                _ => reason.code,
            };
            lacking.push(Reason { code, ..reason });
        }
    }
    lacking
}

impl RequiredLimit {
    fn is_told(&self, reason: &Reason) -> bool {
        let Some(ReasonDetails {
            field: Some(field),
            actual: None,
            ..
        }) = &reason.details
        else {
            return false;
        };
        field.strip_prefix("limits.") == Some(&self.name)
            || self.readers.iter().any(|reader| match &reader.by {
                By::Path(path, _) => field.starts_with(path.as_str()),
                By::Validator(_) => false,
            })
    }
}

impl By {
    /// Whether the passport has what it reads. What only the context could tell is not missing.
    fn finds<'a>(&'a self, name: &str, scene: Scene<'a>, machine: &mut Evaluator<'a>) -> bool {
        match self {
            // Nearly always it is there, and at hand.
            Self::Path(_, program) if program.finds(machine) => true,
            Self::Path(_, program) => {
                machine.restart();
                match program.eval(machine) {
                    Ok(Val::Null) => false,
                    Ok(value) => value
                        .absence()
                        .is_none_or(|absence| absence.origin != Origin::Limit),
                    Err(_) => true,
                }
            }
            Self::Validator(validator) => validator.has_limit(name, &Call::new(scene)),
        }
    }
}
