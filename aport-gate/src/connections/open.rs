//! The connections that are open, and which of them makes room for another.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::line::{Line, Spare};

/// All connections of one listener, by the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Open {
    lines: Mutex<BTreeMap<u64, Arc<Line>>>,
    /// Asks all of them to end.
    ending: CancellationToken,
}

/// A connection among the others, for as long as this lives.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) line: Arc<Line>,
    number: u64,
    open: Arc<Open>,
}

impl Open {
    pub(super) fn add(self: &Arc<Self>, peer: IpAddr) -> Entry {
        let line = Arc::new(Line::new(of(peer), self.ending.child_token()));
        let mut lines = self.lines();
        let last = lines.last_key_value().map_or(0, |(number, _)| *number);
        let number = last.saturating_add(1);
        lines.insert(number, Arc::clone(&line));
        drop(lines);
        Entry {
            line,
            number,
            open: Arc::clone(self),
        }
    }

    /// Asks all to end: those on which nothing is under way do so at once.
    pub(super) fn end(&self) {
        self.ending.cancel();
    }

    /// Closes the connection that is missed least: on which nobody was let in, of the peer that has most of
    /// those that can be missed, and of these the oldest. Tells whether there was one.
    pub(super) fn make_room(&self) -> bool {
        let spare: Vec<(u64, Spare, Arc<Line>)> = self
            .lines()
            .iter()
            .filter_map(|(number, line)| Some((*number, line.spare()?, Arc::clone(line))))
            .collect();
        let mut of_peer: HashMap<IpAddr, usize> = HashMap::new();
        for (_, _, line) in &spare {
            let count = of_peer.entry(line.peer).or_default();
            *count = count.saturating_add(1);
        }
        let least = spare.iter().max_by_key(|(number, spare, line)| {
            (*spare, of_peer.get(&line.peer), Reverse(*number))
        });
        least.is_some_and(|(_, _, line)| line.close())
    }

    fn lines(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Line>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.open.lines().remove(&self.number);
    }
}

/// Whoever has one IPv6 address has the 2^64 beside it.
fn of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(open: &Arc<Open>, peer: &str) -> Entry {
        open.add(peer.parse().unwrap())
    }

    fn let_in(entry: &Entry) {
        assert!(entry.line.begin(false));
        entry.line.answer(true);
        entry.line.rest();
    }

    /// Whether each of them is open still.
    fn left(entries: &[&Entry]) -> Vec<bool> {
        let is_spare = |entry: &&Entry| entry.line.spare().is_some();
        entries.iter().map(is_spare).collect()
    }

    #[test]
    fn the_oldest_of_the_peer_with_most_gives_way_before_anybody_who_was_let_in() {
        let open = Arc::new(Open::default());
        let known = add(&open, "10.0.0.7");
        let_in(&known);
        let alone = add(&open, "10.0.0.8");
        let crowd = [
            add(&open, "2001:db8::1"),
            add(&open, "2001:db8::2:1"),
            add(&open, "2001:db8::3:1"),
        ];
        let all = [&known, &alone, &crowd[0], &crowd[1], &crowd[2]];
        assert!(open.make_room());
        assert_eq!(left(&all), [true, true, false, true, true]);
        assert!(open.make_room());
        assert_eq!(left(&all), [true, true, false, false, true]);
        // One each now: the oldest.
        assert!(open.make_room());
        assert_eq!(left(&all), [true, false, false, false, true]);
        assert!(open.make_room());
        assert_eq!(left(&all), [true, false, false, false, false]);
        assert!(open.make_room());
        assert_eq!(left(&all), [false; 5]);
        assert!(!open.make_room());
    }

    #[test]
    fn what_is_under_way_stays_whoever_it_is_of() {
        let open = Arc::new(Open::default());
        let entry = add(&open, "10.0.0.7");
        assert!(entry.line.begin(false));
        assert!(!open.make_room());
        entry.line.rest();
        assert!(open.make_room());
        drop(entry);
        assert!(open.lines().is_empty());
    }
}
