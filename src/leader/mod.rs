//! A leader inspects its children from outside, when it is idle itself: the waits that cross no symbol of theirs (Go, inlined futexes).
//!
//! A child that lost threads at its fork, has one thread, and is found in the same futex wait, private to its process and without a time
//! limit, by two inspections a second apart without having run in between: only a lost thread could have woken it, or released the lock. Waits that the child's
//! own hooks check are left to them (`crates/core/src/fork/shared_page.rs`).
pub(crate) mod accepted;
mod asked_to_end;
mod child;
mod children;
pub(crate) mod file_locks;
pub(crate) mod held_readers;
mod held_up;
mod hit;
mod idle;
mod last_words;
pub(crate) mod later_names;
mod outside;
mod pipes;
mod report;
pub(crate) mod sent_signals;
mod slices;
mod slot;
mod waitpid;

pub(crate) use asked_to_end::{ended as child_ended, was_asked as was_asked_to_end};
pub(crate) use children::{forget_children, has_children, inspect_children, is_inspection_due, remember};
pub(crate) use pipes::{shares_pipes, waits_for_any_child, waits_for_input};
pub(crate) use waitpid::{Waited, wait_for_child};

/// In a forked child, which has no children yet.
pub(crate) fn reset_in_child() {
    waitpid::reset_in_child();
    children::reset_in_child();
    sent_signals::reset_in_child();
    last_words::reset_in_child();
    held_readers::reset_in_child();
}
