//! Where each value of a JSON text stands. The text is known to be JSON; serde_json keeps no places, and the
//! span-keeping parsers refuse duplicate keys or keep one of them, which are the mistakes to be shown.

use std::collections::{HashMap, HashSet};

/// A place in a text, in lines and characters from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// Places by path, and every key that stands twice in its object.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    values: HashMap<String, (Place, usize)>,
    pub(crate) duplicates: Vec<(String, Place)>,
}

impl Positions {
    pub(crate) fn of(text: &str) -> Self {
        let mut scanner = Scanner {
            text,
            at: 0,
            place: Place { line: 1, column: 1 },
            found: Self::default(),
        };
        scanner.value(String::new());
        scanner.found
    }

    /// Place of the value at this path, or of the nearest one around it.
    pub(crate) fn place(&self, path: &str) -> Place {
        let mut path = path;
        loop {
            if let Some((place, _)) = self.values.get(path) {
                return *place;
            }
            path = parent(path);
            if path.is_empty() {
                return self
                    .values
                    .get("")
                    .map_or(Place { line: 1, column: 1 }, |(place, _)| *place);
            }
        }
    }

    /// Place of a byte inside the string at this path, counted after escapes were read.
    pub(crate) fn inside(&self, text: &str, path: &str, offset: usize) -> Place {
        let Some((place, start)) = self.values.get(path) else {
            return self.place(path);
        };
        let literal = text.get(*start..).unwrap_or_default();
        let mut column = place.column + 1;
        let mut read = 0;
        let mut chars = literal.chars().skip(1).peekable();
        while read < offset {
            let Some(c) = chars.next() else { break };
            if c != '\\' {
                read += c.len_utf8();
                column += 1;
                continue;
            }
            if chars.next() != Some('u') {
                read += 1;
                column += 2;
                continue;
            }
            let digits: String = chars.by_ref().take(4).collect();
            let unit = u32::from_str_radix(&digits, 16).unwrap_or_default();
            // Half of a surrogate pair: two of the four bytes that the pair makes.
            read += char::from_u32(unit).map_or(2, char::len_utf8);
            column += 6;
        }
        Place {
            line: place.line,
            column,
        }
    }
}

fn parent(path: &str) -> &str {
    path.rfind(['.', '['])
        .and_then(|at| path.get(..at))
        .unwrap_or_default()
}

/// The path of a field: with a dot, or in brackets where its name would read as a path itself.
pub(crate) fn field(of: &str, name: &str) -> String {
    let plain = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$'));
    match (of.is_empty(), plain) {
        (true, true) => name.to_owned(),
        (false, true) => format!("{of}.{name}"),
        (_, false) => format!("{of}[{name:?}]"),
    }
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    place: Place,
    found: Positions,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        if c == '\n' {
            self.place = Place {
                line: self.place.line + 1,
                column: 1,
            };
        } else {
            self.place.column += 1;
        }
        Some(c)
    }

    fn space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.next();
        }
    }

    /// Steps over a mark if it is next.
    fn mark(&mut self, mark: char) -> bool {
        self.space();
        let found = self.peek() == Some(mark);
        if found {
            self.next();
        }
        found
    }

    fn value(&mut self, path: String) {
        self.space();
        let here = (self.place, self.at);
        self.found.values.entry(path.clone()).or_insert(here);
        match self.peek() {
            Some('{') => self.object(&path),
            Some('[') => {
                self.next();
                let mut at = 0;
                while !self.mark(']') && self.peek().is_some() {
                    self.value(format!("{path}[{at}]"));
                    at += 1;
                    self.mark(',');
                }
            }
            Some('"') => {
                self.string();
            }
            _ => {
                while self
                    .peek()
                    .is_some_and(|c| !c.is_whitespace() && !matches!(c, ',' | ']' | '}'))
                {
                    self.next();
                }
            }
        }
    }

    fn object(&mut self, path: &str) {
        self.next();
        let mut seen: HashSet<String> = HashSet::new();
        while !self.mark('}') && self.peek().is_some() {
            self.space();
            let place = self.place;
            let name = self.string();
            let inner = field(path, &name);
            if !seen.insert(name) {
                self.found.duplicates.push((inner.clone(), place));
            }
            self.mark(':');
            self.value(inner);
            self.mark(',');
        }
    }

    /// The string that is next, with its escapes read.
    fn string(&mut self) -> String {
        let start = self.at;
        self.next();
        while let Some(c) = self.next() {
            match c {
                '\\' => {
                    self.next();
                }
                '"' => break,
                _ => {}
            }
        }
        let literal = self.text.get(start..self.at).unwrap_or_default();
        serde_json::from_str(literal).unwrap_or_default()
    }
}
