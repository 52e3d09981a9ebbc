//! File paths as text, in the form in which they are compared. Nothing is looked up: the tool may run on
//! another machine, so what only a file system can tell (links, mounts) is not known here.

use super::Failure;
use crate::reason::shown;

/// A path with every way of writing it folded into one.
#[derive(Debug)]
pub(super) struct Path {
    /// Drive letter, in lower case.
    pub(super) drive: Option<char>,
    /// Whether it starts at a root, a drive or a home directory.
    pub(super) rooted: bool,
    /// Segments without `.` and empty ones, in lower case: file systems of two of three platforms ignore case.
    pub(super) segments: Vec<String>,
}

/// Characters that show nothing and make two names look like one: those that Unicode calls ignorable by default,
/// which some file systems leave out of a name.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

impl Path {
    /// Reads the path in `field`. What climbs with `..`, hides characters or names a device is refused: where
    /// it leads depends on links that text does not show.
    pub(super) fn read(field: &str, raw: &str) -> Result<Self, Failure> {
        let refuse = |why: &str| {
            let text = format!("`{field}` {} {why}", shown(&raw.into()));
            Err(Failure::of(field, raw, text))
        };
        let text = decoded(raw);
        if text.chars().any(|c| c.is_control() || is_invisible(c)) {
            return refuse("holds characters that do not show");
        }
        let text = folded(&text);
        let text = strip(&text, "file://").unwrap_or(&text);
        let text = match text
            .strip_prefix("//?/")
            .or_else(|| text.strip_prefix("/??/"))
        {
            Some(rest) => strip(rest, "unc").map_or(rest, |rest| rest),
            None if text.starts_with("//./") => return refuse("names a device"),
            None => text,
        };
        let mut rest = text;
        let mut drive = None;
        let after_slash = rest.trim_start_matches('/');
        if let Some((letter, tail)) = after_slash.split_once(':')
            && let [c] = letter.chars().collect::<Vec<_>>().as_slice()
            && c.is_ascii_alphabetic()
        {
            drive = Some(c.to_ascii_lowercase());
            rest = tail;
        }
        let rooted = drive.is_some() || rest.starts_with('/') || rest.starts_with('~');
        let mut segments = Vec::new();
        for segment in rest.split('/') {
            // Windows drops trailing dots and spaces: `.env.` opens `.env`, `.. ` climbs.
            let bare = segment.trim_end_matches(' ');
            if bare == ".." || segment.trim() == ".." {
                return refuse("climbs with `..`; give the path it leads to");
            }
            let bare = match bare.trim_end_matches(['.', ' ']) {
                "" => bare,
                bare => bare,
            };
            if !bare.is_empty() && bare != "." {
                segments.push(bare.to_lowercase());
            }
        }
        Ok(Self {
            drive,
            rooted,
            segments,
        })
    }

    /// The file's own name.
    pub(super) fn name(&self) -> &str {
        self.segments.last().map_or("", String::as_str)
    }

    /// `/a/b`, `c:/a/b` or `a/b`.
    pub(super) fn text(&self) -> String {
        let joined = self.segments.join("/");
        match self.drive {
            Some(drive) => format!("{drive}:/{joined}"),
            None if self.rooted && !joined.starts_with('~') => format!("/{joined}"),
            None => joined,
        }
    }

    /// The path, and the path without what Windows reads as the name of a stream: `.env::$DATA` is `.env`.
    pub(super) fn forms(&self) -> Vec<String> {
        let mut forms = vec![self.text()];
        if self.segments.iter().any(|segment| segment.contains(':')) {
            let segments = self.segments.iter().map(|segment| {
                let name = segment.split(':').next().unwrap_or_default();
                name.trim_end_matches(['.', ' ']).to_owned()
            });
            let cut = Self {
                drive: self.drive,
                rooted: self.rooted,
                segments: segments.collect(),
            };
            forms.push(cut.text());
        }
        forms
    }
}

/// Percent signs read, as a tool behind a URL would, and once more for those who encode twice.
fn decoded(raw: &str) -> String {
    let mut text = raw.to_owned();
    for _ in 0..3 {
        let bytes = text.as_bytes();
        if !bytes.contains(&b'%') {
            break;
        }
        let mut out = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some((first, tail)) = rest.split_first() {
            let pair = tail.get(..2).and_then(|pair| str::from_utf8(pair).ok());
            let byte = pair
                .filter(|pair| *first == b'%' && pair.bytes().all(|b| b.is_ascii_hexdigit()))
                .and_then(|pair| u8::from_str_radix(pair, 16).ok());
            out.push(byte.unwrap_or(*first));
            rest = tail
                .get(if byte.is_some() { 2 } else { 0 }..)
                .unwrap_or_default();
        }
        match String::from_utf8(out) {
            Ok(next) if next != text => text = next,
            _ => break,
        }
    }
    text
}

/// Separators and dots of other scripts and platforms as `/` and `.`, and letters that a file system without case takes
/// for others.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '\u{ff0f}' | '\u{ff3c}' | '\u{2215}' | '\u{2044}' | '\u{29f8}' => {
                folded.push('/')
            }
            '\u{ff0e}' | '\u{2024}' => folded.push('.'),
            '\u{2025}' => folded.push_str(".."),
            '\u{ff5e}' => folded.push('~'),
            '\u{17f}' => folded.push('s'),
            '\u{131}' => folded.push('i'),
            '\u{fb00}' => folded.push_str("ff"),
            '\u{fb01}' => folded.push_str("fi"),
            '\u{fb02}' => folded.push_str("fl"),
            '\u{fb03}' => folded.push_str("ffi"),
            '\u{fb04}' => folded.push_str("ffl"),
            '\u{fb05}' | '\u{fb06}' => folded.push_str("st"),
            other => folded.push(other),
        }
    }
    folded
}

fn strip<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| text.get(prefix.len()..))
        .flatten()
}
