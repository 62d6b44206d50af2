//! How the interpreter's memory is read: fault-proof until its layout is proved, directly from then on.
use forkguard_core::kernel::{self, Plain};

/// A way to read memory.
#[derive(Clone, Copy)]
pub(super) struct Memory {
    direct: bool,
}

impl Memory {
    /// Every read is a system call that cannot fault.
    pub(super) fn careful() -> Memory {
        Memory { direct: false }
    }

    /// Plain loads.
    ///
    /// # Safety
    /// What is read must be what the chain of a thread's frames names, by a layout that was proved, and that thread must not run
    /// meanwhile.
    pub(super) unsafe fn direct() -> Memory {
        Memory { direct: true }
    }

    /// Fills `into`; false when that cannot be.
    #[inline(always)]
    pub(super) fn read(self, address: usize, into: &mut [u8]) -> bool {
        if !self.direct {
            return kernel::read_memory(address, into);
        }
        // No object lies in the first page or beyond user space.
        if !(4096..1 << 47).contains(&address) {
            return false;
        }
        // SAFETY: promised to `direct`.
        unsafe { into.as_mut_ptr().copy_from_nonoverlapping(address as *const u8, into.len()) };
        true
    }

    /// A value.
    #[inline(always)]
    pub(super) fn value<T: Plain + Default>(self, address: usize) -> Option<T> {
        let mut value = T::default();
        // SAFETY: the bytes of a value for which any bytes are valid.
        let bytes = unsafe { std::slice::from_raw_parts_mut((&raw mut value).cast::<u8>(), size_of::<T>()) };
        self.read(address, bytes).then_some(value)
    }
}

/// Bytes of an object, read in chunks.
pub(super) struct Bytes {
    memory: Memory,
    address: usize,
    left: usize,
    chunk: [u8; 128],
    at: usize,
    filled: usize,
}

impl Bytes {
    pub(super) fn new(memory: Memory, address: usize, length: usize) -> Bytes {
        Bytes { memory, address, left: length, chunk: [0; 128], at: 0, filled: 0 }
    }

    #[inline]
    pub(super) fn next(&mut self) -> Option<u8> {
        if self.at == self.filled {
            let take = self.left.min(self.chunk.len());
            if take == 0 || !self.memory.read(self.address, &mut self.chunk[..take]) {
                return None;
            }
            (self.at, self.filled) = (0, take);
            self.address += take;
            self.left -= take;
        }
        self.at += 1;
        Some(self.chunk[self.at - 1])
    }
}
