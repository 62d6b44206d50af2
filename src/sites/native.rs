//! From an address to library, symbol, offset and build id: without the loader's lock (a lost or sleeping thread may hold it),
//! without allocating, and with fault-proof reads (a library may be unloaded while we look).
//!
//! Which library an address lies in is asked of glibc's `_dl_find_object` (2.35), which takes no lock and is made for signal
//! handlers. The symbol is the nearest one that the library exports, when the address lies inside it; static functions have no
//! name here: `offset` is what the tool resolves from debug information.
use crate::arena::Arena;
use crate::hooks::real;
use forkguard_core::fixed::Text;
use forkguard_core::raw::{read_memory, read_value};
use forkguard_report::event::Frame;
use libc::c_void;
use std::borrow::Cow::{self, Borrowed};
use std::cell::UnsafeCell;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering::*};

/// glibc's struct dl_find_object (<dlfcn.h>).
#[repr(C)]
#[derive(Default)]
pub(super) struct Found {
    flags: u64,
    start: usize,
    end: usize,
    pub(super) link_map: usize,
    /// Its .eh_frame_hdr.
    pub(super) eh_frame: usize,
    reserved: [u64; 7],
}

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

/// The loader's record of the library that an address lies in, and its path.
pub(crate) fn library_of(address: usize) -> Option<(usize, Text<200>)> {
    with_cache(|cache| module(cache, address)).map(|module| (module.link_map, module.path))
}

/// This thread's block of thread-local variables of the library that `address` lies in; None while it has none there.
pub(crate) fn thread_local_block(address: usize) -> Option<usize> {
    let mut block = 0usize;
    // SAFETY: a handle is the loader's record; this request takes no lock and allocates nothing.
    let result =
        unsafe { libc::dlinfo(find_object(address)?.link_map as *mut c_void, libc::RTLD_DI_TLS_DATA, (&raw mut block).cast()) };
    (result == 0 && block != 0).then_some(block)
}

/// A loaded library or program.
#[derive(Clone, Copy)]
struct Module {
    start: usize,
    end: usize,
    /// The loader's record of it: another library at the same place later has another one.
    link_map: usize,
    base: usize,
    path: Text<200>,
    build_id: Text<48>,
    go: bool,
    symbols: usize,
    strings: usize,
    count: u32,
}

/// The program file of this process.
pub(crate) fn executable() -> Text<200> {
    let mut bytes = [0u8; 200];
    let read = rustix::fs::readlinkat_raw(rustix::fs::CWD, c"/proc/self/exe", &mut bytes[..]).unwrap_or(0);
    Text::from_bytes(&bytes[..read])
}

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
            base,
            path,
            build_id,
            go,
            symbols: 0,
            strings: 0,
            count: 0,
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

    /// The symbol that an address (relative to the base) lies in.
    fn symbol(&self, offset: usize) -> Option<Text<96>> {
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
        best.map(|(_, name)| read_text::<96>(self.strings + name as usize)).filter(|n| !n.is_empty())
    }
}

/// A C string, as far as it can be read.
fn read_text<const N: usize>(address: usize) -> Text<N> {
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
    link_map: usize,
    symbol: Option<Text<96>>,
}

struct Guarded {
    busy: AtomicBool,
    cache: UnsafeCell<Cache>,
}
// SAFETY: `busy` gives the cache to one thread at a time; nobody waits for it.
unsafe impl Sync for Guarded {}

static CACHE: Guarded =
    Guarded { busy: AtomicBool::new(false), cache: UnsafeCell::new(Cache { modules: [None; 96], frames: [None; 1024] }) };

/// In a forked child: the thread that used the cache may be gone.
pub(crate) fn reset_in_child() {
    CACHE.busy.store(false, Release);
}

/// Uses the cache when it is free; else goes without.
fn with_cache<R>(work: impl FnOnce(Option<&mut Cache>) -> R) -> R {
    if CACHE.busy.swap(true, Acquire) {
        return work(None);
    }
    // SAFETY: see `Guarded`.
    let result = work(Some(unsafe { &mut *CACHE.cache.get() }));
    CACHE.busy.store(false, Release);
    result
}

fn module(cache: Option<&mut Cache>, address: usize) -> Option<Module> {
    let found = find_object(address)?;
    let Some(cache) = cache else { return Module::read(&found) };
    let same = |m: &Module| (m.start, m.end, m.link_map) == (found.start, found.end, found.link_map);
    if let Some(known) = cache.modules.iter().flatten().find(|m| same(m)) {
        return Some(*known);
    }
    let module = Module::read(&found)?;
    let overlaps = |m: &Module| m.start < found.end && found.start < m.end;
    let place = cache.modules.iter().position(|m| m.as_ref().is_some_and(overlaps));
    let place = place.or_else(|| cache.modules.iter().position(Option::is_none)).unwrap_or(address % 96);
    cache.modules[place] = Some(module);
    Some(module)
}

fn look_up(address: usize) -> Option<(Module, Option<Text<96>>)> {
    with_cache(|mut cache| {
        let module = module(cache.as_deref_mut(), address)?;
        let place = (address >> 2).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
        if let Some(cache) = &cache
            && let Some(known) = cache.frames[place].filter(|k| k.address == address && k.link_map == module.link_map)
        {
            return Some((module, known.symbol));
        }
        let symbol = module.symbol(address - module.base);
        if let Some(cache) = cache {
            cache.frames[place] = Some(Known { address, link_map: module.link_map, symbol });
        }
        Some((module, symbol))
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
        offset: Some(address as u64),
        build_id: None,
    };
    let Some((module, symbol)) = look_up(address) else { return unknown };
    let text = |t: &str| (!t.is_empty()).then(|| Borrowed(arena.text(t)));
    Frame {
        function: symbol.and_then(|s| text(s.as_str())),
        module: text(module.path.as_str()),
        offset: Some((address - module.base) as u64),
        build_id: text(module.build_id.as_str()),
        ..unknown
    }
}

/// The exported variable that an address lies in.
pub(crate) fn data_symbol(arena: &Arena, address: usize) -> Option<Cow<'_, str>> {
    let (_, symbol) = look_up(address)?;
    Some(Borrowed(arena.text(symbol?.as_str())))
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
