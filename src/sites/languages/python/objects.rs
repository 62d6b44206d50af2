//! What the frame that makes something holds: the Thread object that `threading` starts, the function that `signal` sets. Read
//! with the GIL held only, from objects whose type is proved first; none of the application's own code is run.
use super::frames::{Reader, function};
use super::interpreter::{Interpreter, Trust, interpreter};
use crate::sites::store::{self, SiteId, TextId};
use forkguard_frames::python::LONGEST;
use std::ffi::CStr;

/// A thread that `threading` is starting.
#[derive(Default)]
pub(crate) struct NewThread {
    pub(crate) name: TextId,
    pub(crate) class: TextId,
    /// The function that it will run.
    pub(crate) code: SiteId,
}

/// This thread's innermost frame, if it is of a function of the standard library, with the GIL held: the reader, and the address
/// of its local variables.
fn innermost(file: &str, functions: [&str; 2]) -> Option<(&'static Interpreter, Reader<'static>, usize)> {
    let python = interpreter()?;
    let state = python.api.state()?;
    let reader = python
        .reader()
        .filter(|_| python.trust() == Trust::Proved && python.api.holds_gil(state) && python.api.has_no_exception())?;
    let mut innermost = None;
    reader.walk(state, |frame| {
        innermost = Some(frame);
        false
    });
    let frame = innermost?;
    let mut bytes = [0u8; LONGEST];
    let is_it = reader.name_text(frame.code, &mut bytes).is_some_and(|name| functions.contains(&name))
        && reader.file_text(frame.code, &mut bytes).is_some_and(|path| path.ends_with(file));
    is_it.then_some((python, reader, frame.locals))
}

/// The thread that `Thread.start` is starting, from its `self`.
pub(crate) fn new_thread() -> Option<NewThread> {
    let (python, reader, locals) = innermost("/threading.py", ["start", "Thread.start"])?;
    let api = &python.api;
    let thread = reader.local(locals, 0)?;
    let mut started = NewThread::default();
    let mut bytes = [0u8; LONGEST];
    let name = api.own_attribute(thread, c"_name", |text| reader.text(text, &mut bytes).and_then(store::text));
    started.name = name.flatten().unwrap_or(0);
    api.class_name(thread, |class| started.class = store::text(class).unwrap_or(0));
    // A class of the application runs its own `run`; one of the standard library a function that it was given.
    let mut code = api.code_of(&python.types, api.class_attribute(thread, c"run"));
    if code == 0 || reader.file_text(code, &mut bytes).is_some_and(|file| file.ends_with("/threading.py")) {
        let given =
            |name: &CStr| api.own_attribute(thread, name, |target| api.code_of(&python.types, target)).filter(|&c| c != 0);
        code = given(c"_target").or_else(|| given(c"function")).unwrap_or(0);
    }
    started.code = function(&reader, code);
    Some(started)
}

/// What `signal.signal` is setting, from its `handler`: the function's site, 0 for another object, and the object.
pub(crate) fn new_handler() -> Option<(SiteId, usize)> {
    let (python, reader, locals) = innermost("/signal.py", ["signal", "signal"])?;
    let handler = reader.local(locals, 1)?;
    Some((function(&reader, python.api.code_of(&python.types, handler)), handler))
}
