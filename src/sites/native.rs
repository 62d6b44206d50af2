//! From an address to library, symbol, offset and build id: without the loader's lock (a lost or sleeping thread may hold it),
//! without allocating, and with fault-proof reads (a library may be unloaded while we look).
//!
//! Which library an address lies in is asked of glibc's `_dl_find_object` (2.35), which takes no lock and is made for signal
//! handlers. The symbol is the nearest one that the library exports, when the address lies inside it, or that its file names
//! (`debug.rs`, which also finds the line): static functions and variables. What the file does not say, the tool finds by `offset`.
use super::loaded::UNLOADED;
use super::{debug, store};
use crate::entry::Arena;
use crate::hooks::real;
use forkguard_core::fixed::Text;
use forkguard_core::raw::{self, read_memory, read_value};
use forkguard_report::event::Frame;
use libc::c_void;
use std::borrow::Cow::{self, Borrowed};
use std::cell::UnsafeCell;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering::*};

/// glibc's struct dl_find_object (<dlfcn.h>).
#[repr(C)]
#[derive(Default)]
pub(super) struct Found {
    flags: u64,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) link_map: usize,
    /// Its .eh_frame_hdr.
    pub(super) eh_frame: usize,
    reserved: [u64; 7],
}

#[unsafe(link_section = "forkguard_words")]
static FIND_OBJECT: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());

/// In the constructor.
pub(crate) fn prepare() {
    if let Some(address) = real::find(c"_dl_find_object") {
        FIND_OBJECT.store(address, Relaxed);
    }
}

/// False where this C library cannot tell which library an address lies in.
pub(crate) fn can_find() -> bool {
    !FIND_OBJECT.load(Relaxed).is_null()
}

pub(super) fn find_object(address: usize) -> Option<Found> {
    let function = FIND_OBJECT.load(Relaxed);
    if function.is_null() {
        return None;
    }
    let mut found = Found::default();
    // SAFETY: `int _dl_find_object(void *, struct dl_find_object *)`, found under that name.
    let result =
        unsafe { std::mem::transmute::<*mut c_void, extern "C" fn(usize, *mut Found) -> i32>(function)(address, &mut found) };
    (result == 0).then_some(found)
}

/// True for an address in the loaded library of which this is the loader's record.
pub(crate) fn belongs_to(address: usize, link_map: usize) -> bool {
    find_object(address).is_some_and(|found| found.link_map == link_map)
}

/// The loader's record of the library that an address lies in.
pub(crate) fn link_map_of(address: usize) -> Option<usize> {
    find_object(address).map(|found| found.link_map)
}

/// True for an address in the C library, which calls `main` and what a thread begins with.
pub(super) fn is_the_c_librarys(address: usize) -> bool {
    let library = real::find(c"__libc_start_main").and_then(|start| link_map_of(start as usize));
    library.is_some_and(|library| belongs_to(address, library))
}

/// Path of the library, or of the program, that an address lies in.
pub(crate) fn library(address: usize) -> Option<Text<200>> {
    link_map_of(address).map(path_of)
}

/// Path of a library, by the loader's record of it.
pub(crate) fn path_of(link_map: usize) -> Text<200> {
    // struct link_map: base, name. The program itself has none.
    let name = read_value(link_map).map(|[_, name]: [usize; 2]| read_text(name));
    name.filter(|path| !path.is_empty()).unwrap_or_else(executable)
}

/// This thread's block of thread-local variables of the library with this number (from 1, as the loader counts); None while it has none.
pub(super) fn thread_local_block(library: usize) -> Option<usize> {
    const UNALLOCATED: usize = usize::MAX;
    let table: *const [usize; 2];
    // SAFETY: the thread's own table, as the ABI has it (Drepper, "ELF Handling For Thread-Local Storage"): its address is the second word
    // behind fs, its length stands in front of it, and a library's entry begins with the block.
    unsafe {
        std::arch::asm!("mov {}, fs:[8]", out(reg) table, options(nostack, readonly, preserves_flags));
        let length = table.sub(1).read()[0];
        let block = (1..=length).contains(&library).then(|| table.add(library).read()[0])?;
        (block != 0 && block != UNALLOCATED).then_some(block)
    }
}

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
    go: bool,
    symbols: usize,
    strings: usize,
    count: u32,
    /// Its file says nothing of its code.
    bare: bool,
}

/// The program file of this process.
pub(crate) fn executable() -> Text<200> {
    let mut bytes = [0u8; 200];
    let read = rustix::fs::readlinkat_raw(rustix::fs::CWD, c"/proc/self/exe", &mut bytes[..]).unwrap_or(0);
    Text::from_bytes(bytes.get(..read).unwrap_or_default())
}

/// The number of the next module that is read.
static MODULES: AtomicU32 = AtomicU32::new(0);

