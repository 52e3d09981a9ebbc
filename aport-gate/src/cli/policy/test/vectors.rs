//! Files of test vectors, and which context goes with which expectation.

use std::collections::VecDeque;
use std::path::Path;

use aport_gate_oap::parse_json;
use serde_json::Value;

use super::case::Case;
use super::expected::Expected;
use crate::cli::failure::Failure;
use crate::cli::file;

/// One JSON value of a file.
pub(super) struct Document {
    pub(super) value: Value,
    /// File and line, for messages.
    pub(super) place: String,
    /// Name by its file, for a file of its own in a folder.
    pub(super) named: Option<String>,
}

/// The values of a file, or of all JSON files in a folder, by file name.
pub(super) fn documents(path: &Path) -> Result<Vec<Document>, Failure> {
    if !path.is_dir() {
        return of_file(path, None);
    }
    let unreadable = |error| Failure::io("read", path, &error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file
            .extension()
            .is_some_and(|kind| kind == "json" || kind == "jsonl")
        {
            files.push(file);
        }
    }
    files.sort();
    let mut documents = Vec::new();
    for file in files {
        // `deny_currency.json` goes with `deny_currency.decision.json`.
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let name = name.split('.').next().unwrap_or_default().to_owned();
        documents.extend(of_file(&file, Some(name))?);
    }
    Ok(documents)
}

fn of_file(path: &Path, name: Option<String>) -> Result<Vec<Document>, Failure> {
    let bytes = file::read(path)?;
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let values = lines(&bytes).or_else(|error| {
        // Not one value a line: values one after the other, over several lines each.
        whole(&bytes).map_err(|whole| {
            let (line, problem) = if error.begins_well {
                (error.line, error.problem)
            } else {
                whole
            };
            Failure::new(format!(
                "`{}` line {line} is not JSON: {problem}",
                path.display()
            ))
        })
    })?;
    let flat = values.into_iter().flat_map(|(line, value)| {
        let items = match value {
            Value::Array(items) => items,
            one => vec![one],
        };
        items.into_iter().map(move |value| (line, value))
    });
    let mut documents: Vec<Document> = flat
        .map(|(line, value)| Document {
            value,
            place: format!("{file}:{line}"),
            named: None,
        })
        .collect();
    if let [only] = documents.as_mut_slice() {
        only.named = name;
    }
    Ok(documents)
}

struct LineError {
    /// Whether lines before it were JSON: then this is the line at fault.
    begins_well: bool,
    line: usize,
    problem: String,
}

fn lines(bytes: &[u8]) -> Result<Vec<(usize, Value)>, LineError> {
    let mut values = Vec::new();
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let value = parse_json(line).map_err(|error| LineError {
            begins_well: !values.is_empty(),
            line: at + 1,
            problem: error.to_string(),
        })?;
        values.push((at + 1, value));
    }
    Ok(values)
}

fn whole(bytes: &[u8]) -> Result<Vec<(usize, Value)>, (usize, String)> {
    let mut stream =
        serde_json::Deserializer::from_slice(bytes).into_iter::<serde::de::IgnoredAny>();
    let mut values = Vec::new();
    let mut from = 0;
    while let Some(next) = stream.next() {
        next.map_err(|error| (error.line(), error.to_string()))?;
        let to = stream.byte_offset();
        let before = bytes.get(..from).unwrap_or_default();
        let text = bytes.get(from..to).unwrap_or_default();
        let blank = text.len() - text.trim_ascii_start().len();
        let newlines = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
        let line = 1 + newlines(before) + newlines(text.get(..blank).unwrap_or_default());
        let value = parse_json(text).map_err(|error| (line, error.to_string()))?;
        values.push((line, value));
        from = to;
    }
    Ok(values)
}

/// Each case with its expectation, and the expectations that no case asks for.
pub(super) fn pair<'v>(
    cases: &'v [Case],
    expected: &'v [Expected],
) -> (Vec<(&'v Case, Option<&'v Expected>)>, Vec<&'v Expected>) {
    // A name that comes twice is paired in order.
    let mut left: VecDeque<(usize, &Expected)> = expected.iter().enumerate().collect();
    let mut take = |wanted: &dyn Fn(usize, &Expected) -> bool| {
        let at = left.iter().position(|(line, one)| wanted(*line, one))?;
        left.remove(at).map(|(_, one)| one)
    };
    let named: Vec<Option<&Expected>> = cases
        .iter()
        .map(|case| {
            let name = case.given_name.as_ref()?;
            take(&|_, one| one.name.as_ref() == Some(name))
        })
        .collect();
    let pairs = cases
        .iter()
        .zip(named)
        .enumerate()
        .map(|(line, (case, named))| {
            let by_line = |at: usize, one: &Expected| {
                at == line && (one.name.is_none() || case.given_name.is_none())
            };
            (case, named.or_else(|| take(&by_line)))
        })
        .collect();
    (pairs, left.into_iter().map(|(_, one)| one).collect())
}
