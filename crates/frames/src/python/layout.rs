//! Where CPython keeps what we read: x86_64, with the GIL, not a debug build.
use super::lines::Table;
use crate::Memory;

/// Offsets in bytes.
#[derive(Clone, Copy)]
pub struct Layout {
    /// In a thread's state: the innermost frame, or what points to it.
    pub frame: usize,
    /// The innermost frame lies behind one more pointer, at this offset there (3.11, 3.12).
    pub inner: Option<usize>,
    /// In a thread's state: its pthread_t.
    pub thread: usize,
    /// In a frame.
    pub code: usize,
    pub previous: usize,
    pub position: usize,
    pub locals: usize,
    /// In a frame of 3.11 and later: whose it is. From `foreign` on it is no Python code's.
    pub owner: Option<usize>,
    pub foreign: u8,
    /// `position` counts this many bytes each (until 3.10), or is an address in the code (later).
    pub unit: i32,
    /// In a code object.
    pub filename: usize,
    pub name: usize,
    pub first_line: usize,
    pub lines: usize,
    pub bytecode: usize,
    pub(super) table: Table,
    pub(super) blocks: Option<Blocks>,
    /// The head of a text: of an ASCII one, of another one.
    pub ascii: usize,
    pub compact: usize,
}

/// Where code and frames have what is read of their `with` blocks.
#[derive(Clone, Copy)]
pub(super) struct Blocks {
    /// In a code object: its table of handlers.
    pub(super) handlers: usize,
    /// In a code object: how many local variables stand before a frame's values.
    pub(super) variables: usize,
    /// The function that ends a block is bound to its object (3.13), or stands before it (3.14).
    pub(super) bound: bool,
    /// The first instructions of what runs when an exception leaves a block.
    pub(super) handler: [u8; 2],
}

const UNTIL_310: Layout = Layout {
    frame: 24,
    inner: None,
    thread: 176,
    code: 32,
    previous: 24,
    position: 104,
    locals: 360,
    owner: None,
    foreign: 0,
    unit: 1,
    filename: 104,
    name: 112,
    first_line: 40,
    lines: 120,
    bytecode: 0,
    table: Table::Lnotab,
    blocks: None,
    ascii: 48,
    compact: 72,
};

const SINCE_311: Layout = Layout {
    frame: 56,
    inner: Some(8),
    thread: 152,
    code: 32,
    previous: 48,
    position: 56,
    locals: 72,
    owner: Some(69),
    foreign: 3,
    filename: 112,
    name: 128,
    first_line: 72,
    lines: 136,
    bytecode: 184,
    table: Table::Locations,
    ..UNTIL_310
};

const SINCE_312: Layout = Layout {
    inner: Some(0),
    thread: 136,
    code: 0,
    previous: 8,
    owner: Some(70),
    first_line: 68,
    bytecode: 192,
    ascii: 40,
    compact: 56,
    ..SINCE_311
};

impl Layout {
    /// Of a minor version of CPython 3; None for an unknown one. `runtime` is the address of `_PyRuntime`.
    pub fn of(memory: impl Memory, minor: u32, runtime: usize) -> Option<Layout> {
        match minor {
            9 => Some(UNTIL_310),
            10 => Some(Layout { position: 96, locals: 352, unit: 2, table: Table::Pairs, ..UNTIL_310 }),
            11 => Some(SINCE_311),
            12 => Some(SINCE_312),
            13 => Self::from_debug_offsets(memory, runtime, [19, 28, 34, 67], (true, [33, 44])),
            14 => Self::from_debug_offsets(memory, runtime, [22, 31, 39, 77], (false, [32, 43])),
            _ => None,
        }
    }

    /// From the offsets that `_PyRuntime` holds since 3.13 (struct _Py_DebugOffsets): the words where its parts on thread state, frame, code and
    /// text begin; each begins with the size of what it describes. Then what [`Blocks`] has of the version.
    fn from_debug_offsets(
        memory: impl Memory,
        runtime: usize,
        [state, frame, code, text]: [usize; 4],
        (bound, handler): (bool, [u8; 2]),
    ) -> Option<Layout> {
        let word = |index: usize| memory.value::<usize>(runtime + index * 8).filter(|_| runtime != 0);
        let offset = |index: usize| word(index).filter(|&offset| offset < 4096);
        const COOKIE: usize = usize::from_ne_bytes(*b"xdebugpy");
        if word(0)? != COOKIE || word(2)? != 0 {
            return None;
        }
        let ascii = offset(text + 3)?;
        let first_line = offset(code + 5)?;
        Some(Layout {
            frame: offset(state + 4)?,
            inner: None,
            thread: offset(state + 5)?,
            previous: offset(frame + 1)?,
            code: offset(frame + 2)?,
            position: offset(frame + 3)?,
            locals: offset(frame + 4)?,
            owner: Some(offset(frame + 5)?),
            filename: offset(code + 1)?,
            name: offset(code + 3)?,
            lines: offset(code + 4)?,
            first_line,
            // co_exceptiontable stands before six numbers, co_nlocalsplus after the first line.
            blocks: Some(Blocks { handlers: first_line.checked_sub(28)?, variables: first_line + 4, bound, handler }),
            bytecode: offset(code + 9)?,
            ascii,
            // PyCompactUnicodeObject: two more words.
            compact: ascii + 16,
            ..SINCE_312
        })
    }

    /// True where it is known which locks a frame's `with` blocks hold: see [`super::Reader::with_locks`].
    pub fn has_blocks(&self) -> bool {
        self.blocks.is_some()
    }

    /// In a code object since 3.11: code units before which a frame is still being set up (an int two words before the code).
    pub(super) fn first_traceable(&self) -> usize {
        self.bytecode - 16
    }
}
