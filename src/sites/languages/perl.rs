//! Perl: the main thread's frames. No function of the interpreter's tells them without allocating: they are read fault-proof.
use super::memory::Memory;
use crate::sites::stack_of::StackOf;
use forkguard_core::kernel;
use forkguard_frames::perl::Perl;
use forkguard_loader::{Library, WhileLoaded};

pub(super) static FOUND: WhileLoaded<Perl> = WhileLoaded::new();

/// The interpreter of a library.
pub(super) fn of(library: &Library) -> Option<Perl> {
    Perl::of(|name| library.find(name))
}

/// Calls `each` with file and line of a forked child's main thread, innermost first.
pub(super) fn frames_of_child(memory: StackOf, each: &mut dyn FnMut(&str, u32)) {
    if let Some(perl) = FOUND.still_loaded() {
        perl.frames(memory, each);
    }
}

/// Calls `each` with file and line, innermost first; not at all in a thread other than the main one.
#[inline(never)]
pub(crate) fn frames(each: &mut dyn FnMut(&str, u32, &str)) {
    if let Some(perl) = FOUND.still_loaded()
        && kernel::thread_id() == kernel::process_id()
    {
        perl.frames(Memory::careful(), &mut |file, line| each(file, line, ""));
    }
}
