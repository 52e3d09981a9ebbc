//! How much work one command line may be. Programs that run programs can be nested so that what there is to read
//! doubles with every few words; so everything that is read or kept is paid for, and the account is not large.

use super::computing;
use super::shell::Word;
use std::cell::Cell;

/// Most bytes of text that are read and kept for one command line, with all that it runs.
pub(super) const MAX_WORK: usize = 16 << 20;

/// Most options of one program. Some options are looked for in what follows others.
pub(super) const MAX_OPTIONS: usize = 1000;

/// What a word takes up besides its text.
const WORD: usize = 64;

/// What is left to spend on one command line.
pub(super) struct Work {
    left: Cell<usize>,
    /// Whether anything computes what a variable may hold, in all that is read.
    computes: Cell<bool>,
    /// Whether anything gives a variable more than a number.
    gives: Cell<bool>,
    /// Whether quoted text spells a substitution.
    spells: Cell<bool>,
}

impl Work {
    pub(super) fn new() -> Self {
        Self {
            left: Cell::new(MAX_WORK),
            computes: Cell::new(false),
            gives: Cell::new(false),
            spells: Cell::new(false),
        }
    }

    /// Something computes what a variable may hold.
    pub(super) fn computes(&self) {
        self.computes.set(true);
    }

    /// Something gives a variable more than a number.
    pub(super) fn gives(&self) {
        self.gives.set(true);
    }

    /// Some text spells a substitution.
    pub(super) fn spells(&self) {
        self.spells.set(true);
    }

    /// Remembers what the words compute and give to variables.
    pub(super) fn computing(&self, words: &[Word]) {
        let found = computing::of(words);
        self.computes.set(self.computes.get() || found.computes);
        self.gives.set(self.gives.get() || found.gives);
    }

    /// Why arithmetic may run text of the line. Where nothing is restricted, text that spells it out is refused alone.
    pub(super) fn runs_text(&self, restricted: bool) -> Option<&'static str> {
        let runs = self.computes.get() && self.gives.get() && (restricted || self.spells.get());
        runs.then_some(
            "computes with a variable or an output, and gives variables more than numbers, which arithmetic may run; \
             set only numbers (`i=1`) where `$((…))`, an index, `-eq` or the like computes, and put words of `[` in \
             quotes",
        )
    }

    /// Pays for so many bytes.
    ///
    /// # Errors
    /// Nothing is left to pay with.
    pub(super) fn spend(&self, bytes: usize) -> Result<(), String> {
        let left = self.left.get().checked_sub(bytes);
        self.left.set(left.unwrap_or(0));
        left.map(|_| ()).ok_or_else(|| {
            let most = MAX_WORK >> 20;
            format!("takes more than {most} MiB to read with all that it runs; split it up")
        })
    }

    /// Pays for a word that is kept.
    ///
    /// # Errors
    /// As [`Work::spend`].
    pub(super) fn word(&self, word: &Word) -> Result<(), String> {
        self.spend(WORD.saturating_add(word.text.len()))
    }

    /// A copy of the words, paid for before it is made.
    ///
    /// # Errors
    /// As [`Work::spend`].
    pub(super) fn copied(&self, words: &[Word]) -> Result<Vec<Word>, String> {
        for word in words {
            self.word(word)?;
        }
        Ok(words.to_vec())
    }
}

#[cfg(test)]
mod tests;