impl Module {
    fn read(found: &Found) -> Option<Module> {
        // struct link_map: base, name, dynamic section.
        let [base, name, dynamic]: [usize; 3] = read_value(found.link_map)?;
        let mut path = read_text(name);
        if path.is_empty() {
            path = executable();
        }
        let (build_id, go) = notes(found.start, base);
        let mut module = Module {
            start: found.start,
            end: found.end,
            link_map: found.link_map,
            eh_frame: found.eh_frame,
            number: MODULES.fetch_add(1, Relaxed),
            base,
            path,
            build_id,
            go,
            symbols: 0,
            strings: 0,
            count: 0,
            // Nobody looks for a line of this library's.
            bare: build_id.is_empty() || found.link_map == real::own_link_map(),
        };
        module.read_dynamic(dynamic);
        Some(module)
    }

    fn read_dynamic(&mut self, dynamic: usize) {
        const STRINGS: usize = 5;
        const SYMBOLS: usize = 6;
        const GNU_HASH: usize = 0x6fff_fef5;
        let mut hash = 0;
        for i in 0..128 {
            let Some([tag, value]) = read_value::<[usize; 2]>(dynamic + i * 16) else { return };
            let address = if value < self.base { value + self.base } else { value };
            match tag {
                0 => break,
                STRINGS => self.strings = address,
                SYMBOLS => self.symbols = address,
                GNU_HASH => hash = address,
                _ => {}
            }
        }
        self.count = symbol_count(hash).unwrap_or(0);
    }

    /// The exported symbol that an address (relative to the base) lies in, and where it begins.
    fn symbol(&self, offset: usize) -> Option<(usize, Text<96>)> {
        const CHUNK: usize = 170;
        // A larger table would cost more than a report may: then the offset says it all.
        const MOST: u32 = 40_000;
        if self.count > MOST {
            return None;
        }
        let mut words = [[0usize; 3]; CHUNK];
        let mut best: Option<(usize, u32)> = None;
        let mut index = 0;
        while index < self.count as usize {
            let take = CHUNK.min(self.count as usize - index);
            // SAFETY: plain words, viewed as bytes.
            let bytes = unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast::<u8>(), take * 24) };
            if !read_memory(self.symbols + index * 24, bytes) {
                return None;
            }
            // Elf64_Sym: name and info in the first word, value, size.
            for [first, value, size] in &words[..take] {
                let section = (first >> 48) as u16;
                let inside = section != 0 && *value <= offset && offset < value + (*size).max(1);
                if inside && best.is_none_or(|(of, _)| of < *value) {
                    best = Some((*value, *first as u32));
                }
            }
            index += take;
        }
        best.map(|(start, name)| (start, read_text::<96>(self.strings + name as usize))).filter(|(_, n)| !n.is_empty())
    }
}

/// A C string, as far as it can be read.
pub(super) fn read_text<const N: usize>(address: usize) -> Text<N> {
    let mut bytes = [0u8; N];
    let mut length = 0;
    while length < N {
        let step = (64 - (address + length) % 64).min(N - length);
        let chunk = &mut bytes[length..length + step];
        if address == 0 || !read_memory(address + length, chunk) {
            break;
        }
        length += step;
        if chunk.contains(&0) {
            break;
        }
    }
    Text::from_bytes(&bytes[..length])
}

/// How many symbols a library has: the last one of the fullest chain of its GNU hash table.
fn symbol_count(hash: usize) -> Option<u32> {
    if hash == 0 {
        return None;
    }
    let [buckets, first, bloom, _]: [i32; 4] = read_value(hash)?;
    let table = hash + 16 + bloom as usize * 8;
    let chains = table + buckets as usize * 4;
    let mut last = 0u32;
    let mut chunk = [0u32; 256];
    let mut done = 0;
    while done < buckets as usize {
        let take = 256.min(buckets as usize - done);
        // SAFETY: plain words, viewed as bytes.
        let bytes = unsafe { std::slice::from_raw_parts_mut(chunk.as_mut_ptr().cast::<u8>(), take * 4) };
        if !read_memory(table + done * 4, bytes) {
            return None;
        }
        last = chunk[..take].iter().copied().fold(last, u32::max);
        done += take;
    }
    if last < first as u32 {
        return Some(first as u32);
    }
    while read_value::<u32>(chains + (last - first as u32) as usize * 4)? & 1 == 0 {
        last += 1;
    }
    Some(last + 1)
}

/// The GNU build id in hex, and whether Go's linker left its own.
fn notes(start: usize, base: usize) -> (Text<48>, bool) {
    const PT_NOTE: u32 = 4;
    let mut header = [0u8; 64];
    let (mut id, mut go) = (Text::new(), false);
    if !read_memory(start, &mut header) || !header.starts_with(b"\x7fELF") {
        return (id, go);
    }
    let half = |at: usize| u16::from_ne_bytes([header[at], header[at + 1]]) as usize;
    let table = start + read_value::<usize>(start + 32).unwrap_or(0);
    for i in 0..half(56).min(64) {
        let Some(entry) = read_value::<[usize; 7]>(table + i * half(54)) else { break };
        if entry[0] as u32 == PT_NOTE {
            read_notes(base + entry[2], entry[5].min(4096), &mut id, &mut go);
        }
    }
    (id, go)
}

