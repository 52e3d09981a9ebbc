//! What the runs met.

/// How much of what it is about a run met.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) calls: usize,
    pub(crate) paid: usize,
    pub(crate) denied: usize,
    pub(crate) held: usize,
    pub(crate) released: usize,
    pub(crate) abandoned: usize,
    pub(crate) lies: usize,
    pub(crate) repeats: usize,
    pub(crate) over_a_day: usize,
    pub(crate) waived: usize,
    pub(crate) suspended: usize,
    pub(crate) minutes: usize,
}

impl Seen {
    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, more) in self.numbers().into_iter().zip(other.values()) {
            *sum += more;
        }
    }

    /// A simulation in which nothing happens proves nothing.
    pub(crate) fn is_worth_something(&self) {
        assert!(self.values().iter().all(|met| *met > 0), "{self:?}");
    }

    fn numbers(&mut self) -> [&mut usize; 12] {
        let Self {
            calls,
            paid,
            denied,
            held,
            released,
            abandoned,
            lies,
            repeats,
            over_a_day,
            waived,
            suspended,
            minutes,
        } = self;
        [
            calls, paid, denied, held, released, abandoned, lies, repeats, over_a_day, waived,
            suspended, minutes,
        ]
    }

    fn values(&self) -> [usize; 12] {
        let Self {
            calls,
            paid,
            denied,
            held,
            released,
            abandoned,
            lies,
            repeats,
            over_a_day,
            waived,
            suspended,
            minutes,
        } = self;
        [
            *calls,
            *paid,
            *denied,
            *held,
            *released,
            *abandoned,
            *lies,
            *repeats,
            *over_a_day,
            *waived,
            *suspended,
            *minutes,
        ]
    }
}
