//! Where a validator looks up limits: as the paths of conditions do.

use crate::condition::evaluator::Scene;
use serde_json::{Map, Value};

impl<'a> Scene<'a> {
    /// Objects that may hold a limit, nearest first: under each capability of the pack, then its family, each
    /// flat or nested; then the root. Those of a capability that the agent does not hold are among them: for a
    /// validator an absent limit is no limit, so leaving them out would widen what is allowed.
    pub(crate) fn limit_objects(self) -> impl Iterator<Item = &'a Map<String, Value>> {
        let limits = self
            .passport
            .as_value()
            .get("limits")
            .and_then(Value::as_object);
        let scopes = self.pack.limit_scopes().iter();
        scopes
            .flat_map(move |scope| {
                let flat = limits.and_then(|limits| limits.get(scope.as_str())?.as_object());
                let mut parts = scope.split('.');
                let nested = limits.and_then(|limits| {
                    let first = limits.get(parts.next()?)?;
                    parts.try_fold(first, |at, part| at.get(part))?.as_object()
                });
                [flat, nested].into_iter().flatten()
            })
            .chain(limits)
    }
}
