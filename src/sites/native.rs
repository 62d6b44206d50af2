//! From an address to library, symbol, offset and build id: without the loader's lock (a lost or sleeping thread may hold it),
//! without allocating, and with fault-proof reads (a library may be unloaded while we look).
//!
//! The symbol is the nearest one that the library exports, when the address lies inside it, or that its file names
//! (`debug.rs`, which also finds the line): static functions and variables. What the file does not say, the tool finds by `offset`.
use super::{debug, store};
use crate::entry::Arena;
use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use forkguard_loader::{Library, LinkMap, Mapping, MemoryAccess, Notes, SymbolTable, UNLOADED, find_object};
use forkguard_report::event::Frame;
use std::borrow::Cow::{self, Borrowed};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::*};

/// A loaded library or program.
#[derive(Clone, Copy)]
struct Module {
    start: usize,
    end: usize,
    /// What the loader says of it, and a number of ours: another library at the same place later has other ones.
    link_map: usize,
    eh_frame: usize,
    number: u32,
    base: usize,
    path: Text<200>,
    build_id: Text<48>,
    is_go: bool,
    symbols: Option<SymbolTable>,
    /// Its file says nothing of its code.
    has_no_lines: bool,
}

/// The number of the next module that is read.
static MODULES: AtomicU32 = AtomicU32::new(0);

impl Module {
    fn read(found: &Mapping) -> Option<Module> {
        let map = LinkMap::read(MemoryAccess::FAULT_PROOF, found.link_map)?;
        let Notes { build_id, is_go } = Notes::read(&map, found.start);
        Some(Module {
            start: found.start,
            end: found.end,
            link_map: found.link_map,
            eh_frame: found.eh_frame,
            number: MODULES.fetch_add(1, Relaxed),
            base: map.base,
            path: map.path(),
            build_id,
            is_go,
            symbols: Library::of(&map).and_then(SymbolTable::of),
            // Nobody looks for a line of this library's.
            has_no_lines: build_id.is_empty() || map.is_own(),
        })
    }

    /// The exported symbol that an address (relative to the base) lies in, and where it begins.
    fn symbol(&self, offset: usize) -> Option<(usize, Text<96>)> {
        let (start, name) = self.symbols?.around(offset)?;
        Some((start, debug::readable(name.as_str().as_bytes())))
    }
}

/// What was found before: addresses repeat from fork to fork.
struct Cache {
    modules: [Option<Module>; 96],
    frames: [Option<Known>; 1024],
}

#[derive(Clone, Copy)]
struct Known {
    address: usize,
    /// The number of its module.
    module: u32,
    symbol: Option<Text<96>>,
    /// Where the symbol begins, in the module.
    start: usize,
    file: store::TextId,
    line: u32,
    inlined: [debug::Inlined; debug::INLINED],
    /// By the monotonic clock.
    until: u64,
}

impl Known {
    /// By what the module exports.
    fn exported(address: usize, module: &Module, until: u64) -> Known {
        let (start, symbol) = module.symbol(address - module.base).unzip();
        Known {
            address,
            module: module.number,
            symbol,
            start: start.unwrap_or(0),
            file: 0,
            line: 0,
            inlined: Default::default(),
            until,
        }
    }

    /// Of the functions that were inlined there, innermost first.
    fn calls(&self) -> impl Iterator<Item = &debug::Inlined> {
        self.inlined.iter().filter(|call| call.file != 0)
    }

    /// By what the module's file says, too.
    fn with(self, found: debug::Found) -> Known {
        let nearer = |(start, _): &(usize, _)| self.symbol.is_none() || self.start < *start;
        let (start, symbol) = found.symbol.filter(nearer).unzip();
        Known {
            symbol: symbol.or(self.symbol),
            start: start.unwrap_or(self.start),
            file: found.file,
            line: found.line,
            inlined: found.inlined,
            until: if found.complete { u64::MAX } else { self.until },
            ..self
        }
    }
}

struct Guarded(UnsafeCell<Cache>);
// SAFETY: `BUSY` gives the cache to one thread at a time; nobody waits for it.
unsafe impl Sync for Guarded {}

static CACHE: Guarded = Guarded(UnsafeCell::new(Cache { modules: [None; 96], frames: [None; 1024] }));
/// Apart from the cache, which a child need not touch.
#[unsafe(link_section = "forkguard_words")]
static BUSY: AtomicBool = AtomicBool::new(false);

/// In a forked child: the thread that used the cache may be gone.
pub(crate) fn reset_in_child() {
    // What is not written need not be copied.
    if BUSY.load(Relaxed) {
        BUSY.store(false, Release);
    }
}

/// Uses the cache when it is free; else goes without.
fn with_cache<R>(work: impl FnOnce(Option<&mut Cache>) -> R) -> R {
    if BUSY.swap(true, Acquire) {
        return work(None);
    }
    // SAFETY: see `Guarded`.
    let result = work(Some(unsafe { &mut *CACHE.0.get() }));
    BUSY.store(false, Release);
    result
}

/// What could not be read of a file is asked for again after so long.
const AGAIN_NS: u64 = 1_000_000_000;

/// Where the cache keeps an address.
fn place_of(address: usize) -> usize {
    (address >> 2).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54
}

impl Cache {
    /// The module of an address: its place, and itself.
    fn module(&mut self, address: usize) -> Option<(usize, Module)> {
        let found = find_object(address)?;
        let same =
            |m: &Module| (m.start, m.end, m.link_map, m.eh_frame) == (found.start, found.end, found.link_map, found.eh_frame);
        let known = self.modules.iter().enumerate().find_map(|(place, m)| Some((place, m.filter(same)?)));
        if known.is_some() {
            return known;
        }
        let module = Module::read(&found)?;
        let overlaps = |m: &Module| m.start < found.end && found.start < m.end;
        let place = self.modules.iter().position(|m| m.as_ref().is_some_and(overlaps));
        let place = place.or_else(|| self.modules.iter().position(Option::is_none)).unwrap_or(address % 96);
        self.modules[place] = Some(module);
        Some((place, module))
    }

