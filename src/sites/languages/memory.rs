//! How interpreters' memory is read in this process: fault-proof, or directly where a layout is proved.
use forkguard_core::kernel;

/// The memory of this process.
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
}

impl forkguard_frames::Memory for Memory {
    #[inline(always)]
    fn read(self, address: usize, into: &mut [u8]) -> bool {
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
}
