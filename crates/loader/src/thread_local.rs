//! Thread-local variables of libraries.
use core::arch::asm;

/// This thread's block of thread-local variables of the library with this number (from 1, as the loader counts); None while it has none.
pub fn thread_local_block(library: usize) -> Option<usize> {
    const UNALLOCATED: usize = usize::MAX;
    let table: *const [usize; 2];
    // SAFETY: the thread's own table, as the ABI has it (Drepper, "ELF Handling For Thread-Local Storage"): its address is the second word
    // behind fs, its length stands in front of it, and a library's entry begins with the block.
    unsafe {
        asm!("mov {}, fs:[8]", out(reg) table, options(nostack, readonly, preserves_flags));
        let length = table.sub(1).read()[0];
        let block = (1..=length).contains(&library).then(|| table.add(library).read()[0])?;
        (block != 0 && block != UNALLOCATED).then_some(block)
    }
}
