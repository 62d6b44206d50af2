//! The registers of a hooked call.
use forkguard_core::kernel;

/// The registers of a call that is only noted, as [`pass!`] saves them.
#[repr(C)]
pub(crate) struct Registers {
    rax: usize,
    /// The first six integer arguments.
    pub(crate) argument: [usize; 6],
    pub(crate) frame: usize,
    /// Return address of the call.
    pub(crate) caller: usize,
}

impl Registers {
    /// What a call returns that is not made.
    pub(crate) fn returns(&mut self, value: usize) {
        self.rax = value;
    }

    /// The same for one that fails so.
    pub(crate) fn fails(&mut self, errno: i32) {
        super::errno::set(errno);
        self.returns(usize::MAX);
    }

    /// The argument of this index, of however many words; None where the stack ends.
    pub(crate) fn word(&self, index: usize) -> Option<usize> {
        let on_stack = |index: usize| kernel::read_value((&raw const self.caller).addr() + 8 + 8 * index);
        self.argument.get(index).copied().or_else(|| on_stack(index - self.argument.len()))
    }
}
