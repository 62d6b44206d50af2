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
