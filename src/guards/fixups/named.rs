//! Those of FORKGUARD_FIXUPS, `LIBRARY:FUNCTION`: looked for in the leader before a fork, by the symbol tables themselves. The loader's
//! lock is not taken for it: who is inside dlopen may wait for what the forking thread holds.
use super::Teller;
use crate::emit;
use crate::options;
use crate::sites::loaded::Found;
use crate::sites::native;
use crate::sites::symbols::{Library, Symbol, Watch};
use forkguard_core::fixed::Text;
use forkguard_core::raw;
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
    target: Found<Function>,
    why: AtomicU8,
    /// Why it is not called was said (bit n: reason n).
    said: AtomicU8,
}

type Function = unsafe extern "C-unwind" fn();

const NOT_LOADED: u8 = 0;
const NO_SYMBOL: u8 = 1;
const NO_FUNCTION: u8 = 2;

static KNOWN: [Known; options::FIXUPS] =
    [const { Known { target: Found::new(), why: AtomicU8::new(NOT_LOADED), said: AtomicU8::new(0) } }; options::FIXUPS];
static LIBRARIES: Watch = Watch::without_pause();
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
    if !any() {
        return;
    }
    // Another thread that forks is at it.
    if BUSY.swap(true, Acquire) {
        return raw::wait_until(|| !BUSY.load(Acquire));
    }
    for Pair { known, .. } in pairs().filter(|pair| pair.known.target.is_lost()) {
        known.why.store(NOT_LOADED, Relaxed);
        LIBRARIES.forget();
    }
    LIBRARIES.look(|library| pairs().for_each(|pair| pair.known.target.offer(library, |library| pair.look_into(library))));
    pairs().filter(|pair| pair.known.target.get().is_none()).for_each(|pair| pair.say_once());
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
        match pair.known.target.get() {
            None => teller.fail(&name),
            // SAFETY: a function of a loaded library, which who set the option vouches can be called so.
            Some(target) => teller.run(name, || unsafe { target() }),
        }
    }
}

impl Pair {
    /// What is called, if it is in this library.
    fn look_into(&self, library: &Library) -> Option<Function> {
        if !is_called(library, self.library) {
            return None;
        }
        let mut name = Text::<256>::new();
        name.append(self.function);
        let Some(symbol) = name.as_cstr().and_then(|name| library.symbol(name)) else {
            self.known.why.store(NO_SYMBOL, Relaxed);
            return None;
        };
        let target = target(&symbol);
        if target.is_none() {
            self.known.why.store(NO_FUNCTION, Relaxed);
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

/// What is called for a symbol (elf(5)): an indirect function's resolver says, as the loader would have asked it.
fn target(symbol: &Symbol) -> Option<usize> {
    const NOTYPE: u8 = 0;
    const FUNCTION: u8 = 2;
    const INDIRECT: u8 = 10;
    match symbol.kind {
        NOTYPE | FUNCTION => Some(symbol.address),
        // SAFETY: the resolver of a library that is loaded; on x86_64 it takes no arguments.
        INDIRECT => Some(unsafe { std::mem::transmute::<usize, extern "C" fn() -> usize>(symbol.address)() }),
        _ => None,
    }
}

/// True for the library's path, the file name in it, or its SONAME; the versions behind `.so` may be left out.
fn is_called(library: &Library, name: &str) -> bool {
    let path = library.path();
    let path = if path.is_empty() { native::executable() } else { path };
    let soname = library.soname();
    let file = path.as_str().rsplit('/').next().unwrap_or_default();
    let versioned = |text: &str| {
        let rest = text.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') && name.contains(".so"))
    };
    path.as_str() == name || versioned(file) || versioned(soname.as_str())
}
