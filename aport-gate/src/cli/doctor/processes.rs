//! A started program and what it started itself, to be ended together.

use std::process::ExitStatus;
use std::time::Duration;

use tokio::process::Child;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a program has to end by itself when nobody talks to it any more.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// A program that was started as the first of a group of its own, and the task that reads what it says.
pub(super) struct Started {
    child: Child,
    /// The group's id, which is that of its first process.
    group: Option<u32>,
    reading: JoinHandle<()>,
}

impl Started {
    pub(super) fn new(child: Child, reading: JoinHandle<()>) -> Self {
        let group = child.id();
        Self {
            child,
            group,
            reading,
        }
    }

    /// Ends it with all of its group, and gives its status where it ended by itself. `at_once` is for one that
    /// had time enough.
    pub(super) async fn end(mut self, at_once: bool) -> Option<ExitStatus> {
        let by_itself = if at_once {
            self.child.try_wait().ok().flatten()
        } else {
            let ended = timeout(LAST_WAIT, self.child.wait()).await;
            ended.ok().and_then(Result::ok)
        };
        // Also after it ended: what it left behind is still of its group.
        if let Some(group) = self.group {
            end_group(group);
        }
        if by_itself.is_none() {
            // By its own id, and nobody else.
            let _ = self.child.start_kill();
            let _ = timeout(LAST_WAIT, self.child.wait()).await;
        }
        // What left the group may keep the streams open.
        let abort = self.reading.abort_handle();
        if timeout(LAST_WAIT / 4, self.reading).await.is_err() {
            abort.abort();
        }
        by_itself
    }
}

#[cfg(unix)]
fn end_group(group: u32) {
    use nix::sys::signal::{Signal, killpg};
    if let Ok(group) = i32::try_from(group) {
        // Where none of it lives any more there is nothing to do.
        let _ = killpg(nix::unistd::Pid::from_raw(group), Signal::SIGKILL);
    }
}

/// Windows knows no groups that a signal reaches: what the program started itself may go on.
#[cfg(not(unix))]
fn end_group(_group: u32) {}
