//! The frames of a forked child's main thread: its state lies where that of the thread that forked it does, which is taken for this one.
use super::interpreter::{Trust, interpreter};
use crate::sites::stack_of::StackOf;
use crate::sites::store::{self, Frames, Language};
use forkguard_frames::Memory;
use forkguard_frames::python::{IMPORTING, LONGEST, Reader};

/// Adds the frames of a child's main thread; None where its state is not that of this thread.
pub(crate) fn add_frames_of_child(memory: StackOf, frames: &mut Frames) -> Option<()> {
    let python = interpreter().filter(|python| matches!(python.trust(), Trust::Proved | Trust::Unproved))?;
    let (state, layout) = (python.api.state()?, python.layout.as_ref()?);
    is_state(memory, state, python.api.main()).then_some(())?;
    let reader = Reader { memory, layout, types: &python.types };
    reader.walk(state, |frame| {
        let (mut file, mut name) = ([0; LONGEST], [0; LONGEST]);
        let (Some(file), Some(name)) = (reader.file_text(frame.code, &mut file), reader.name_text(frame.code, &mut name)) else {
            return false;
        };
        if file.starts_with(IMPORTING) {
            return true;
        }
        let (Some(file), Some(name)) = (store::text(file), store::text(name)) else { return false };
        frames.push(Language::Python, file, name, reader.line(frame).unwrap_or(0))
    });
    Some(())
}

/// True where a thread's state is one in its interpreter's list: it begins with the one before it, the one after it, and the interpreter. One that was
/// freed has other words.
fn is_state(memory: StackOf, state: usize, interpreter: usize) -> bool {
    let Some([before, after, owner]) = memory.value::<[usize; 3]>(state) else { return false };
    let follows = |one: usize, word: usize| one == 0 || memory.value(one + word) == Some(state);
    owner == interpreter && follows(before, 8) && follows(after, 0)
}
