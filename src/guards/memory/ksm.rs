//! `ksm`: ksmd may merge equal pages of leader and children, those that were copied and became equal again among them.
use crate::ledger::log_action;
use forkguard_core::kernel;
use forkguard_report::event::Guard;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// What the report calls it.
pub(crate) const MERGED: &str = "offered to ksmd";

/// Not asked for yet in this process or its leaders: the kernel gives what was asked for to children.
const UNTRIED: i32 = -1;
/// The host does not run ksmd, which `auto` leaves at that.
const LEFT: i32 = -2;
/// 0, or the errno; ENODEV: ksmd does not run.
static RESULT: AtomicI32 = AtomicI32::new(UNTRIED);

/// In the leader. `is_optional`: nothing is asked for where ksmd does not run.
pub(super) fn before_fork(is_optional: bool) {
    if RESULT.load(Relaxed) != UNTRIED {
        return;
    }
    let runs = is_running();
    let result = match runs {
        false if is_optional => LEFT,
        _ => match kernel::merge_equal_pages() {
            Err(errno) => errno.raw_os_error(),
            Ok(()) if !runs => libc::ENODEV,
            Ok(()) => 0,
        },
    };
    RESULT.store(result, Relaxed);
}

fn is_running() -> bool {
    kernel::read_file(c"/sys/kernel/mm/ksm/run", &mut [0u8; 8]).starts_with(b"1")
}

/// See [`super::in_child`].
pub(super) fn in_child() {
    let result = match RESULT.load(Relaxed) {
        UNTRIED | LEFT => return,
        0 => Ok(()),
        errno => Err(errno),
    };
    log_action(Guard::Memory, MERGED, format_args!("equal pages"), kernel::monotonic_by_syscall(), result);
}
