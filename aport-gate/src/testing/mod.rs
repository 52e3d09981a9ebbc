//! For tests of gated tools: a gate in memory, scripted decisions, a clock to move, assertions,
//! and tests at the limits of a pack. Behind the feature `testing`.
//!
//! ```toml
//! [dev-dependencies]
//! aport-gate = { version = "0.1", features = ["testing"] }
//! ```
//!
//! Put it under `[dev-dependencies]`, where no build of your server sees it. Should it be under
//! `[dependencies]` all the same, a build without debug assertions does not compile. Where that is
//! meant, as for benchmarks, name the feature `testing-in-release` beside it.
//!
//! [`TestGate`] is where to begin.

#![allow(
    clippy::panic,
    clippy::panic_in_result_fn,
    reason = "a failed demand of a test is a panic"
)]

mod answer;
mod assertions;
mod boundary;
mod call;
mod clock;
mod decide;
mod gate;
mod golden;
mod passport;
mod rig;
mod script;
mod session;

pub use self::answer::Answer;
#[doc(hidden)]
pub use self::assertions::__assert_detail;
pub use self::boundary::{Boundaries, BoundaryCase, boundaries};
pub use self::call::{CallOutcome, RecordedCall};
pub use self::clock::ManualClock;
pub use self::decide::decide;
pub use self::gate::{TestGate, TestGateBuilder};
pub use self::golden::assert_inventory;
pub use self::passport::TestPassport;
pub(crate) use self::rig::Rig;
pub use self::script::Scripted;
pub use self::session::Session;
#[doc(inline)]
pub use crate::{
    __testing_assert_allowed as assert_allowed, __testing_assert_denied as assert_denied,
    __testing_assert_refused as assert_refused,
};

#[cfg(not(any(debug_assertions, feature = "testing-in-release")))]
compile_error!(
    "the feature `testing` of aport-gate is on in a build without debug assertions: it makes gates \
     that decide by a script and forget their records. Take it out of [dependencies]; for \
     benchmarks and tests in release, name the feature `testing-in-release` in [dev-dependencies]"
);
