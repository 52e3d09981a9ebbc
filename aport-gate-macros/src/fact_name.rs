//! Names of facts, as types can speak of them.
//!
//! A type cannot have a text as its parameter, so a name stands there as a number: the derive says that
//! a struct holds a fact of that number, the attribute asks for it.

/// The number of a name (FNV-1a).
pub(crate) fn number(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |number, byte| {
        (number ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
