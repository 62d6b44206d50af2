//! FORKGUARD_SOCKETS=sever: the self-pipe of a signal handler that was set in the leader wakes the child and no longer the leader.
use crate::ledger::log_action;
use crate::options;
use forkguard_core::kernel::{self, unshare};
use forkguard_core::registry::descriptors;
use forkguard_report::event::Guard;

/// Before a handler that was set in the leader writes into `end`, whose other end `twin` this process has, too: replaces both by a pair of
/// this process's own. False: they stay the leader's.
pub(crate) fn detach_self_pipe(end: i32, twin: i32) -> bool {
    if !options::guards() || !options::get().sockets.severs() {
        return false;
    }
    let start = kernel::monotonic_by_syscall();
    let result = unshare::new_pair(end, twin).map_err(|errno| errno.raw_os_error());
    let is_detached = result.is_ok();
    if is_detached {
        [end, twin].into_iter().for_each(descriptors::set_own);
    }
    let subject = format_args!("self-pipe of a signal handler, descriptors {end} and {twin}");
    log_action(Guard::Sockets, "made the child's own", subject, start, result);
    is_detached
}
