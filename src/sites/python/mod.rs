//! CPython 3.9 to 3.14: the frames of a thread, with the GIL held and released alike.
//!
//! They are read raw, by a table of offsets, out of the thread's own chain. The first time that this is done with the GIL held the
//! result is compared with the public API's: from then on reads are direct, until then fault-proof; if it differs there are no
//! frames, and those from before are not believed. An interpreter that the table does not know (another minor version, a debug
//! build) is asked through the public API, with the GIL held, or not at all.
mod api;
mod forks;
mod frames;
pub(crate) mod handlers;
mod layout;
mod lines;
mod memory;
mod objects;
mod run;
mod threads;

use super::store::{self, Frames, Language, TextId, text_of};
pub(super) use forks::{before_forks, holds_gil, starts_thread, without_gil};
pub(super) use objects::{handler, started};
pub(crate) use run::{while_held, while_taken};
pub(super) use threads::{can_stand, stand, stand_frozen};

use api::Api;
use forkguard_loader::{Library, LibraryWatch, MemoryAccess, WhileLoaded};
use frames::{LONGEST, Reader};
use layout::Layout;
use memory::Memory;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::*};

/// Addresses of the types whose objects are read.
#[derive(Clone, Copy)]
struct Types {
    code: usize,
    unicode: usize,
    bytes: usize,
    function: usize,
    method: usize,
}

/// The interpreter of this process.
struct Interpreter {
    api: Api,
    types: Types,
    layout: Option<Layout>,
    trust: AtomicU8,
}

static FOUND: WhileLoaded<Interpreter> = WhileLoaded::new();
#[unsafe(link_section = "forkguard_words")]
static LOOKING: AtomicBool = AtomicBool::new(false);
#[unsafe(link_section = "forkguard_words")]
static WATCH: LibraryWatch = LibraryWatch::new();

/// How the interpreter's frames are read.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Trust {
    /// Raw, fault-proof.
    Unproved,
    /// Raw and direct: they gave what the public API gives.
    Proved,
    /// Raw reads gave something else: no more.
    Disproved,
    /// Of an unknown layout: through the public API, with the GIL held.
    Asked,
}

/// Set once raw reads turned out wrong: nothing that they gave is believed, before or after.
static DISPROVED: AtomicBool = AtomicBool::new(false);

/// The interpreter; looked for when libraries were loaded since the last time, or its own is gone.
fn interpreter() -> Option<&'static Interpreter> {
    FOUND.still_loaded().or_else(|| {
        look(MemoryAccess::FAULT_PROOF);
        FOUND.still_loaded()
    })
}

fn look(memory: MemoryAccess) {
    if !LOOKING.swap(true, Acquire) {
        if FOUND.was_unloaded() {
            WATCH.forget();
        }
        WATCH.visit(memory, |library| FOUND.search(library, Interpreter::of));
        LOOKING.store(false, Release);
    }
}

/// In the constructor: most interpreters are there already.
pub(super) fn prepare(memory: MemoryAccess) {
    look(memory);
}

/// True while an interpreter is loaded; does not look for one.
pub(super) fn is_known() -> bool {
    FOUND.still_loaded().is_some()
}

/// True for an address inside the static state of a known interpreter.
pub(super) fn owns(address: usize) -> bool {
    FOUND.still_loaded().is_some_and(|python| python.api.owns(address))
}

/// True while raw reads wait for their proof.
pub(super) fn is_unproved() -> bool {
    FOUND.still_loaded().is_some_and(|python| python.trust() == Trust::Unproved)
}

/// Proves raw reads, if this thread holds the GIL and runs code.
pub(super) fn prove() {
    if let Some(python) = interpreter()
        && let Some(state) = python.api.state()
        && python.api.holds_gil(state)
    {
        python.prove(state);
    }
}

/// True when this thread may have frames of Python's.
pub(super) fn is_here() -> bool {
    interpreter().is_some_and(|python| python.api.state().is_some())
}

/// In a forked child: whoever was looking may be gone.
pub(super) fn reset_in_child() {
    LOOKING.store(false, Release);
}

/// False when frames that were taken turned out wrong later.
pub(super) fn believed() -> bool {
    !DISPROVED.load(Relaxed)
}