fn read_notes(address: usize, length: usize, id: &mut Text<48>, go: &mut bool) {
    let mut bytes = [0u8; 4096];
    let bytes = &mut bytes[..length];
    if !read_memory(address, bytes) {
        return;
    }
    let mut rest = &*bytes;
    while rest.len() >= 12 {
        let word = |i: usize| u32::from_ne_bytes([rest[i], rest[i + 1], rest[i + 2], rest[i + 3]]) as usize;
        let (name_size, size, kind) = (word(0), word(4), word(8));
        let content = 12 + name_size.next_multiple_of(4);
        let end = content.saturating_add(size.next_multiple_of(4));
        if end > rest.len() || size > rest.len() {
            return;
        }
        match (&rest[12..12 + name_size], kind) {
            (b"GNU\0", 3) if id.is_empty() => {
                for byte in &rest[content..content + size.min(24)] {
                    let _ = write!(id, "{byte:02x}");
                }
            }
            (b"Go\0\0", 4) => *go = true,
            _ => {}
        }
        rest = &rest[end..];
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
    /// By the monotonic clock.
    until: u64,
}

impl Known {
    /// By what the module exports.
    fn exported(address: usize, module: &Module, until: u64) -> Known {
        let (start, symbol) = module.symbol(address - module.base).unzip();
        Known { address, module: module.number, symbol, start: start.unwrap_or(0), file: 0, line: 0, until }
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
        (known.until == u64::MAX || raw::monotonic() < known.until).then_some(known)
    }

    /// Puts what there is of some addresses of the module at `place`, its file read once for all.
    fn learn(&mut self, place: usize, addresses: &[usize]) {
        let Some(module) = &mut self.modules[place] else { return };
        let until = if module.bare { u64::MAX } else { raw::monotonic() + AGAIN_NS };
        let mut offsets = [0; debug::TOGETHER];
        for (&address, offset) in addresses.iter().zip(&mut offsets) {
            *offset = (address - module.base) as u64;
            self.frames[place_of(address)] = Some(Known::exported(address, module, until));
        }
        if module.bare {
            return;
        }
        let offsets = &offsets[..addresses.len().min(debug::TOGETHER)];
        module.bare = !debug::look(module.path.as_str(), module.build_id.as_str(), offsets, |index, found| {
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
            let mut addresses = [0; debug::TOGETHER];
            let count = of_module.len().min(addresses.len());
            of_module.iter().zip(&mut addresses).for_each(|((.., address), place)| *place = *address);
            cache.learn(of_module[0].0, &addresses[..count]);
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

/// The frame of an address of code (for a return address: of the byte before it).
pub(crate) fn frame(arena: &Arena, address: usize) -> Frame<'_> {
    let unknown = Frame {
        language: Borrowed("native"),
        function: None,
        file: None,
        line: None,
        module: None,
        offset: Some((address & !UNLOADED) as u64),
        build_id: None,
    };
    let Some((module, known)) = look_up(address) else { return unknown };
    let text = |t: &str| (!t.is_empty()).then(|| Borrowed(arena.text(t)));
    let file = store::text_of(known.file);
    Frame {
        function: known.symbol.and_then(|s| text(s.as_str())),
        file: (!file.is_empty()).then_some(Borrowed(file)),
        line: (known.line != 0).then_some(known.line),
        module: text(module.path.as_str()),
        offset: Some((address - module.base) as u64),
        build_id: text(module.build_id.as_str()),
        ..unknown
    }
}

/// The variable that an address lies in.
pub(crate) fn data_symbol(arena: &Arena, address: usize) -> Option<Cow<'_, str>> {
    let (_, known) = look_up(address)?;
    Some(Borrowed(arena.text(known.symbol?.as_str())))
}

/// True for the path of a library that Go's linker made and that a frame was found in.
pub(crate) fn module_is_go(path: &str) -> bool {
    with_cache(|cache| cache.is_some_and(|c| c.modules.iter().flatten().any(|m| m.go && m.path.as_str() == path)))
}

/// A loaded library.
pub(crate) struct Library {
    pub(crate) path: Text<200>,
    base: usize,
}

impl Library {
    /// True when Go's linker made it.
    pub(crate) fn is_go(&self) -> bool {
        notes(self.base, self.base).1
    }
}

/// Calls `each` with all loaded libraries: the loader's list, read fault-proof.
pub(crate) fn each_library(mut each: impl FnMut(Library)) {
    let mut map = real::own_link_map();
    // At most so many: a list that is changed while it is read could lead in a circle.
    for _ in 0..4096 {
        // struct link_map: base, name, dynamic section, next, previous.
        let Some([base, name, _, next, _]) = read_value::<[usize; 5]>(map) else { return };
        each(Library { path: read_text(name), base });
        if next == 0 {
            return;
        }
        map = next;
    }
}