    fn known(&self, address: usize, module: &Module) -> Option<Known> {
        let known = self.frames[place_of(address)].filter(|k| k.address == address && k.module == module.number)?;
        (known.until == u64::MAX || kernel::monotonic() < known.until).then_some(known)
    }

    /// Puts what there is of some addresses of the module at `place`, its file read once for all.
    fn learn(&mut self, place: usize, addresses: &[usize]) {
        let Some(module) = &mut self.modules[place] else { return };
        let until = if module.has_no_lines { u64::MAX } else { kernel::monotonic() + AGAIN_NS };
        let mut offsets = [0; debug::TOGETHER];
        for (&address, offset) in addresses.iter().zip(&mut offsets) {
            *offset = (address - module.base) as u64;
            self.frames[place_of(address)] = Some(Known::exported(address, module, until));
        }
        if module.has_no_lines {
            return;
        }
        let offsets = &offsets[..addresses.len().min(debug::TOGETHER)];
        module.has_no_lines = !debug::look(module.path.as_str(), module.build_id.as_str(), offsets, |index, found| {
            let place = &mut self.frames[place_of(addresses[index])];
            *place = place.map(|known| if known.address == addresses[index] { known.with(found) } else { known });
        });
    }
}

/// Looks at addresses together that will be asked for one by one.
pub(crate) fn learn(addresses: impl Iterator<Item = usize>) {
    with_cache(|cache| {
        let Some(cache) = cache else { return };
        let mut unknown = [(0, 0, 0); 2 * debug::TOGETHER];
        let mut count = 0;
        for address in addresses {
            let Some((place, module)) = cache.module(address) else { continue };
            let repeated = unknown[..count].iter().any(|&(.., known)| known == address);
            if !repeated && cache.known(address, &module).is_none() && count < unknown.len() {
                unknown[count] = (place, count, address);
                count += 1;
            }
        }
        let unknown = &mut unknown[..count];
        // By module; of each the innermost first, for which there is more to read with.
        unknown.sort_unstable();
        for of_module in unknown.chunk_by(|a, b| a.0 == b.0) {
            for together in of_module.chunks(debug::TOGETHER) {
                let mut addresses = [0; debug::TOGETHER];
                together.iter().zip(&mut addresses).for_each(|((.., address), place)| *place = *address);
                cache.learn(together[0].0, &addresses[..together.len()]);
            }
        }
    });
}

fn look_up(address: usize) -> Option<(Module, Known)> {
    with_cache(|cache| {
        let Some(cache) = cache else {
            let module = Module::read(&find_object(address)?)?;
            return Some((module, Known::exported(address, &module, 0)));
        };
        let (place, module) = cache.module(address)?;
        if let Some(known) = cache.known(address, &module) {
            return Some((module, known));
        }
        cache.learn(place, &[address]);
        Some((module, cache.frames[place_of(address)]?))
    })
}

/// The frame of an address of code (for a return address: of the byte before it), with what was inlined there left out.
pub(crate) fn frame(arena: &Arena, address: usize) -> Frame<'_> {
    let mut outermost = None;
    frames(arena, address, |frame| outermost = Some(frame));
    outermost.unwrap_or_else(|| unknown(address))
}

/// How many frames an address of code has.
pub(crate) fn count(address: usize) -> usize {
    1 + look_up(address).map_or(0, |(_, known)| known.calls().count())
}

fn unknown(address: usize) -> Frame<'static> {
    Frame {
        language: Borrowed("native"),
        function: None,
        file: None,
        line: None,
        module: None,
        offset: Some((address & !UNLOADED) as u64),
        build_id: None,
    }
}

/// Gives `each` the frames of an address of code, those of inlined functions first.
pub(crate) fn frames<'a>(arena: &'a Arena, address: usize, mut each: impl FnMut(Frame<'a>)) {
    let Some((module, known)) = look_up(address) else { return each(unknown(address)) };
    let text = |t: &str| (!t.is_empty()).then(|| Borrowed(arena.text(t)));
    let (path, build_id) = (text(module.path.as_str()), text(module.build_id.as_str()));
    let mut push = |function: Option<Cow<'a, str>>, file: store::TextId, line: u32| {
        let file = store::text_of(file);
        each(Frame {
            function,
            file: (!file.is_empty()).then_some(Borrowed(file)),
            line: (line != 0).then_some(line),
            module: path.clone(),
            offset: Some((address - module.base) as u64),
            build_id: build_id.clone(),
            ..unknown(address)
        });
    };
    let (mut file, mut line) = (known.file, known.line);
    for call in known.calls() {
        push(text(store::text_of(call.function)), file, line);
        (file, line) = (call.file, call.line);
    }
    push(known.symbol.and_then(|s| text(s.as_str())), file, line);
}

/// The variable that an address lies in.
pub(crate) fn data_symbol(arena: &Arena, address: usize) -> Option<Cow<'_, str>> {
    let (_, known) = look_up(address)?;
    Some(Borrowed(arena.text(known.symbol?.as_str())))
}

/// True for the path of a library that Go's linker made and that a frame was found in.
pub(crate) fn module_is_go(path: &str) -> bool {
    with_cache(|cache| cache.is_some_and(|c| c.modules.iter().flatten().any(|m| m.is_go && m.path.as_str() == path)))
}
