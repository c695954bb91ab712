//! Gathering mistakes instead of stopping at the first.

use std::cell::RefCell;

use super::Mistake;

/// All mistakes of one loading.
#[derive(Debug, Default)]
pub(super) struct Mistakes(RefCell<Vec<Mistake>>);

impl Mistakes {
    pub(super) fn add(&self, mistake: Mistake) {
        self.0.borrow_mut().push(mistake);
    }

    /// For one file.
    pub(super) fn report<'a>(&'a self, file: &'a str) -> Report<'a> {
        Report { file, mistakes: self }
    }

    pub(super) fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// Everything gathered, by file and line; every mistake once, however often it was met.
    pub(super) fn into_sorted(self) -> Vec<Mistake> {
        let mut mistakes = self.0.into_inner();
        mistakes.sort();
        mistakes.dedup();
        mistakes
    }
}

/// Where mistakes of one file go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Report<'a> {
    file: &'a str,
    mistakes: &'a Mistakes,
}

impl Report<'_> {
    /// `line` counts from 1; 0: the file as a whole.
    pub(super) fn at(&self, line: usize, message: impl Into<String>) {
        self.mistakes.add(Mistake { file: self.file.to_owned(), line, message: message.into() });
    }

    /// How many there are by now, over all files.
    pub(super) fn count(&self) -> usize {
        self.mistakes.count()
    }
}