/// Takes the frames of this thread.
pub(super) fn take(frames: &mut Frames) -> Option<()> {
    let python = interpreter()?;
    let state = python.api.state()?;
    let held = python.api.holds_gil(state);
    if held && python.trust() == Trust::Unproved {
        python.prove(state);
    }
    match python.trust() {
        Trust::Asked if held => python.ask(frames, state),
        _ => python.read(frames, state),
    }
}

/// The same without a call into the interpreter, which would allocate.
pub(super) fn take_raw(frames: &mut Frames) -> Option<()> {
    let python = interpreter()?;
    python.read(frames, python.api.state()?)
}

/// Beginning of the files of the import machinery's own frames: left out, as Python's tracebacks do.
const IMPORTING: &str = "<frozen importlib";

/// True when this thread is inside the import machinery itself.
pub(super) fn is_importing() -> bool {
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

/// Frames that are compared before raw reads are trusted.
const COMPARED: usize = 24;

impl Interpreter {
    fn of(library: &Library) -> Option<Interpreter> {
        let (api, types) = Api::of(library)?;
        let layout = api.layout();
        let trust = if layout.is_some() { Trust::Unproved } else { Trust::Asked };
        Some(Interpreter { api, types, layout, trust: AtomicU8::new(trust as u8) })
    }

    fn trust(&self) -> Trust {
        let all = [Trust::Unproved, Trust::Proved, Trust::Disproved, Trust::Asked];
        all[usize::from(self.trust.load(Acquire)) % all.len()]
    }

    /// For raw reads of this thread's frames, or of those of threads that cannot run.
    fn reader(&self) -> Option<Reader<'_>> {
        let memory = match self.trust() {
            Trust::Unproved => Memory::careful(),
            // SAFETY: the layout is proved, and this thread reads its own frames or those of threads that wait for the GIL.
            Trust::Proved => unsafe { Memory::direct() },
            _ => return None,
        };
        Some(Reader { memory, layout: self.layout.as_ref()?, types: &self.types })
    }

    fn read(&self, frames: &mut Frames, state: usize) -> Option<()> {
        let reader = self.reader()?;
        reader.stack(frames, state)
    }

    /// The same through the public API. Needs the GIL.
    fn ask(&self, frames: &mut Frames, state: usize) -> Option<()> {
        self.api.walk(state, |code, line| {
            let text = |name| self.api.code_text(code, name, store::text).flatten();
            let (Some(file), Some(function)) = (text(c"co_filename"), text(c"co_name")) else { return false };
            text_of(file).starts_with(IMPORTING)
                || frames.push(Language::Python, file, function, u32::try_from(line).unwrap_or(0))
        });
        Some(())
    }

    /// Compares what raw reads give with what the public API gives. Needs the GIL.
    fn prove(&self, state: usize) {
        let Some(layout) = &self.layout else { return };
        let reader = Reader { memory: Memory::careful(), layout, types: &self.types };
        let mut raw = [None; COMPARED];
        let mut count = 0;
        let whole = reader.walk(state, |frame| {
            raw[count] = Some(frame);
            count += 1;
            count < COMPARED
        });
        let (mut asked, mut same) = (0, whole);
        self.api.walk(state, |code, line| {
            let agrees = raw[asked].is_some_and(|frame: frames::Frame| {
                let mut bytes = [0u8; LONGEST];
                let file = |raw: Option<&str>| self.api.code_text(code, c"co_filename", |t| raw == Some(t));
                frame.code == code as usize
                    && reader.line(frame).unwrap_or(0) as i32 == line.max(0)
                    && file(reader.file_text(frame.code, &mut bytes)) != Some(false)
            });
            same &= agrees;
            asked += 1;
            asked < COMPARED
        });
        // Nothing is told by no frames (an exception is under way, or no code runs yet).
        if asked == 0 {
            return;
        }
        let trust = if same && asked == count { Trust::Proved } else { Trust::Disproved };
        DISPROVED.fetch_or(trust == Trust::Disproved, Relaxed);
        self.trust.store(trust as u8, Release);
    }
}

impl Reader<'_> {
    fn stack(&self, frames: &mut Frames, state: usize) -> Option<()> {
        let whole = self.walk(state, |frame| {
            let (Some(file), Some(function)) = (self.file(frame.code), self.name(frame.code)) else {
                return false;
            };
            text_of(file).starts_with(IMPORTING) || frames.push(Language::Python, file, function, self.line(frame).unwrap_or(0))
        });
        whole.then_some(())
    }
}
