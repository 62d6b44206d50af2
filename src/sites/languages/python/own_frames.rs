//! The frames of the calling thread.
use super::frames::add_stack;
use super::interpreter::{Interpreter, Trust, interpreter};
use crate::sites::store::{self, Frames, Language, text_of};
use forkguard_frames::python::{IMPORTING, LONGEST};

/// Adds the frames of this thread.
pub(crate) fn add_frames(frames: &mut Frames) -> Option<()> {
    let python = interpreter()?;
    let state = python.api.state()?;
    let held = python.api.holds_gil(state);
    if held && python.trust() == Trust::Unproved {
        python.prove(state);
    }
    match python.trust() {
        Trust::ByApi if held => python.read_by_api(frames, state),
        _ => python.read(frames, state),
    }
}

/// The same without a call into the interpreter, which would allocate.
pub(crate) fn add_frames_raw(frames: &mut Frames) -> Option<()> {
    let python = interpreter()?;
    python.read(frames, python.api.state()?)
}

/// True unless this thread is known to run no code of Python's.
pub(crate) fn may_run_code() -> bool {
    let found = || {
        let python = interpreter()?;
        let (state, reader) = (python.api.state()?, python.reader()?);
        let mut found = false;
        reader.walk(state, |_| {
            found = true;
            false
        });
        Some(found)
    };
    found().unwrap_or(true)
}

/// True when this thread is inside the import machinery itself.
pub(crate) fn is_importing() -> bool {
    let innermost = || {
        let python = interpreter()?;
        let (state, reader) = (python.api.state()?, python.reader()?);
        let mut code = None;
        reader.walk(state, |frame| {
            code = Some(frame.code);
            false
        });
        let mut bytes = [0u8; LONGEST];
        Some(reader.file_text(code?, &mut bytes)?.starts_with(IMPORTING))
    };
    innermost().unwrap_or(false)
}

/// True when this thread runs code below a function of a file whose path ends so.
pub(crate) fn is_below(file: &str) -> bool {
    let found = || {
        let python = interpreter()?;
        let (state, reader) = (python.api.state()?, python.reader()?);
        let (mut found, mut bytes) = (false, [0u8; LONGEST]);
        reader.walk(state, |frame| {
            found = reader.file_text(frame.code, &mut bytes).is_some_and(|text| text.ends_with(file));
            !found
        });
        Some(found)
    };
    found().unwrap_or(false)
}

impl Interpreter {
    fn read(&self, frames: &mut Frames, state: usize) -> Option<()> {
        add_stack(&self.reader()?, frames, state)
    }

    /// The same through the public API. Needs the GIL.
    fn read_by_api(&self, frames: &mut Frames, state: usize) -> Option<()> {
        self.api.walk(state, |code, line| {
            let text = |name| self.api.code_text(code, name, store::text).flatten();
            let (Some(file), Some(function)) = (text(c"co_filename"), text(c"co_name")) else { return false };
            text_of(file).starts_with(IMPORTING)
                || frames.push(Language::Python, file, function, u32::try_from(line).unwrap_or(0))
        });
        Some(())
    }
}
