//! The fixups of FORKGUARD_FIXUPS, `LIBRARY:FUNCTION`: found in the leader before a fork, in the symbol tables themselves. The loader's lock is
//! not taken for it: its holder, a thread inside dlopen, may wait for a lock of the forking thread.
use super::progress::Log;
use crate::emit;
use crate::options;
use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use forkguard_loader::{Library, LibraryWatch, MemoryAccess, SymbolName, WhileLoaded};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::*};

/// A pair of the option, and the result of its lookup.
struct Pair {
    library: &'static str,
    function: &'static str,
    lookup: &'static Lookup,
}

/// The result of the latest lookup of a pair.
struct Lookup {
    /// The function; none: see `reason`.
    target: WhileLoaded<Function>,
    reason: AtomicU8,
    /// The reasons that were printed (bit n: reason n).
    printed: AtomicU8,
}

type Function = unsafe extern "C-unwind" fn();

const NOT_LOADED: u8 = 0;
const NO_SYMBOL: u8 = 1;
const NO_FUNCTION: u8 = 2;

static LOOKUPS: [Lookup; options::FIXUPS] =
    [const { Lookup { target: WhileLoaded::new(), reason: AtomicU8::new(NOT_LOADED), printed: AtomicU8::new(0) } };
        options::FIXUPS];
static LIBRARIES: LibraryWatch = LibraryWatch::without_pause();
#[unsafe(link_section = "forkguard_words")]
static BUSY: AtomicBool = AtomicBool::new(false);

/// True when the option names any.
pub(super) fn any() -> bool {
    !options::get().fixups.is_empty()
}

fn pairs() -> impl Iterator<Item = Pair> {
    let texts = options::get().fixups.as_str().split(',').filter_map(|pair| pair.split_once(':'));
    texts.zip(&LOOKUPS).map(|((library, function), lookup)| Pair { library: library.trim(), function: function.trim(), lookup })
}

/// In the leader: finds the functions in the libraries that are loaded by now.
pub(super) fn find() {
    if any() {
        find_all();
    }
}

#[inline(never)]
fn find_all() {
    // Another thread that forks does it.
    if BUSY.swap(true, Acquire) {
        return kernel::wait_until(|| !BUSY.load(Acquire));
    }
    for Pair { lookup, .. } in pairs().filter(|pair| pair.lookup.target.was_unloaded()) {
        lookup.reason.store(NOT_LOADED, Relaxed);
        LIBRARIES.forget();
    }
    LIBRARIES.visit(MemoryAccess::FAULT_PROOF, |library| {
        pairs().for_each(|pair| pair.lookup.target.search(library, |library| pair.function_in(library)));
    });
    pairs().filter(|pair| pair.lookup.target.still_loaded().is_none()).for_each(|pair| pair.print_once());
    BUSY.store(false, Release);
}

/// In a child: the thread that did the lookup may be lost.
pub(super) fn reset_in_child() {
    if BUSY.load(Relaxed) {
        BUSY.store(false, Relaxed);
    }
}

/// Calls them, with no arguments.
pub(super) fn run(log: &mut Log) {
    for pair in pairs() {
        let name = Text::of(format_args!("{}:{}", pair.library, pair.function));
        match pair.lookup.target.still_loaded() {
            None => log.fail(&name),
            // SAFETY: a function of a loaded library, which the option declares as one that can be called so.
            Some(target) => log.run(name, || unsafe { target() }),
        }
    }
}

impl Pair {
    /// The function, if it is in this library.
    fn function_in(&self, library: &Library) -> Option<Function> {
        if !has_name(library, self.library) {
            return None;
        }
        let mut name = Text::<256>::new();
        name.append(self.function);
        let name = name.as_cstr().map(|name| SymbolName::new(name, None));
        let target = name.as_ref().and_then(|name| library.function(name));
        if target.is_none() {
            let is_defined = name.is_some_and(|name| library.symbol(&name).is_some());
            self.lookup.reason.store(if is_defined { NO_FUNCTION } else { NO_SYMBOL }, Relaxed);
        }
        // SAFETY: the address of a function.
        target.map(|target| unsafe { std::mem::transmute::<usize, Function>(target) })
    }

    fn print_once(&self) {
        let reason = self.lookup.reason.load(Relaxed);
        if self.lookup.printed.fetch_or(1 << reason, Relaxed) & 1 << reason != 0 {
            return;
        }
        let Pair { library, function, .. } = self;
        let process = kernel::process_id();
        match reason {
            _ if !kernel::can_read_memory() => emit::print_line(format_args!(
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
fn has_name(library: &Library, name: &str) -> bool {
    let path = library.link_map.path();
    let soname = library.soname();
    let file = path.as_str().rsplit('/').next().unwrap_or_default();
    let versioned = |text: &str| {
        let rest = text.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') && name.contains(".so"))
    };
    path.as_str() == name || versioned(file) || versioned(soname.as_str())
}
