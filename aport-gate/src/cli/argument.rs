//! JSON as an argument: itself, `@FILE`, or `-` for standard input.

use std::io::Read as _;
use std::path::Path;

use aport_gate_oap::parse_json;
use serde_json::Value;

use super::failure::Failure;
use super::file;

/// Most bytes that are read from standard input.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Reads the value of the argument that `name` names in messages.
pub(super) fn json_argument(name: &str, text: &str) -> Result<Value, Failure> {
    let (place, bytes) = match text.strip_prefix('@') {
        Some(path) => (format!("`{path}`"), file::read(Path::new(path))?),
        None if text == "-" => {
            let mut bytes = Vec::new();
            std::io::stdin()
                .take(LARGEST)
                .read_to_end(&mut bytes)
                .map_err(|error| Failure::new(format!("cannot read standard input: {error}")))?;
            ("standard input".to_owned(), bytes)
        }
        None => (format!("the argument of {name}"), text.as_bytes().to_vec()),
    };
    parse_json(&bytes).map_err(|error| {
        Failure::new(format!("{place} is not acceptable JSON: {error}"))
            .hint("give a JSON value, `@FILE`, or `-` for standard input")
    })
}
