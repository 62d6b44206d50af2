//! The ends of a process: a forked child's, and a leader's that wrote a report.
use super::*;
use crate::child;
use std::sync::atomic::AtomicU8;

/// Not zero once this process has something to say about its end.
#[unsafe(link_section = "forkguard_words")]
pub(crate) static REPORTS: AtomicU8 = AtomicU8::new(0);

pass! {
    /// _exit(2).
    fn _exit, REPORTS; |registers| { ends("_exit", registers) }
}
pass! {
    /// _Exit(3).
    fn _Exit, REPORTS; |registers| { ends("_exit", registers) }
}
pass! {
    /// quick_exit(3).
    fn quick_exit, REPORTS, versions ["GLIBC_2.24"; "GLIBC_2.10"]; |registers| { ends("quick_exit", registers) }
}
pass! {
    /// exit(3): its handlers run before the end, so only the status is kept here.
    fn exit, REPORTS; |registers| { child::exiting(registers.argument[0] as i32) }
}

fn ends(call: &'static str, registers: &Registers) {
    if spawn::in_vfork_child() {
        return;
    }
    child::catch_up();
    if crate::emit::wanted() && !child::goes_unsaid() {
        note_at_length(|at| child::exit(at, call, registers.argument[0] as i32));
    }
}
