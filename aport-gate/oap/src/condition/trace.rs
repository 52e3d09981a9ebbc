//! The parts of a condition and their values, for people.

use super::ast::Expr;
use super::evaluator::{Evaluator, Scene};
use super::explain::absence;
use super::value::Val;
use crate::explanation::Operand;
use crate::reason::bounded;

/// Paths, calls and sums of the condition with their values, each once, in the order of the text. What stands
/// inside a quantifier depends on its variable and is left out; its list is shown.
pub(crate) fn operands(expr: &Expr, scene: Scene<'_>) -> Vec<Operand> {
    let mut found = Vec::new();
    gather(expr, scene, &mut found);
    found
}

fn gather(expr: &Expr, scene: Scene<'_>, found: &mut Vec<Operand>) {
    match expr {
        Expr::Null | Expr::Bool(_) | Expr::Int(_) | Expr::Float(_) | Expr::Str(_) => {}
        Expr::Not(of) | Expr::Truth(of, _) | Expr::IsEmpty { of, .. } => gather(of, scene, found),
        Expr::And(items) | Expr::Or(items) => {
            items.iter().for_each(|item| gather(item, scene, found));
        }
        Expr::Binary(operator, a, b) if !operator.is_arithmetic() => {
            gather(a, scene, found);
            gather(b, scene, found);
        }
        Expr::Quantified { list, .. } => {
            gather(list, scene, found);
            push(expr, scene, found);
        }
        Expr::Method(of, _, arguments) => {
            gather(of, scene, found);
            arguments
                .iter()
                .for_each(|argument| gather(argument, scene, found));
            push(expr, scene, found);
        }
        Expr::Binary(_, a, b) => {
            gather(a, scene, found);
            gather(b, scene, found);
            push(expr, scene, found);
        }
        Expr::Call(_, arguments) => {
            arguments
                .iter()
                .for_each(|argument| gather(argument, scene, found));
            push(expr, scene, found);
        }
        Expr::Index(_, index) => {
            gather(index, scene, found);
            push(expr, scene, found);
        }
        Expr::Negate(_) | Expr::List(_) | Expr::Root(_) | Expr::Name(_) | Expr::Field(..) => {
            push(expr, scene, found);
        }
    }
}

fn push(expr: &Expr, scene: Scene<'_>, found: &mut Vec<Operand>) {
    let expression = expr.to_string();
    if matches!(expr, Expr::List(_)) || found.iter().any(|known| known.expression == expression) {
        return;
    }
    let (value, note) = match Evaluator::new(scene).eval(expr) {
        // A set that is never read out: what a rule can ask it is said.
        Ok(Val::RecentKeys) => (None, Some(of_key(scene).to_owned())),
        Ok(value) => match value.absence() {
            Some(missing) => (None, Some(absence(missing).1)),
            None => (Some(bounded(value.to_json())), None),
        },
        Err(fault) => (None, Some(fault.to_string())),
    };
    found.push(Operand {
        expression,
        value,
        note,
    });
}

fn of_key(scene: Scene<'_>) -> &'static str {
    match (scene.idempotency_key, scene.key_seen) {
        (None, _) => "the idempotency keys used before",
        (Some(_), true) => "the idempotency keys used before; this call's key is one of them",
        (Some(_), false) => "the idempotency keys used before; this call's key is none of them",
    }
}
