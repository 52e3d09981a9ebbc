//! What a command waits for.

use std::future::Future;
use std::io::{IsTerminal as _, Write};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// What takes no longer than this is not worth a word.
const DELAY: Duration = Duration::from_millis(400);
/// How often the line moves.
const TICK: Duration = Duration::from_millis(120);
/// The parts of a wheel that turns, in characters that every terminal has.
const WHEEL: [char; 4] = ['-', '\\', '|', '/'];

/// Says on standard error what a command waits for, where a person looks at it.
///
/// ```
/// # async fn run() {
/// use aport_gate::terminal::Progress;
///
/// let json = false;
/// let answer = Progress::unless(json).during("waiting for the registry", async { 42 }).await;
/// # assert_eq!(answer, 42);
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    shown: bool,
}

impl Progress {
    /// Shown where standard error is a terminal that can move its cursor, unless the command is told to be
    /// `quiet`, as one that answers machines is.
    #[must_use]
    pub fn unless(quiet: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self {
            shown: !quiet && !dumb && std::io::stderr().is_terminal(),
        }
    }

    /// Does the work. When it takes longer than a moment, a line says `what` is going on and for how many
    /// seconds; it is gone when the work is done.
    pub async fn during<T>(self, what: &str, work: impl Future<Output = T>) -> T {
        if !self.shown {
            return work.await;
        }
        turning(std::io::stderr(), what, DELAY, TICK, work).await
    }
}

async fn turning<T>(
    to: impl Write,
    what: &str,
    delay: Duration,
    tick: Duration,
    work: impl Future<Output = T>,
) -> T {
    let began = Instant::now();
    let mut ticks = interval_at(began + delay, tick);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut line = Line { to, width: 0 };
    let mut wheel = WHEEL.iter().cycle();
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            _ = ticks.tick() => {
                let turned = wheel.next().copied().unwrap_or_default();
                let seconds = began.elapsed().as_secs();
                line.show(&format!("{turned} {what} … {seconds} s"));
            }
        }
    }
}

/// The line in which the cursor stands. What was shown is wiped when this is dropped, also by a work that is
/// given up.
struct Line<W: Write> {
    to: W,
    /// Columns that hold something.
    width: usize,
}

impl<W: Write> Line<W> {
    fn show(&mut self, text: &str) {
        let width = text.chars().count();
        // A terminal that is gone takes no progress, and the work goes on.
        let _ = write!(self.to, "\r{text:width$}", width = self.width.max(width));
        let _ = self.to.flush();
        self.width = width;
    }
}

impl<W: Write> Drop for Line<W> {
    fn drop(&mut self) {
        if self.width > 0 {
            let _ = write!(self.to, "\r{:width$}\r", "", width = self.width);
            let _ = self.to.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Tells each write.
    struct Told(mpsc::Sender<String>);

    impl Write for Told {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let _ = self.0.send(text);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// Waits until something was shown that holds the text.
    async fn shown(told: &mpsc::Receiver<String>, text: &str) -> String {
        let mut all = String::new();
        while !all.contains(text) {
            all.extend(told.try_iter());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        all
    }

    #[tokio::test]
    async fn a_line_turns_while_work_goes_on_and_is_wiped_after_it() {
        let (teller, told) = mpsc::channel();
        let soon = Duration::from_millis(1);
        let work = async {
            let first = shown(&told, "/ asking … 0 s").await;
            assert!(first.starts_with('\r'), "{first:?}");
            7
        };
        assert_eq!(turning(Told(teller), "asking", soon, soon, work).await, 7);
        let rest: String = told.try_iter().collect();
        let (_, wiped) = rest.rsplit_once('s').unwrap_or(("", &rest));
        assert_eq!(
            wiped,
            format!("\r{}\r", " ".repeat("- asking … 0 s".chars().count()))
        );
    }

    #[tokio::test]
    async fn quick_work_shows_nothing() {
        let (teller, told) = mpsc::channel();
        let hour = Duration::from_secs(3600);
        let work = tokio::task::yield_now();
        turning(Told(teller), "asking", hour, hour, work).await;
        assert_eq!(told.try_iter().count(), 0);
    }
}
