//! Errors of a command.

use std::io::Write as _;

use serde_json::json;

use super::is_coloured;

/// Tells on standard error what was wrong and what to do next: as text, or as
/// `{"error":{"message":…,"next":…}}` for machines.
pub fn tell_error(json: bool, message: &str, next: &str) {
    let stderr = std::io::stderr();
    let told = if json {
        format!(
            "{}\n",
            json!({ "error": { "message": message, "next": next } })
        )
    } else if is_coloured(&stderr) {
        format!("\u{1b}[31merror\u{1b}[0m: {message}\n  next: {next}\n")
    } else {
        format!("error: {message}\n  next: {next}\n")
    };
    // Nobody reads it where it cannot be written; the exit code says as much.
    let _ = stderr.lock().write_all(told.as_bytes());
}
