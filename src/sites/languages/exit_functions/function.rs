//! A function that an interpreter runs at its end.
use crate::sites::store::{self, Frames, Language, SiteId};

/// Functions of one interpreter that are read at most.
pub(super) const MOST: usize = 64;

/// What is called with each of them.
pub(super) type Each<'a> = &'a mut dyn FnMut(ExitFunction<'_>);

/// A function as its interpreter keeps it.
pub(super) struct ExitFunction<'a> {
    /// Stands for it in the interpreter's list.
    pub(super) id: usize,
    pub(super) file: &'a str,
    /// Its first line.
    pub(super) line: u32,
    pub(super) name: &'a str,
}

impl ExitFunction<'_> {
    pub(super) fn site(&self, language: Language) -> Option<SiteId> {
        let mut frames = Frames::new();
        frames.push(language, store::text(self.file)?, store::text(self.name)?, self.line);
        store::insert(&frames, 0).filter(|&site| site != 0)
    }
}
