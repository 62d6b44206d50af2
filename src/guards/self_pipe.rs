//! FORKGUARD_SOCKETS=sever: what a signal handler of the leader's writes to wake its process wakes this one.
use super::*;
use forkguard_core::descriptor;
use forkguard_core::own;

/// A handler that was set before the fork is about to write into `end`, whose other end `twin` this process has, too: gives both to this
/// process alone. False: they stay the leader's.
pub(crate) fn detach(end: i32, twin: i32) -> bool {
    if !options::guards() || !options::get().sockets.severs() {
        return false;
    }
    let start = raw::monotonic_of_kernel();
    let result = own::new_pair(end, twin).map_err(|errno| errno.raw_os_error());
    let done = result.is_ok();
    if done {
        [end, twin].into_iter().for_each(descriptor::made_own);
    }
    let subject = format_args!("self-pipe of a signal handler, descriptors {end} and {twin}");
    log_action(Guard::Sockets, "made the child's own", subject, start, result);
    done
}
