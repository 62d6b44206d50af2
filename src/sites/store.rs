//! The application's stacks, kept once each in bounded memory: frames form a tree (stacks share their outer frames), texts are
//! interned. Nothing is ever taken out, so what was handed out stays valid without a lock; nobody waits to put something in.
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering::*};

/// Frames of all stacks, texts and their bytes that can be kept.
const NODES: usize = 16_384;
const TEXTS: usize = 4096;
const BYTES: usize = 160 << 10;
/// Frames of one stack that are kept: the innermost.
const DEPTH: usize = 96;
/// A longer text is cut.
const LONGEST: usize = 500;

/// Marks a word that names a stack: no address of a program has this bit.
const STACK: usize = 1 << 63;

/// Which language a frame is of.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Language {
    /// A native address: the root of what a word names.
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
    /// A native address, or file, function and line.
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
// SAFETY: `BUSY` admits one writer; bytes below `byte_count` are never written again.
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
static BUSY: AtomicBool = AtomicBool::new(false);

/// The right to put something in.
pub(crate) struct Writer(());

/// Tries so often: a capture takes a few microseconds. A thread that was interrupted in one is not waited for.
const TRIES: u32 = 2000;

impl Writer {
    /// None when another thread has it.
    pub(crate) fn take() -> Option<Writer> {
        for _ in 0..TRIES {
            if !BUSY.swap(true, Acquire) {
                return Some(Writer(()));
            }
            std::hint::spin_loop();
        }
        None
    }

    /// Interns a text; None when there is no room.
    pub(crate) fn text(&mut self, text: &str) -> Option<TextId> {
        let text = &text[..text.floor_char_boundary(LONGEST)];
        if text.is_empty() {
            return Some(0);
        }
        let mut place = hash(text.as_bytes()) as usize % STORE.text_index.len();
        loop {
            match STORE.text_index[place].load(Relaxed) {
                0 => break,
                id if text_of(id) == text => return Some(id),
                _ => place = (place + 1) % STORE.text_index.len(),
            }
        }
        let (id, start) = (STORE.text_count.load(Relaxed) + 1, STORE.byte_count.load(Relaxed));
        if id >= TEXTS || start + text.len() > BYTES {
            return None;
        }
        // SAFETY: within the bytes, behind all that was handed out.
        unsafe { STORE.bytes.get().cast::<u8>().add(start).copy_from_nonoverlapping(text.as_ptr(), text.len()) };
        STORE.texts[id].store((start as u32) << 10 | text.len() as u32, Relaxed);
        STORE.byte_count.store(start + text.len(), Release);
        STORE.text_count.store(id, Release);
        STORE.text_index[place].store(id as u16, Release);
        Some(id as u16)
    }

    /// The node of a frame within `outer`; None when there is no room.
    fn node(&mut self, language: Language, word: u64, outer: u16) -> Option<u16> {
        let link = (language as u32) << 16 | u32::from(outer);
        let key = word.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(link).wrapping_mul(0xd6e8_feb8_6659_fd93);
        let mut place = (key ^ key >> 32) as usize % STORE.node_index.len();
        loop {
            match STORE.node_index[place].load(Relaxed) {
                0 => break,
                index => {
                    let node = &STORE.nodes[index as usize % NODES];
                    if node.word.load(Relaxed) == word && node.link.load(Relaxed) == link {
                        return Some(index);
                    }
                    place = (place + 1) % STORE.node_index.len();
                }
            }
        }
        let index = STORE.node_count.load(Relaxed) + 1;
        let node = STORE.nodes.get(index)?;
        node.word.store(word, Relaxed);
        node.link.store(link, Relaxed);
        STORE.node_count.store(index, Release);
        STORE.node_index[place].store(index as u16, Release);
        Some(index as u16)
    }

    /// The word that names `frames` (innermost first) with the native `address` they lead to; the plain address when there are
    /// none or no room.
    pub(crate) fn keep(&mut self, frames: &Frames, address: usize) -> usize {
        let outer = frames.list[..frames.count].iter().rev().try_fold(0, |outer, place| {
            let word = u64::from(place.file) << 48 | u64::from(place.function) << 32 | u64::from(place.line);
            self.node(place.language, word, outer)
        });
        match outer {
            None | Some(0) => address,
            Some(outer) => self.node(Language::Native, address as u64, outer).map_or(address, |node| STACK | node as usize),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        BUSY.store(false, Release);
    }
}

/// In a forked child: the thread that was putting something in may be gone. What it had not finished is not reachable.
pub(crate) fn reset_in_child() {
    BUSY.store(false, Release);
}

/// A frame of a stack that is being taken.
#[derive(Clone, Copy)]
struct Place {
    language: Language,
    file: TextId,
    function: TextId,
    line: u32,
}

/// A stack that is being taken, innermost first.
pub(crate) struct Frames {
    list: [Place; DEPTH],
    count: usize,
}

impl Frames {
    pub(crate) fn new() -> Frames {
        Frames { list: [Place { language: Language::Native, file: 0, function: 0, line: 0 }; DEPTH], count: 0 }
    }

    /// Adds the next outer frame; false when there is room for no more. A line of 0 is unknown.
    pub(crate) fn push(&mut self, language: Language, file: TextId, function: TextId, line: u32) -> bool {
        if let Some(place) = self.list.get_mut(self.count) {
            *place = Place { language, file, function, line };
            self.count += 1;
        }
        self.count < DEPTH
    }

    /// Adds the next outer native frame, by its return address; likewise.
    pub(crate) fn push_native(&mut self, address: usize) -> bool {
        self.push(Language::Native, (address >> 48) as TextId, (address >> 32) as TextId, address as u32)
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

/// A frame that was kept.
pub(crate) struct Kept {
    pub(crate) language: Language,
    pub(crate) file: &'static str,
    pub(crate) function: &'static str,
    pub(crate) line: u32,
    /// The return address, of a native frame.
    pub(crate) address: usize,
}

/// The native address of a site's word, and the frames that it names, innermost first.
pub(crate) fn look(word: usize) -> (usize, impl Iterator<Item = Kept> + Clone) {
    let read = |index: usize| {
        let node = STORE.nodes.get(index).filter(|_| index != 0)?;
        Some((node.word.load(Acquire), node.link.load(Acquire)))
    };
    let (address, mut outer) = match word & STACK {
        0 => (word, 0),
        _ => read(word & !STACK).map_or((0, 0), |(address, link)| (address as usize, link & 0xffff)),
    };
    let frames = std::iter::from_fn(move || {
        let (word, link) = read(outer as usize)?;
        outer = link & 0xffff;
        let language = Language::ALL[(link >> 16) as usize % Language::ALL.len()];
        if language == Language::Native {
            return Some(Kept { language, file: "", function: "", line: 0, address: word as usize });
        }
        let [file, function] = [word >> 48, word >> 32 & 0xffff].map(|id| text_of(id as u16));
        Some(Kept { language, file, function, line: word as u32, address: 0 })
    });
    (address, frames.take(DEPTH))
}
