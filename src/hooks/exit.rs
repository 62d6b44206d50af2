//! The ends of a process: a forked child's, and a leader's that wrote a report.
use crate::child::{self, buffers, exit};
use crate::entry::{Registers, record_with_scratch};
use crate::leader::file_locks;
use forkguard_core::{flags, gate};

pass! {
    /// _exit(2).
    #[unsafe(link_section = ".text.forkguard_child")]
    fn _exit, flags::REPORT_END; |registers| { ends("_exit", registers) }
}
pass! {
    /// _Exit(3).
    #[unsafe(link_section = ".text.forkguard_child")]
    fn _Exit, flags::REPORT_END; |registers| { ends("_exit", registers) }
}
pass! {
    /// quick_exit(3).
    fn quick_exit, flags::REPORT_END, versions ["GLIBC_2.24"; "GLIBC_2.10"]; |registers| { ends("quick_exit", registers) }
}
pass! {
    /// exit(3): its handlers run before the end, so only the status is kept here.
    #[unsafe(link_section = ".text.forkguard_child")]
    fn exit, flags::REPORT_END; |registers| {
        exit::set_status(registers.argument[0] as i32);
        buffers::before_exit(registers);
    }
}

#[unsafe(link_section = ".text.forkguard_child")]
fn ends(call: &'static str, registers: &Registers) {
    if gate::is_guest() {
        return;
    }
    buffers::at_end_unwritten();
    child::finish_postponed();
    file_locks::at_end();
    if crate::emit::wanted() && !child::ends_unreported() {
        record_with_scratch(|scratch| exit::report(scratch, call, registers.argument[0] as i32));
    }
}
