//! Where native threads sleep right after a fork, in the leader: by the kernel's word and the unwind tables. None of them is stopped, so one that
//! runs just then has no site.
use super::code::is_own;
use super::stack_of::StackOf;
use super::store::{self, Frames, SiteId};
use super::unwind::{self, Start};
use super::{languages, rate};
use forkguard_core::fork::ThreadRecord;
use forkguard_core::kernel;
use forkguard_loader::is_in_c_library;

/// The stack of a sleeping thread of which no interpreter's is known; 0 unknown.
pub(crate) fn stack_of_sleeper(thread: &ThreadRecord) -> SiteId {
    let interpreted = thread.label != 0 || thread.code != 0 || store::frames_of(thread.stack_at_fork).next().is_some();
    if thread.tid == 0 || interpreted || languages::have_interpreter() || !rate::take_token() {
        return 0;
    }
    kernel::sleeping_at(thread.tid).and_then(|place| stack_at(place, thread.stack_at_fork)).unwrap_or(0)
}

/// The function of the C library that was called there, and the frames around that. None for a stack that does not lead through `recorded`, where
/// hooks saw the thread wait.
fn stack_at((instruction, stack): (usize, usize), recorded: SiteId) -> Option<SiteId> {
    let (mut called, mut frames, mut meets) = (instruction, Frames::new(), recorded == 0);
    unwind::sleeper_addresses(StackOf::Thread, Start::of_sleeper(instruction, stack), &mut |address| {
        meets |= address == store::address_of(recorded);
        match (is_in_c_library(address), frames.is_empty()) {
            _ if is_own(address) => {}
            (true, true) => called = address,
            (true, false) => return false,
            (false, _) => return frames.push_native(address),
        }
        true
    });
    store::insert(&frames, called).filter(|_| meets)
}
