//! Those of FORKGUARD_FIXUPS, `LIBRARY:FUNCTION`: looked for in the leader before a fork, by the symbol tables themselves. The loader's
//! lock is not taken for it: who is inside dlopen may wait for what the forking thread holds.
use super::Teller;
use crate::emit;
use crate::options;
use crate::sites::native;
use crate::sites::symbols::{Library, Symbol, Watch};
use forkguard_core::fixed::Text;
use forkguard_core::raw;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering::*};

/// A pair of the option, and what its names stand for.
struct Pair {
    library: &'static str,
    function: &'static str,
    found: &'static Found,
}

/// What is known of one.
struct Found {
    /// What is called; 0: see `why`.
    target: AtomicUsize,
    /// Where the symbol lies, and the library's record and dynamic section.
    symbol: AtomicUsize,
    record: AtomicUsize,
    dynamic: AtomicUsize,
    why: AtomicU8,
    /// Why it is not called was said (bit n: reason n).
    said: AtomicU8,
}

const NOT_LOADED: u8 = 0;
const NO_SYMBOL: u8 = 1;
const NO_FUNCTION: u8 = 2;

static FOUND: [Found; options::FIXUPS] = [const {
    Found {
        target: AtomicUsize::new(0),
        symbol: AtomicUsize::new(0),
        record: AtomicUsize::new(0),
        dynamic: AtomicUsize::new(0),
        why: AtomicU8::new(NOT_LOADED),
        said: AtomicU8::new(0),
    }
}; options::FIXUPS];
static LIBRARIES: Watch = Watch::without_pause();
static BUSY: AtomicBool = AtomicBool::new(false);

/// True when the option names any.
pub(super) fn any() -> bool {
    !options::get().fixups.is_empty()
}

fn pairs() -> impl Iterator<Item = Pair> {
    let texts = options::get().fixups.as_str().split(',').filter_map(|pair| pair.split_once(':'));
    texts.zip(&FOUND).map(|((library, function), found)| Pair { library: library.trim(), function: function.trim(), found })
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
    if pairs().filter(|pair| pair.found.forget_if_gone()).count() != 0 {
        LIBRARIES.forget();
    }
    LIBRARIES.look(|library| {
        pairs().filter(|pair| pair.found.target.load(Relaxed) == 0).for_each(|pair| pair.look_into(library));
        None::<()>
    });
    pairs().filter(|pair| pair.found.target.load(Relaxed) == 0).for_each(|pair| pair.say_once());
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
        match pair.found.target.load(Relaxed) {
            0 => teller.fail(&name),
            // SAFETY: a function of a loaded library, which who set the option vouches can be called so.
            target => teller.run(name, || unsafe { std::mem::transmute::<usize, unsafe extern "C-unwind" fn()>(target)() }),
        }
    }
}

impl Pair {
    fn look_into(&self, library: &Library) {
        if !is_called(library, self.library) {
            return;
        }
        let mut name = Text::<256>::new();
        name.append(self.function);
        let symbol = name.as_cstr().and_then(|name| library.symbol(name));
        match symbol.map(|symbol| (target(&symbol), symbol)) {
            Some((Some(target), symbol)) => self.found.set(library, &symbol, target),
            Some((None, _)) => self.found.why.store(NO_FUNCTION, Relaxed),
            None => self.found.why.store(NO_SYMBOL, Relaxed),
        }
    }

    fn say_once(&self) {
        let why = self.found.why.load(Relaxed);
        if self.found.said.fetch_or(1 << why, Relaxed) & 1 << why != 0 {
            return;
        }
        let Pair { library, function, .. } = self;
        let process = raw::process_id();
        match why {
            _ if !raw::can_read_memory() => emit::say(format_args!(
                "FORKGUARD_FIXUPS: {library}:{function} is not called in children of process {process}: process_vm_readv is forbidden here"
            )),
            NO_SYMBOL => emit::say(format_args!(
                "FORKGUARD_FIXUPS: {library} has no function {function}: it is not called in children of process {process}"
            )),
            NO_FUNCTION => emit::say(format_args!(
                "FORKGUARD_FIXUPS: {function} of {library} is no function: it is not called in children of process {process}"
            )),
            _ => emit::say(format_args!(
                "FORKGUARD_FIXUPS: {library} is not loaded in process {process}: {function} is not called in its children"
            )),
        }
    }
}

impl Found {
    fn set(&self, library: &Library, symbol: &Symbol, target: usize) {
        let (record, dynamic) = library.identity();
        // While it is being loaded the loader does not find addresses in it yet.
        if native::can_find() && !native::belongs_to(symbol.address, record) {
            return;
        }
        self.symbol.store(symbol.address, Relaxed);
        self.record.store(record, Relaxed);
        self.dynamic.store(dynamic, Relaxed);
        self.target.store(target, Relaxed);
    }

    /// Forgets what was found when its library is loaded no more; true when it did.
    fn forget_if_gone(&self) -> bool {
        if self.target.load(Relaxed) == 0 {
            return false;
        }
        let record = self.record.load(Relaxed);
        // struct link_map: base, name, dynamic section.
        let same = raw::read_value::<[usize; 3]>(record).is_some_and(|[_, _, dynamic]| dynamic == self.dynamic.load(Relaxed));
        let gone = !same || native::can_find() && !native::belongs_to(self.symbol.load(Relaxed), record);
        if gone {
            self.target.store(0, Relaxed);
            self.why.store(NOT_LOADED, Relaxed);
        }
        gone
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
