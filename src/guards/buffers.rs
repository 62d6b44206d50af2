//! FORKGUARD_BUFFERS=drop: the child does not write what waited in the leader's streams at the fork.
use crate::entry::record_with_scratch;
use crate::ledger::{log_action, report_state};
use crate::options::{self, Buffers};
use forkguard_core::fork::BufferRecord;
use forkguard_core::kernel;
use forkguard_report::event::{FindingKind, Guard, State};

/// In a child that is about to write its copy, which its leader writes: drops it; false where it is not to be, or cannot be dropped. A language's
/// is dropped by the write of `length` bytes that begins with it, if that has it whole.
pub(crate) fn drop_copy(buffer: &BufferRecord, name: &str, length: usize) -> bool {
    if !options::guards() || options::get().buffers != Buffers::Drop {
        return false;
    }
    let start = kernel::monotonic_by_syscall();
    let dropped = match buffer.is_languages() {
        true => length >= buffer.output.length,
        // What another thread of the child writes meanwhile would be lost.
        false => kernel::kernel_threads() == 1 && buffer.drop_copy(),
    };
    if dropped {
        log_action(Guard::Buffers, "dropped", format_args!("{name}"), start, Ok(()));
        record_with_scratch(|scratch| {
            let (kind, because) = (FindingKind::BufferDuplicated, "forkguard dropped the child's copy");
            report_state(scratch, kind, format_args!("{}", buffer.output.fd), State::Resolved, None, because);
        });
    }
    dropped
}
