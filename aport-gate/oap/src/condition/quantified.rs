//! Which item made `any(…)` or `all(…)` fail, or which list none of whose items passed.

use super::ast::{Expr, Root};
use super::evaluator::Evaluator;
use super::explain::{Finding, is_bound, short};
use super::value::{Truth, Val};
use crate::reason::shown;

impl<'a> Evaluator<'a> {
    pub(super) fn quantified_finding(
        &mut self,
        every: bool,
        body: &'a Expr,
        variable: &'a str,
        list: &'a Expr,
    ) -> Option<Finding> {
        let value = self.eval(list).ok()?;
        let items = self.items(value.clone(), list).ok()?;
        if !every {
            return self.none_of(body, variable, list, &value);
        }
        for item in items {
            self.variables.push((variable, item.clone()));
            let truth = self.truth(body);
            let inner = match truth {
                Ok(Truth::False) => Some(self.explain(body, false)),
                _ => None,
            };
            self.variables.pop();
            if let Some(inner) = inner {
                return Some(self.one_of(&item, inner, body, variable, list));
            }
        }
        None
    }

    /// An item for which the body is false.
    fn one_of(
        &mut self,
        item: &Val<'a>,
        inner: Option<Finding>,
        body: &'a Expr,
        variable: &str,
        list: &Expr,
    ) -> Finding {
        let (item, of) = (item.to_json(), short(list));
        let inner = inner.unwrap_or_default();
        if is_bound(list) {
            let field = of_context(body, variable).map(short);
            let unmet = field.as_deref().map_or_else(
                || format!("{} of `{of}` is not met", shown(&item)),
                |field| format!("{} of `{of}` is not met by `{field}`", shown(&item)),
            );
            return Finding {
                field: field.or(inner.field),
                actual: inner.actual,
                limit: Some(item),
                text: Some(unmet),
                ..Finding::default()
            };
        }
        let text = match &inner.limit {
            Some(limit) => format!("{} of `{of}` is not one of {}", shown(&item), shown(limit)),
            None => format!("{} of `{of}` is not accepted", shown(&item)),
        };
        Finding {
            field: Some(of),
            actual: Some(item),
            limit: inner.limit,
            text: Some(text),
            ..Finding::default()
        }
    }

    /// No item for which the body is true.
    fn none_of(
        &mut self,
        body: &'a Expr,
        variable: &str,
        list: &'a Expr,
        items: &Val<'a>,
    ) -> Option<Finding> {
        let (name, items) = (short(list), items.to_json());
        if !is_bound(list) {
            return Some(Finding {
                text: Some(format!("`{name}` has no item that is accepted")),
                field: Some(name),
                actual: Some(items),
                ..Finding::default()
            });
        }
        let of = of_context(body, variable)?;
        let (field, actual) = (short(of), self.eval(of).ok()?.to_json());
        let text = format!(
            "`{field}` {} matches none of {}",
            shown(&actual),
            shown(&items)
        );
        Some(Finding {
            field: Some(field),
            actual: Some(actual),
            limit: Some(items),
            text: Some(text),
            ..Finding::default()
        })
    }
}

/// The first path in the body that comes from the context and not from the variable.
fn of_context<'e>(body: &'e Expr, variable: &str) -> Option<&'e Expr> {
    match body {
        Expr::Field(of, _) if matches!(**of, Expr::Root(Root::Context)) => Some(body),
        Expr::Name(name) if name != variable => Some(body),
        Expr::Quantified { list, .. } => of_context(list, variable),
        _ => body
            .children()
            .into_iter()
            .find_map(|child| of_context(child, variable)),
    }
}
