//! The answer of a server that was long in starting.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

/// How long rmcp waits for the answer to its first question, the newer protocol's, before it asks in the older
/// one. An answer that comes later is to a question that nobody remembers, and would end the conversation.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest line that is looked at.
const LONGEST: usize = 64 * 1024;

/// Takes the late answer to the first question out of what a server says.
#[derive(Debug)]
pub(super) struct Late {
    since: Instant,
    /// A line that has not ended yet, and of which nothing was handed on.
    line: Vec<u8>,
    is_inside_line: bool,
    is_over: bool,
}

impl Late {
    pub(super) fn from_now() -> Self {
        Self {
            since: Instant::now(),
            line: Vec::new(),
            is_inside_line: false,
            is_over: false,
        }
    }

    /// What of this is to be handed on.
    pub(super) fn rest_of(&mut self, came: &[u8]) -> Vec<u8> {
        let mut rest = Vec::new();
        for piece in came.split_inclusive(|byte| *byte == b'\n') {
            let ends = piece.ends_with(b"\n");
            if self.is_over || self.is_inside_line || self.since.elapsed() < PATIENCE {
                rest.append(&mut self.line);
                rest.extend_from_slice(piece);
                self.is_inside_line = !ends;
                continue;
            }
            self.line.extend_from_slice(piece);
            if ends && answers_first(&self.line) {
                self.line.clear();
                self.is_over = true;
            } else if ends || self.line.len() > LONGEST {
                rest.append(&mut self.line);
                self.is_inside_line = !ends;
            }
        }
        rest
    }
}

/// Whether it is an answer to the question with the first id.
fn answers_first(line: &[u8]) -> bool {
    let message = serde_json::from_slice::<Value>(line).unwrap_or_default();
    message.get("method").is_none() && message.get("id").and_then(Value::as_u64) == Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_a_late_answer_to_the_first_question_is_taken_out() {
        let (first, second) = ("{\"id\":0,\"result\":{}}\n", "{\"id\":1,\"result\":{}}\n");
        let said =
            |late: &mut Late, text: &str| String::from_utf8(late.rest_of(text.as_bytes())).unwrap();
        assert_eq!(said(&mut Late::from_now(), first), first);
        let mut late = Late::from_now();
        tokio::time::advance(PATIENCE).await;
        assert_eq!(said(&mut late, "stray\n{\"id\":0,"), "stray\n");
        assert_eq!(said(&mut late, "\"result\":{}}\n"), "");
        assert_eq!(said(&mut late, second), second);
        // One that does not know the newer protocol at all, and says nothing to its question.
        let mut late = Late::from_now();
        tokio::time::advance(PATIENCE).await;
        assert_eq!(said(&mut late, second), second);
    }
}
