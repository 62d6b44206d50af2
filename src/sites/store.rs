//! The application's stacks, kept once each in bounded memory: frames form a tree (stacks share their outer frames), texts are
//! interned. Nothing is ever changed or taken out, so nothing needs a lock: an entry is complete before an index names it.
use forkguard_loader::{tagged, untagged};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering::*};

/// Frames of all stacks, texts and their bytes that can be kept.
const NODES: usize = 16_384;
const TEXTS: usize = 4096;
const BYTES: usize = 160 << 10;
/// Frames of one stack that are kept: the innermost.
const DEPTH: usize = 96;
/// A longer text is cut.
const LONGEST: usize = 500;

/// Where something was done, as the registries keep it: the return address of the call, or [`STACK`] and the number of a frame in the tree,
/// whose address that is and which the application's frames enclose. 0: unknown.
pub(crate) type SiteId = usize;

/// Marks a site that names a stack: no address of a program has this bit.
const STACK: usize = 1 << 63;

/// Which language a frame is of.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Language {
    /// A native address: the root of what a site names.
    Native = 0,
    /// CPython.
    Python = 1,
    /// MRI.
    Ruby = 2,
    /// PHP.
    Php = 3,
    /// Perl.
    Perl = 4,
}

impl Language {
    const ALL: [Language; 5] = [Language::Native, Language::Python, Language::Ruby, Language::Php, Language::Perl];

    /// As the report spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Language::Native => "native",
            Language::Python => "python",
            Language::Ruby => "ruby",
            Language::Php => "php",
            Language::Perl => "perl",
        }
    }
}

/// An interned text; 0 is the empty one.
pub(crate) type TextId = u16;

/// A frame in the tree.
struct Node {
    /// A native address with the mark of its library, or file, function and line.
    word: AtomicU64,
    /// Language in the upper half, the next outer frame in the lower.
    link: AtomicU32,
}

struct Store {
    nodes: [Node; NODES],
    node_index: [AtomicU16; NODES * 2],
    node_count: AtomicUsize,
    texts: [AtomicU32; TEXTS],
    text_index: [AtomicU16; TEXTS * 2],
    text_count: AtomicUsize,
    bytes: UnsafeCell<[u8; BYTES]>,
    byte_count: AtomicUsize,
}
// SAFETY: each byte is written once, by the thread that reserved it, before an id names it.
unsafe impl Sync for Store {}

static STORE: Store = Store {
    nodes: [const { Node { word: AtomicU64::new(0), link: AtomicU32::new(0) } }; NODES],
    node_index: [const { AtomicU16::new(0) }; NODES * 2],
    node_count: AtomicUsize::new(0),
    texts: [const { AtomicU32::new(0) }; TEXTS],
    text_index: [const { AtomicU16::new(0) }; TEXTS * 2],
    text_count: AtomicUsize::new(0),
    bytes: UnsafeCell::new([0; BYTES]),
    byte_count: AtomicUsize::new(0),
};

/// Takes `size` of what is counted; None when there is not so much left.
fn reserve(count: &AtomicUsize, size: usize, limit: usize) -> Option<usize> {
    count.fetch_update(Relaxed, Relaxed, |start| (start + size <= limit).then_some(start + size)).ok()
}

/// Finds the entry that `is` accepts in an index, or puts there what `make` makes. Another thread may put the same in at the same
/// time: then there are two of it, which does no harm.
fn find_or_put(index: &[AtomicU16], hash: u64, is: impl Fn(u16) -> bool, make: impl FnOnce() -> Option<u16>) -> Option<u16> {
    let mut place = hash as usize % index.len();
    let probe = |from: &mut usize| loop {
        match index[*from].load(Acquire) {
            0 => return None,
            entry if is(entry) => return Some(entry),
            _ => *from = (*from + 1) % index.len(),
        }
    };
    if let Some(found) = probe(&mut place) {
        return Some(found);
    }
    let made = make()?;
    while index[place].compare_exchange(0, made, AcqRel, Relaxed).is_err() {
        if let Some(found) = probe(&mut place) {
            return Some(found);
        }
    }
    Some(made)
}

/// Interns a text; None when there is no room.
pub(crate) fn text(text: &str) -> Option<TextId> {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    if text.is_empty() {
        return Some(0);
    }
    let make = || {
        let start = reserve(&STORE.byte_count, text.len(), BYTES)?;
        let id = reserve(&STORE.text_count, 1, TEXTS - 1)? + 1;
        // SAFETY: within the bytes, and this thread's alone.
        unsafe { STORE.bytes.get().cast::<u8>().add(start).copy_from_nonoverlapping(text.as_ptr(), text.len()) };
        STORE.texts[id].store((start as u32) << 10 | text.len() as u32, Release);
        Some(id as u16)
    };
    find_or_put(&STORE.text_index, hash(text.as_bytes()), |id| text_of(id) == text, make)
}

/// The node of a frame within `outer`; None when there is no room.
fn node(language: Language, word: u64, outer: u16) -> Option<u16> {
    let link = (language as u32) << 16 | u32::from(outer);
    let key = word.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(link).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let same = |index: u16| {
        let node = &STORE.nodes[usize::from(index) % NODES];
        node.word.load(Acquire) == word && node.link.load(Acquire) == link
    };
    let make = || {
        let index = reserve(&STORE.node_count, 1, NODES - 1)? + 1;
        STORE.nodes[index].word.store(word, Release);
        STORE.nodes[index].link.store(link, Release);
        Some(index as u16)
    };
    find_or_put(&STORE.node_index, key ^ key >> 32, same, make)
}

