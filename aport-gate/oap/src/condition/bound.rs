//! The limits that a pack's rules name, resolved once for a passport and kept with it: a decision then finds them by
//! position. Only limits that are there and small are kept. All else is looked up as before, so that what is missing
//! or not granted is told apart in one place.

use super::ast::Expr;
use super::evaluator::{Evaluator, Scene};
use super::limits::LimitName;
use super::value::Val;
use crate::{Digest, Pack, Passport};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// Most packs that a passport keeps limits for. Under further ones they are looked up for every decision.
const MOST_PACKS: usize = 4;
/// Most bytes that are kept for one pack, roughly.
const MOST_BYTES: usize = 4 * 1024;

/// The paths into the limits that a pack's rules name, by position.
#[derive(Clone, Debug, Default)]
pub(crate) struct LimitPaths {
    paths: Vec<(Vec<LimitName>, Expr)>,
    /// Their positions by their names.
    known: HashMap<Vec<String>, usize>,
}

/// What a passport has at each path of one pack.
#[derive(Debug)]
pub(crate) struct BoundLimits(Box<[Option<Bound>]>);

#[derive(Debug)]
enum Bound {
    Value(Value),
    /// The keys of an object, as a list.
    Keys(Map<String, Value>),
}

/// The limits of one passport under the first few packs that judged it. Clones share them: what a passport takes
/// over from its parent is no limit.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeptLimits(Arc<Link>);

type Link = OnceLock<Box<Kept>>;

#[derive(Debug)]
struct Kept {
    pack: Digest,
    limits: BoundLimits,
    next: Link,
}

impl LimitPaths {
    /// The position of a path, a new one where it was not met before.
    pub(super) fn intern(&mut self, run: Vec<LimitName>, expr: &Expr) -> usize {
        let names = run.iter().map(|step| step.name().to_owned()).collect();
        let next = self.paths.len();
        let position = *self.known.entry(names).or_insert(next);
        if position == next {
            self.paths.push((run, expr.clone()));
        }
        position
    }

    pub(super) fn get(&self, position: usize) -> &[LimitName] {
        self.paths.get(position).map_or(&[], |(run, _)| run)
    }
}

impl BoundLimits {
    fn new(pack: &Pack, passport: &Passport) -> Self {
        // A limit depends on nothing else of a request.
        let context = Map::new();
        let mut machine = Evaluator::new(Scene {
            pack,
            passport,
            context: &context,
            now: Timestamp::UNIX_EPOCH,
            fields: None,
            limits: None,
            readings: &[],
            idempotency_key: None,
            key_seen: false,
        });
        let mut left = MOST_BYTES;
        let mut bind = |(run, expr)| Bound::of(machine.limit_at(run, expr).ok()?, &mut left);
        let paths = pack.limit_paths().paths.iter();
        Self(paths.map(|(run, expr)| bind((run, expr))).collect())
    }

    /// The value, where it is a plain one.
    pub(super) fn value(&self, position: usize) -> Option<&Value> {
        match self.0.get(position)? {
            Some(Bound::Value(value)) => Some(value),
            _ => None,
        }
    }

    pub(super) fn get(&self, position: usize) -> Option<Val<'_>> {
        Some(match self.0.get(position)?.as_ref()? {
            Bound::Value(value) => Val::from_json(value),
            Bound::Keys(map) => Val::Keys(map),
        })
    }
}

impl Bound {
    /// None for what is not there, or does not fit into the bytes that are left.
    fn of(found: Val<'_>, left: &mut usize) -> Option<Self> {
        let weight = match &found {
            Val::Null | Val::Bool(_) | Val::Int(_) | Val::Float(_) => NODE,
            Val::Str(text) => NODE + text.len(),
            Val::List(items) => items.iter().map(weight).sum(),
            Val::Object(map) | Val::Keys(map) => members(map),
            _ => return None,
        };
        *left = left.checked_sub(weight)?;
        Some(match found {
            Val::Keys(map) => Self::Keys(map.clone()),
            found => Self::Value(found.to_json()),
        })
    }
}

impl KeptLimits {
    /// The limits of `passport`, whose own these are, under `pack`.
    pub(crate) fn under(&self, pack: &Pack, passport: &Passport) -> Option<&BoundLimits> {
        if pack.limit_paths().paths.is_empty() {
            return None;
        }
        let mut link = &*self.0;
        for _ in 0..MOST_PACKS {
            let kept = link.get_or_init(|| {
                Box::new(Kept {
                    pack: pack.digest(),
                    limits: BoundLimits::new(pack, passport),
                    next: Link::new(),
                })
            });
            // By digest, not by id: a pack that was loaded anew may name other limits.
            if kept.pack == pack.digest() {
                return Some(&kept.limits);
            }
            link = &kept.next;
        }
        None
    }
}

/// Bytes that one value takes, roughly.
const NODE: usize = 32;

fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => NODE + text.len(),
        Value::Array(items) => NODE + items.iter().map(weight).sum::<usize>(),
        Value::Object(map) => members(map),
        _ => NODE,
    }
}

fn members(map: &Map<String, Value>) -> usize {
    let each = map
        .iter()
        .map(|(key, value)| NODE + key.len() + weight(value));
    NODE + each.sum::<usize>()
}
