//! What time it is: the machine's clock, or one that a test moves.

use jiff::Timestamp;

/// Where a decision's time comes from.
#[derive(Clone, Debug, Default)]
pub(crate) enum Clock {
    /// The machine's.
    #[default]
    System,
    /// A test's.
    #[cfg(feature = "testing")]
    Manual(crate::testing::ManualClock),
}

impl Clock {
    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            #[cfg(feature = "testing")]
            Self::Manual(clock) => clock.now(),
        }
    }
}
