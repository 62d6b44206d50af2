//! A process and all that descend from it.
use crate::entry::Arena;
use forkguard_core::kernel::other_process::each_child;

/// Itself first; None where there are `most` or more, or the kernel does not list them.
pub(crate) fn descendants(arena: &Arena, process: u32, most: usize) -> Option<&[u32]> {
    let mut list = arena.list(most);
    list.push(process);
    let mut next = 0;
    while let Some(&process) = list.as_slice().get(next) {
        next += 1;
        each_child(process, |child| list.push(child)).then_some(())?;
    }
    (list.as_slice().len() < most).then(|| list.done())
}
