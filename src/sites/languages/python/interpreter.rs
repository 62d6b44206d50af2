//! The interpreter of this process: found among the loaded libraries, and how far raw reads of its frames are trusted.
use super::api::Api;
use super::frames::Reader;
use crate::sites::languages::memory::Memory;
use forkguard_frames::python::{Frame, LONGEST, Layout, Types};
use forkguard_loader::{Library, LibraryWatch, MemoryAccess, WhileLoaded};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::*};

/// The interpreter of this process.
pub(super) struct Interpreter {
    pub(super) api: Api,
    pub(super) types: Types,
    pub(super) layout: Option<Layout>,
    trust: AtomicU8,
}

static FOUND: WhileLoaded<Interpreter> = WhileLoaded::new();
#[unsafe(link_section = "forkguard_words")]
static SEARCHING: AtomicBool = AtomicBool::new(false);
#[unsafe(link_section = "forkguard_words")]
static WATCH: LibraryWatch = LibraryWatch::new();

/// How the interpreter's frames are read.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Trust {
    /// Raw, fault-proof.
    Unproved,
    /// Raw and direct: they gave what the public API gives.
    Proved,
    /// Raw reads gave something else: there are none any more.
    Disproved,
    /// Of an unknown layout: through the public API, with the GIL held.
    ByApi,
}

/// Set once raw reads turned out wrong: then frames that they gave before are not reported either.
static DISPROVED: AtomicBool = AtomicBool::new(false);

/// The interpreter; looked for when libraries were loaded since the last time, or its own is gone.
pub(super) fn interpreter() -> Option<&'static Interpreter> {
    FOUND.still_loaded().or_else(|| {
        find(MemoryAccess::FAULT_PROOF);
        FOUND.still_loaded()
    })
}

fn find(memory: MemoryAccess) {
    if !SEARCHING.swap(true, Acquire) {
        if FOUND.was_unloaded() {
            WATCH.forget();
        }
        WATCH.visit(memory, search);
        SEARCHING.store(false, Release);
    }
}

/// Apart, because its stack frame is large and only a new library is searched.
#[inline(never)]
fn search(library: &Library) {
    FOUND.search(library, Interpreter::of);
}

/// In the constructor: most interpreters are there already.
pub(crate) fn prepare(memory: MemoryAccess) {
    find(memory);
}

/// True while an interpreter is loaded; does not look for one.
pub(crate) fn is_known() -> bool {
    FOUND.still_loaded().is_some()
}

/// True when an interpreter is loaded; looks for one.
pub(crate) fn is_loaded() -> bool {
    interpreter().is_some()
}

/// True for an address inside the static state of a known interpreter.
pub(crate) fn owns(address: usize) -> bool {
    FOUND.still_loaded().is_some_and(|python| python.api.owns(address))
}

/// True for an address in the code of the interpreter.
pub(crate) fn is_code(address: usize) -> bool {
    FOUND.still_loaded().is_some_and(|python| python.api.is_code(address))
}

/// True while raw reads wait for their proof.
pub(crate) fn is_unproved() -> bool {
    FOUND.still_loaded().is_some_and(|python| python.trust() == Trust::Unproved)
}

/// Proves raw reads, if this thread holds the GIL and runs code.
pub(crate) fn prove() {
    if let Some(python) = interpreter()
        && let Some(state) = python.api.state()
        && python.api.holds_gil(state)
    {
        python.prove(state);
    }
}

/// True when this thread may have frames of Python's.
pub(crate) fn is_python_thread() -> bool {
    interpreter().is_some_and(|python| python.api.state().is_some())
}

/// In a forked child: the thread that was looking may be lost.
pub(crate) fn reset_in_child() {
    SEARCHING.store(false, Release);
}

/// False when frames that were taken turned out wrong later.
pub(crate) fn are_frames_trusted() -> bool {
    !DISPROVED.load(Relaxed)
}

/// Frames that are compared before raw reads are trusted.
const COMPARED: usize = 24;

impl Interpreter {
    fn of(library: &Library) -> Option<Interpreter> {
        let (api, types) = Api::of(library)?;
        let layout = api.layout();
        let trust = if layout.is_some() { Trust::Unproved } else { Trust::ByApi };
        Some(Interpreter { api, types, layout, trust: AtomicU8::new(trust as u8) })
    }

    pub(super) fn trust(&self) -> Trust {
        let all = [Trust::Unproved, Trust::Proved, Trust::Disproved, Trust::ByApi];
        all[usize::from(self.trust.load(Acquire)) % all.len()]
    }

    /// For raw reads of this thread's frames, or of those of threads that cannot run.
    pub(super) fn reader(&self) -> Option<Reader<'_>> {
        let memory = match self.trust() {
            Trust::Unproved => Memory::careful(),
            // SAFETY: the layout is proved, and this thread reads its own frames or those of threads that wait for the GIL.
            Trust::Proved => unsafe { Memory::direct() },
            _ => return None,
        };
        Some(Reader { memory, layout: self.layout.as_ref()?, types: &self.types })
    }

    /// Compares what raw reads give with what the public API gives. Needs the GIL.
    pub(super) fn prove(&self, state: usize) {
        let Some(layout) = &self.layout else { return };
        let reader = Reader { memory: Memory::careful(), layout, types: &self.types };
        let mut raw = [None; COMPARED];
        let mut count = 0;
        let whole = reader.walk(state, |frame| {
            raw[count] = Some(frame);
            count += 1;
            count < COMPARED
        });
        let (mut compared, mut same) = (0, whole);
        self.api.walk(state, |code, line| {
            let agrees = raw[compared].is_some_and(|frame: Frame| {
                let mut bytes = [0u8; LONGEST];
                let file = |raw: Option<&str>| self.api.code_text(code, c"co_filename", |t| raw == Some(t));
                frame.code == code as usize
                    && reader.line(frame).unwrap_or(0) as i32 == line.max(0)
                    && file(reader.file_text(frame.code, &mut bytes)) != Some(false)
            });
            same &= agrees;
            compared += 1;
            compared < COMPARED
        });
        // Without frames (an exception is under way, or no code runs yet) nothing is proved.
        if compared == 0 {
            return;
        }
        let trust = if same && compared == count { Trust::Proved } else { Trust::Disproved };
        DISPROVED.fetch_or(trust == Trust::Disproved, Relaxed);
        self.trust.store(trust as u8, Release);
    }
}

/// True while this thread holds the GIL: then no other thread can run Python code.
pub(crate) fn holds_gil() -> bool {
    let holds = |python: &Interpreter| python.api.state().is_some_and(|state| python.api.holds_gil(state));
    is_known() && interpreter().is_some_and(holds)
}
