//! Context fields by position. The names that a pack asks for are known when it loads; a decision looks each of them
//! up once, however many rules and schema keywords ask.

use serde_json::{Map, Value};

/// So many fields are read without an allocation.
const INLINE: usize = 24;

/// The names, in the order in which they were first met.
#[derive(Clone, Debug, Default)]
pub(crate) struct FieldNames {
    names: Vec<String>,
    /// One more than a position, found by a hash of the name; 0 where there is none. Its length is a power of two
    /// and leaves room, so that a search ends.
    slots: Vec<u32>,
}

/// The fields of one context. None for a name that it lacks.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    first: [Option<&'a Value>; INLINE],
    rest: Vec<Option<&'a Value>>,
}

impl FieldNames {
    /// The position of a name, a new one where it was not met before.
    pub(crate) fn intern(&mut self, name: &str) -> usize {
        if let Some(position) = self.position(name) {
            return position;
        }
        let position = self.names.len();
        self.names.push(name.to_owned());
        if self.names.len() * 2 > self.slots.len() {
            self.slots = vec![0; (self.names.len() * 4).next_power_of_two()];
            (0..position).for_each(|known| self.enter(known));
        }
        self.enter(position);
        position
    }

    fn enter(&mut self, position: usize) {
        let (Some(name), Ok(entry)) = (self.names.get(position), u32::try_from(position + 1))
        else {
            return;
        };
        let mask = self.slots.len().saturating_sub(1);
        let mut at = hash(name) & mask;
        while self.slots.get(at).is_some_and(|taken| *taken != 0) {
            at = (at + 1) & mask;
        }
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = entry;
        }
    }

    /// Which name is asked for is the agent's choice, but what it is compared with are a few names of the pack.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = hash(name) & mask;
        loop {
            let position = usize::try_from(self.slots.get(at)?.checked_sub(1)?).ok()?;
            if self.names.get(position).is_some_and(|known| known == name) {
                return Some(position);
            }
            at = (at + 1) & mask;
        }
    }

    pub(crate) fn read<'a>(&self, context: &'a Map<String, Value>) -> Fields<'a> {
        let mut fields = Fields {
            first: [None; INLINE],
            rest: vec![None; self.names.len().saturating_sub(INLINE)],
        };
        // Going through the context once costs less than looking up each name, unless it is full of other things.
        if context.len() <= 2 * self.names.len() {
            for (name, value) in context {
                if let Some(position) = self.position(name) {
                    fields.set(position, value);
                }
            }
        } else {
            for (position, name) in self.names.iter().enumerate() {
                if let Some(value) = context.get(name) {
                    fields.set(position, value);
                }
            }
        }
        fields
    }
}

impl<'a> Fields<'a> {
    pub(crate) fn get(&self, position: usize) -> Option<&'a Value> {
        match self.first.get(position) {
            Some(found) => *found,
            None => self.rest.get(position - INLINE).copied().flatten(),
        }
    }

    fn set(&mut self, position: usize, value: &'a Value) {
        let slot = match self.first.get_mut(position) {
            Some(slot) => Some(slot),
            None => self.rest.get_mut(position - INLINE),
        };
        if let Some(slot) = slot {
            *slot = Some(value);
        }
    }
}

/// All of a name counts: those of a large pack may differ in their middle alone.
fn hash(name: &str) -> usize {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let bytes = name.as_bytes();
    // Most names have two ends of eight bytes that cover them, or of four.
    let (head, tail) = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
        _ => match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(head), Some(tail)) => {
                let four = |part: &[u8; 4]| u64::from(u32::from_le_bytes(*part));
                (four(head), four(tail))
            }
            _ => (
                bytes
                    .iter()
                    .fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
                0,
            ),
        },
    };
    let mut mixed = (head ^ tail.rotate_left(23) ^ ((bytes.len() as u64) << 59)).wrapping_mul(ODD);
    if bytes.len() > 16 {
        for part in bytes.chunks(8).skip(1) {
            let part = part
                .first_chunk()
                .map_or(0, |part| u64::from_le_bytes(*part));
            mixed = (mixed.rotate_left(5) ^ part).wrapping_mul(ODD);
        }
    }
    // The high bits are the well mixed ones.
    (mixed >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_name_has_its_value_and_no_other(
            names in prop::collection::vec("[ab]{0,6}", 0..80),
            context in prop::collection::hash_map("[ab]{0,6}", 0_i64..100, 0..80),
        ) {
            let mut known = FieldNames::default();
            let positions: Vec<_> = names.iter().map(|name| known.intern(name)).collect();
            let context: Map<_, _> = context.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
            let fields = known.read(&context);
            for (name, position) in names.iter().zip(positions) {
                prop_assert_eq!(known.intern(name), position);
                prop_assert_eq!(fields.get(position), context.get(name));
            }
        }
    }
}