/// The site of `frames` with the native `address` that they lead to; 0 when there are none, None when there is no room.
pub(crate) fn insert(frames: &Frames, address: usize) -> Option<SiteId> {
    let outer = frames.list[..frames.count].iter().rev().try_fold(0, |outer, frame| node(frame.language, frame.word(), outer))?;
    if outer == 0 {
        return Some(0);
    }
    node(Language::Native, tagged(address), outer).map(|node| STACK | usize::from(node))
}

/// A frame of a stack that is being taken.
#[derive(Clone, Copy)]
struct TakenFrame {
    language: Language,
    file: TextId,
    function: TextId,
    line: u32,
}

impl TakenFrame {
    /// As the tree keeps it.
    fn word(&self) -> u64 {
        u64::from(self.file) << 48 | u64::from(self.function) << 32 | u64::from(self.line)
    }

    /// The return address, of a native frame.
    fn address(&self) -> usize {
        untagged(self.word())
    }
}

/// A stack that is being taken, innermost first.
pub(crate) struct Frames {
    list: [TakenFrame; DEPTH],
    count: usize,
}

impl Frames {
    pub(crate) fn new() -> Frames {
        Frames { list: [TakenFrame { language: Language::Native, file: 0, function: 0, line: 0 }; DEPTH], count: 0 }
    }

    /// Adds the next outer frame; false when there is room for no more. A line of 0 is unknown.
    pub(crate) fn push(&mut self, language: Language, file: TextId, function: TextId, line: u32) -> bool {
        if let Some(frame) = self.list.get_mut(self.count) {
            *frame = TakenFrame { language, file, function, line };
            self.count += 1;
        }
        self.count < DEPTH
    }

    /// Adds the next outer native frame, by its return address; likewise.
    pub(crate) fn push_native(&mut self, address: usize) -> bool {
        let word = tagged(address);
        self.push(Language::Native, (word >> 48) as TextId, (word >> 32) as TextId, word as u32)
    }

    /// Adds those of another stack, further out.
    pub(crate) fn extend(&mut self, outer: &Frames) {
        for frame in &outer.list[..outer.count] {
            self.push(frame.language, frame.file, frame.function, frame.line);
        }
    }

    /// Drops the outermost native frames in which the C library starts the program or a thread, and the program's own before that: they call
    /// nothing that anybody could edit.
    pub(crate) fn drop_start(&mut self, is_in_c_library: fn(usize) -> bool) {
        let is_start = |frame: &TakenFrame| frame.language == Language::Native && is_in_c_library(frame.address());
        // The place where the kernel begins the program.
        if let [.., starts, _] = self.list[..self.count]
            && self.count < DEPTH
            && is_start(&starts)
        {
            self.count -= 1;
        }
        while self.list[..self.count].last().is_some_and(is_start) {
            self.count -= 1;
        }
    }

    /// True when none was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// 8 bytes a step; good enough for paths and names.
fn hash(bytes: &[u8]) -> u64 {
    let mut hash = bytes.len() as u64;
    let mut step = |word: u64| hash = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let (words, rest) = bytes.as_chunks::<8>();
    words.iter().for_each(|w| step(u64::from_ne_bytes(*w)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    step(u64::from_ne_bytes(last));
    hash ^ hash >> 32
}

/// An interned text.
pub(crate) fn text_of(id: TextId) -> &'static str {
    let Some(place) = STORE.texts.get(id as usize).map(|p| p.load(Acquire)) else { return "" };
    let (start, length) = ((place >> 10) as usize, (place & 1023) as usize);
    if start + length > BYTES {
        return "";
    }
    // SAFETY: within the bytes; a text's bytes are written before its id is handed out and never again.
    let bytes = unsafe { std::slice::from_raw_parts(STORE.bytes.get().cast::<u8>().add(start), length) };
    std::str::from_utf8(bytes).unwrap_or("")
}

/// A frame of the store.
#[derive(PartialEq)]
pub(crate) struct StoredFrame {
    pub(crate) language: Language,
    pub(crate) file: &'static str,
    pub(crate) function: &'static str,
    pub(crate) line: u32,
    /// The return address, of a native frame.
    pub(crate) address: usize,
}

/// The native address of a site; 0 unknown.
pub(crate) fn address_of(site: SiteId) -> usize {
    match site & STACK {
        0 => site,
        _ => node_at(site & !STACK).map_or(0, |(word, _)| untagged(word)),
    }
}

/// The frames of a site that enclose its native address, innermost first.
pub(crate) fn frames_of(site: SiteId) -> impl Iterator<Item = StoredFrame> + Clone {
    let root = if site & STACK == 0 { None } else { node_at(site & !STACK) };
    let mut outer = root.map_or(0, |(_, link)| link & 0xffff);
    let frames = std::iter::from_fn(move || {
        let (word, link) = node_at(outer as usize)?;
        outer = link & 0xffff;
        let language = Language::ALL[(link >> 16) as usize % Language::ALL.len()];
        if language == Language::Native {
            return Some(StoredFrame { language, file: "", function: "", line: 0, address: untagged(word) });
        }
        let [file, function] = [word >> 48, word >> 32 & 0xffff].map(|id| text_of(id as u16));
        Some(StoredFrame { language, file, function, line: word as u32, address: 0 })
    });
    frames.take(DEPTH)
}

/// Word and link of a node.
fn node_at(index: usize) -> Option<(u64, u32)> {
    let node = STORE.nodes.get(index).filter(|_| index != 0)?;
    Some((node.word.load(Acquire), node.link.load(Acquire)))
}
