//! A file of JSON lines that several server processes append to.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    #[error("cannot open `{}`: {source}", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("line {line} of `{}` is not an entry: {source}", path.display())]
    Malformed {
        path: PathBuf,
        line: usize,
        source: serde_json::Error,
    },
    #[error("cannot write to `{}`: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// What [`Journal::add_once`] found.
#[derive(Debug, PartialEq)]
pub(crate) enum Entry<T> {
    Added(T),
    Existing(T),
}

#[derive(Debug, Clone)]
pub(crate) struct Journal {
    path: PathBuf,
}

impl Journal {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Appends `entry`, unless an entry is there that is `same` as it. The file
    /// is locked over both steps, so that two processes cannot both append; on
    /// return the entry is on the disk.
    pub(crate) async fn add_once<T>(
        &self,
        entry: T,
        same: fn(&T, &T) -> bool,
    ) -> Result<Entry<T>, JournalError>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
    {
        let path = self.path.clone();
        let work = tokio::task::spawn_blocking(move || add_once(&path, entry, same));
        work.await.unwrap_or_else(|error| {
            Err(JournalError::Write {
                path: self.path.clone(),
                source: io::Error::other(error),
            })
        })
    }
}

fn add_once<T: Serialize + DeserializeOwned>(
    path: &Path,
    entry: T,
    same: fn(&T, &T) -> bool,
) -> Result<Entry<T>, JournalError> {
    let cannot_open = |source| JournalError::Open {
        path: path.to_owned(),
        source,
    };
    let cannot_write = |source| JournalError::Write {
        path: path.to_owned(),
        source,
    };
    // Dropping the file releases the lock, whichever way this ends.
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(cannot_open)?;
    file.lock().map_err(cannot_open)?;
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(cannot_open)?;
    // A process that died while it wrote leaves a line without an end; that
    // entry was never reported as done.
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let lines = text.get(..whole).unwrap_or_default().lines();
    for (position, line) in lines.enumerate() {
        let earlier: T = serde_json::from_str(line).map_err(|source| JournalError::Malformed {
            path: path.to_owned(),
            line: position + 1,
            source,
        })?;
        if same(&earlier, &entry) {
            return Ok(Entry::Existing(earlier));
        }
    }
    let mut line = serde_json::to_string(&entry).map_err(|error| cannot_open(error.into()))?;
    line.push('\n');
    append(&mut file, whole, &line).map_err(cannot_write)?;
    Ok(Entry::Added(entry))
}

fn append(file: &mut File, whole: usize, line: &str) -> io::Result<()> {
    let end = u64::try_from(whole).map_err(io::Error::other)?;
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    file.write_all(line.as_bytes())?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_entry_is_written_once_and_survives_a_torn_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("entries.jsonl");
        let same = |a: &(u8, u8), b: &(u8, u8)| a.0 == b.0;
        let journal = Journal::new(path.clone());
        assert_eq!(
            journal.add_once((1, 1), same).await.unwrap(),
            Entry::Added((1, 1))
        );
        std::fs::write(&path, "[1,1]\n[2,").unwrap();
        assert_eq!(
            journal.add_once((1, 9), same).await.unwrap(),
            Entry::Existing((1, 1))
        );
        assert_eq!(
            journal.add_once((3, 3), same).await.unwrap(),
            Entry::Added((3, 3))
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "[1,1]\n[3,3]\n");
    }

    #[tokio::test]
    async fn a_damaged_line_is_named_and_nothing_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("entries.jsonl");
        std::fs::write(&path, "1\nx\n").unwrap();
        let error = Journal::new(path)
            .add_once(2_u8, |a, b| a == b)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
        assert!(matches!(error, JournalError::Malformed { line: 2, .. }));
    }

    #[tokio::test]
    async fn many_writers_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("entries.jsonl");
        let writers: Vec<_> = (0..40_u8)
            .map(|n| {
                let journal = Journal::new(path.clone());
                tokio::spawn(async move { journal.add_once(n % 20, |a, b| a == b).await })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap().unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 20);
    }
}
