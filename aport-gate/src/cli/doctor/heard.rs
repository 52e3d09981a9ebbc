//! What a program says, as far as it is kept: little of it, in whole lines.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::late::Late;

/// Bytes that are kept of each stream.
const KEPT: usize = 8 * 1024;
/// Lines of a log that are shown.
const LINES: usize = 4;
/// Characters of a line that are shown.
const LONGEST: usize = 300;

/// The first bytes of a stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Beginning(Arc<Mutex<Vec<u8>>>);

impl Beginning {
    /// Reads until nothing more comes, and hands all of it on for as long as somebody takes it: what a program
    /// says when nobody speaks with it any more is worth reading, too.
    pub(super) async fn read(
        self,
        mut stream: impl AsyncRead + Unpin,
        onward: impl AsyncWrite + Unpin,
    ) {
        let mut onward = Some(onward);
        let mut late = Late::from_now();
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            let came = buffer.get(..length).unwrap_or_default();
            self.keep(came);
            if let Some(to) = &mut onward
                && to.write_all(&late.rest_of(came)).await.is_err()
            {
                onward = None;
            }
        }
    }

    fn keep(&self, came: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = KEPT.saturating_sub(kept.len()).min(came.len());
        kept.extend_from_slice(came.get(..room).unwrap_or_default());
    }

    /// The first line that is no message of MCP.
    pub(super) fn stray_line(&self) -> Option<String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = match kept.len() {
            // Perhaps the beginning of a long message.
            KEPT => kept.iter().rposition(|byte| *byte == b'\n').unwrap_or(0),
            length => length,
        };
        let text = String::from_utf8_lossy(kept.get(..whole).unwrap_or_default());
        let stray = |line: &&str| {
            let is_message = matches!(serde_json::from_str(line), Ok(Value::Object(_)));
            !line.trim().is_empty() && !is_message
        };
        text.lines().find(stray).map(str::to_owned)
    }
}

/// The end of a log.
#[derive(Clone, Debug, Default)]
pub(super) struct End(Arc<Mutex<Tail>>);

#[derive(Debug, Default)]
struct Tail {
    bytes: VecDeque<u8>,
    /// Whether something before them was let go.
    cut: bool,
}

impl End {
    /// Reads until nothing more comes.
    pub(super) async fn read(self, mut stream: impl AsyncRead + Unpin) {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            let mut tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            tail.bytes.extend(buffer.get(..length).unwrap_or_default());
            let over = tail.bytes.len().saturating_sub(KEPT);
            tail.bytes.drain(..over);
            tail.cut |= over > 0;
        }
    }

    /// The last lines. None is shown of which a part was let go: that part may be half of a secret, which then
    /// nobody would know again.
    pub(super) fn lines(&self) -> Vec<String> {
        let tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = tail.bytes.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = text.lines();
        if tail.cut {
            lines.next();
        }
        let lines: Vec<&str> = lines.filter(|line| !line.trim().is_empty()).collect();
        let first = lines.len().saturating_sub(LINES);
        lines
            .iter()
            .skip(first)
            .map(|&line| line.to_owned())
            .collect()
    }
}

/// A line as it is shown: plain and not too long.
pub(super) fn shown(line: &str) -> String {
    let mut plain = String::new();
    let mut characters = line.trim().chars();
    while let Some(character) = characters.next() {
        if character != '\u{1b}' {
            plain.push(character);
            continue;
        }
        // A colour: everything up to its letter.
        let _ = characters.by_ref().find(char::is_ascii_alphabetic);
    }
    let mut short: String = plain.chars().take(LONGEST).collect();
    if short.len() < plain.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_log_without_end_is_kept_in_its_last_whole_lines() {
        let end = End::default();
        let flood = format!("{}hunter2\nlast but one\n\nlast", "x".repeat(3 * KEPT));
        end.clone().read(flood.as_bytes()).await;
        assert!(end.0.lock().unwrap().bytes.len() <= KEPT);
        assert_eq!(end.lines(), ["last but one", "last"]);
        let unbroken = End::default();
        unbroken.clone().read("y".repeat(2 * KEPT).as_bytes()).await;
        assert!(unbroken.lines().is_empty());
    }

    #[tokio::test]
    async fn what_is_no_message_is_found_beside_messages() {
        for (said, stray) in [
            ("{\"jsonrpc\":\"2.0\"}\n", None),
            (
                "{\"id\":1}\nlistening on 127.0.0.1\n",
                Some("listening on 127.0.0.1"),
            ),
            ("no end of line", Some("no end of line")),
            (
                &format!("{{\"id\":1}}\n{{\"tools\":\"{}", "x".repeat(KEPT)),
                None,
            ),
        ] {
            let beginning = Beginning::default();
            let (ours, theirs) = tokio::io::duplex(16);
            drop(theirs);
            beginning.clone().read(said.as_bytes(), ours).await;
            assert_eq!(beginning.stray_line().as_deref(), stray, "{said}");
        }
    }

    #[test]
    fn colours_are_not_shown() {
        assert_eq!(shown("\u{1b}[31mERROR\u{1b}[0m x "), "ERROR x");
    }
}
