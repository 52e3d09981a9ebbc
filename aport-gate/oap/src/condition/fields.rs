//! Context fields by position. The names that a pack asks for are known when it loads; a decision looks each of them
//! up once, however many rules and schema keywords ask.

use serde_json::{Map, Value};

/// The names, in the order in which they were first met.
#[derive(Clone, Debug, Default)]
pub(crate) struct FieldNames {
    names: Vec<String>,
    /// Positions, sorted by name.
    sorted: Vec<usize>,
}

/// The fields of one context. None for a name that it lacks.
#[derive(Debug)]
pub(crate) struct Fields<'a>(Vec<Option<&'a Value>>);

impl FieldNames {
    /// The position of a name, a new one where it was not met before.
    pub(crate) fn intern(&mut self, name: &str) -> usize {
        match self.search(name) {
            Ok(position) => position,
            Err(at) => {
                self.names.push(name.to_owned());
                self.sorted.insert(at, self.names.len() - 1);
                self.names.len() - 1
            }
        }
    }

    /// Its position, or where it belongs in the sorted order.
    fn search(&self, name: &str) -> Result<usize, usize> {
        let known = |position: &usize| self.names.get(*position).map_or("", String::as_str);
        let at = self
            .sorted
            .binary_search_by(|position| known(position).cmp(name))?;
        self.sorted.get(at).copied().ok_or(at)
    }

    pub(crate) fn read<'a>(&self, context: &'a Map<String, Value>) -> Fields<'a> {
        let mut values = vec![None; self.names.len()];
        // Going through the context once costs less than looking up each name, unless it is full of other things.
        if context.len() <= 2 * self.names.len() {
            for (name, value) in context {
                if let Ok(position) = self.search(name)
                    && let Some(slot) = values.get_mut(position)
                {
                    *slot = Some(value);
                }
            }
        } else {
            for (name, slot) in self.names.iter().zip(&mut values) {
                *slot = context.get(name);
            }
        }
        Fields(values)
    }
}

impl<'a> Fields<'a> {
    pub(crate) fn get(&self, position: usize) -> Option<&'a Value> {
        self.0.get(position).copied().flatten()
    }
}
