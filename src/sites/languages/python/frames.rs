//! A thread's own chain of frames as the library keeps it: its texts interned.
use crate::sites::languages::memory::Memory;
use crate::sites::store::{self, Frames, Language, SiteId, TextId, text_of};
use forkguard_frames::python::{self, IMPORTING, LONGEST};

/// Reads this process with what is known of its interpreter.
pub(super) type Reader<'a> = python::Reader<'a, Memory>;

/// Adds the frames of a thread's state; None when the chain was not what it should be.
pub(super) fn add_stack(reader: &Reader, frames: &mut Frames, state: usize) -> Option<()> {
    let whole = reader.walk(state, |frame| {
        let (Some(file), Some(function)) = (file(reader, frame.code), name(reader, frame.code)) else {
            return false;
        };
        text_of(file).starts_with(IMPORTING) || frames.push(Language::Python, file, function, reader.line(frame).unwrap_or(0))
    });
    whole.then_some(())
}

/// File of a code object, interned.
pub(super) fn file(reader: &Reader, code: usize) -> Option<TextId> {
    store::text(reader.file_text(code, &mut [0; LONGEST])?)
}

/// Qualified name of a code object, interned; before 3.11 the plain one.
pub(super) fn name(reader: &Reader, code: usize) -> Option<TextId> {
    store::text(reader.name_text(code, &mut [0; LONGEST])?)
}

/// The site of a function, by its code: its first line. 0 when there is none.
pub(super) fn function(reader: &Reader, code: usize) -> SiteId {
    let mut frames = Frames::new();
    if code != 0
        && let (Some(file), Some(name)) = (file(reader, code), name(reader, code))
    {
        frames.push(Language::Python, file, name, reader.first_line(code).unwrap_or(0));
    }
    store::insert(&frames, 0).unwrap_or(0)
}
