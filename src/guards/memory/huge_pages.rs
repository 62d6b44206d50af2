//! `nothp`: a child gets no new huge pages. The kernel splits a shared huge page when a child writes to it, but khugepaged may put the child's
//! pages into a huge one of its own again, and copies those that were still shared.
use crate::ledger::log_action;
use forkguard_core::kernel;
use forkguard_report::event::Guard;

/// See [`super::in_child`].
pub(super) fn in_child() {
    let start = kernel::monotonic_by_syscall();
    let result = kernel::disable_huge_pages().map_err(|errno| errno.raw_os_error());
    log_action(Guard::Memory, "switched off", format_args!("huge pages"), start, result);
}
