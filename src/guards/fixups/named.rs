//! Those of FORKGUARD_FIXUPS, `LIBRARY:FUNCTION`: looked for in the leader before a fork, by the symbol tables themselves. The loader's
//! lock is not taken for it: who is inside dlopen may wait for what the forking thread holds.
use super::Teller;
use crate::emit;
use crate::options;
use forkguard_core::fixed::Text;
use forkguard_core::raw;
use forkguard_loader::{Library, LibraryWatch, MemoryAccess, SymbolName, WhileLoaded};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::*};

/// A pair of the option, and what its names stand for.
struct Pair {
    library: &'static str,
    function: &'static str,
    known: &'static Known,
}

/// What is known of one.
struct Known {
    /// What is called; nothing: see `why`.
    target: WhileLoaded<Function>,
    why: AtomicU8,
    /// Why it is not called was said (bit n: reason n).
    said: AtomicU8,
}

type Function = unsafe extern "C-unwind" fn();

const NOT_LOADED: u8 = 0;
const NO_SYMBOL: u8 = 1;
const NO_FUNCTION: u8 = 2;

static KNOWN: [Known; options::FIXUPS] =
    [const { Known { target: WhileLoaded::new(), why: AtomicU8::new(NOT_LOADED), said: AtomicU8::new(0) } }; options::FIXUPS];
static LIBRARIES: LibraryWatch = LibraryWatch::without_pause();
#[unsafe(link_section = "forkguard_words")]
static BUSY: AtomicBool = AtomicBool::new(false);

/// True when the option names any.
pub(super) fn any() -> bool {
    !options::get().fixups.is_empty()
}

fn pairs() -> impl Iterator<Item = Pair> {
    let texts = options::get().fixups.as_str().split(',').filter_map(|pair| pair.split_once(':'));
    texts.zip(&KNOWN).map(|((library, function), known)| Pair { library: library.trim(), function: function.trim(), known })
}

/// In the leader: finds them in what is loaded by now.
pub(super) fn find() {
    if any() {
        find_all();
    }
}

#[inline(never)]
fn find_all() {
    // Another thread that forks is at it.
    if BUSY.swap(true, Acquire) {
        return raw::wait_until(|| !BUSY.load(Acquire));
    }
    for Pair { known, .. } in pairs().filter(|pair| pair.known.target.was_unloaded()) {
        known.why.store(NOT_LOADED, Relaxed);
        LIBRARIES.forget();
    }
    LIBRARIES.visit(MemoryAccess::FAULT_PROOF, |library| {
        pairs().for_each(|pair| pair.known.target.search(library, |library| pair.function_of(library)));
    });
    pairs().filter(|pair| pair.known.target.still_loaded().is_none()).for_each(|pair| pair.say_once());
    BUSY.store(false, Release);
}

/// In a child: the thread that was at it may be lost.
pub(super) fn reset_in_child() {
    if BUSY.load(Relaxed) {
        BUSY.store(false, Relaxed);
    }
}

/// Calls them, with no arguments.
pub(super) fn run(teller: &mut Teller) {
    for pair in pairs() {
        let name = Text::of(format_args!("{}:{}", pair.library, pair.function));
        match pair.known.target.still_loaded() {
            None => teller.fail(&name),
            // SAFETY: a function of a loaded library, which who set the option vouches can be called so.
            Some(target) => teller.run(name, || unsafe { target() }),
        }
    }
}

impl Pair {
    /// What is called, if it is in this library.
    fn function_of(&self, library: &Library) -> Option<Function> {
        if !is_called(library, self.library) {
            return None;
        }
        let mut name = Text::<256>::new();
        name.append(self.function);
        let name = name.as_cstr().map(|name| SymbolName::new(name, None));
        let target = name.as_ref().and_then(|name| library.function(name));
        if target.is_none() {
            let is_defined = name.is_some_and(|name| library.symbol(&name).is_some());
            self.known.why.store(if is_defined { NO_FUNCTION } else { NO_SYMBOL }, Relaxed);
        }
        // SAFETY: the address of a function.
        target.map(|target| unsafe { std::mem::transmute::<usize, Function>(target) })
    }

    fn say_once(&self) {
        let why = self.known.why.load(Relaxed);
        if self.known.said.fetch_or(1 << why, Relaxed) & 1 << why != 0 {
            return;
        }
        let Pair { library, function, .. } = self;
        let process = raw::process_id();
        match why {
            _ if !raw::can_read_memory() => emit::print_line(format_args!(
                "FORKGUARD_FIXUPS: {library}:{function} is not called in children of process {process}: process_vm_readv is forbidden here"
            )),
            NO_SYMBOL => emit::print_line(format_args!(
                "FORKGUARD_FIXUPS: {library} has no function {function}: it is not called in children of process {process}"
            )),
            NO_FUNCTION => emit::print_line(format_args!(
                "FORKGUARD_FIXUPS: {function} of {library} is no function: it is not called in children of process {process}"
            )),
            _ => emit::print_line(format_args!(
                "FORKGUARD_FIXUPS: {library} is not loaded in process {process}: {function} is not called in its children"
            )),
        }
    }
}

/// True for the library's path, the file name in it, or its SONAME; the versions behind `.so` may be left out.
fn is_called(library: &Library, name: &str) -> bool {
    let path = library.link_map.path();
    let soname = library.soname();
    let file = path.as_str().rsplit('/').next().unwrap_or_default();
    let versioned = |text: &str| {
        let rest = text.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') && name.contains(".so"))
    };
    path.as_str() == name || versioned(file) || versioned(soname.as_str())
}
