//! What a command on this crate shows a person beside its answer: progress while it waits, colour, and errors
//! with a next step.
//!
//! Machines see no progress and no colour: not in a pipe, not in a file.

mod colour;
mod error;
mod progress;
mod usage;

pub use self::colour::is_coloured;
pub use self::error::tell_error;
pub use self::progress::Progress;
pub use self::usage::parse;
