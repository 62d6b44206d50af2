//! The memory of stacks: this process's or a child's.
use forkguard_core::kernel::{read_memory, read_memory_of};

/// Whose stack it is. (The code is this process's own: a child's is the same.)
#[derive(Clone, Copy)]
pub(crate) enum StackOf {
    /// A thread of this process.
    Thread,
    /// A thread of a child by this number.
    Child(u32),
}

impl StackOf {
    /// Fault-proof.
    pub(crate) fn read(self, address: usize, into: &mut [u8]) -> bool {
        match self {
            StackOf::Thread => read_memory(address, into),
            StackOf::Child(pid) => read_memory_of(pid, address, into),
        }
    }

    /// The word at an address.
    pub(crate) fn word(self, address: usize) -> Option<usize> {
        let mut bytes = [0; 8];
        self.read(address, &mut bytes).then_some(usize::from_ne_bytes(bytes))
    }
}

impl forkguard_frames::Memory for StackOf {
    fn read(self, address: usize, into: &mut [u8]) -> bool {
        StackOf::read(self, address, into)
    }
}

/// Words of a stack that are read at once.
const WINDOW: usize = 64;

/// A piece of a stack.
pub(super) struct Window {
    of: StackOf,
    start: usize,
    words: [usize; WINDOW],
}

impl Window {
    pub(super) fn new(of: StackOf) -> Window {
        Window { of, start: 0, words: [0; WINDOW] }
    }

    /// Whose stack it is.
    pub(super) fn of(&self) -> StackOf {
        self.of
    }

    /// The word at an address.
    pub(super) fn read(&mut self, address: usize) -> Option<usize> {
        let index = address.wrapping_sub(self.start) / 8;
        if !address.is_multiple_of(8) {
            return None;
        }
        if index < WINDOW && self.start != 0 {
            return Some(self.words[index]);
        }
        self.start = address;
        // SAFETY: plain words, viewed as bytes.
        let bytes = unsafe { std::slice::from_raw_parts_mut(self.words.as_mut_ptr().cast::<u8>(), WINDOW * 8) };
        if !self.of.read(address, bytes) {
            // Where the stack begins there is less above.
            self.start = 0;
            return self.of.word(address);
        }
        Some(self.words[0])
    }
}
