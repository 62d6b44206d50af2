//! Forks inside a fixup: the child goes on in the middle of its leader's fixup, and then with those behind it.
use crate::entry::errno;
use forkguard_core::kernel;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// The frame that runs fixups (0: none), the mark in it, and its thread. A fixup that jumps out leaves them behind.
#[unsafe(link_section = "forkguard_words")]
static FRAME: AtomicUsize = AtomicUsize::new(0);
#[unsafe(link_section = "forkguard_words")]
static MARK: AtomicU64 = AtomicU64::new(0);
#[unsafe(link_section = "forkguard_words")]
static THREAD: AtomicU32 = AtomicU32::new(0);

/// True while fixups run, or when one has jumped out.
pub(super) fn is_running() -> bool {
    FRAME.load(Relaxed) != 0
}

/// In a child that this thread of its leader forked: the fixups of another thread are lost with it.
pub(super) fn reset_in_child(thread: u32) {
    if is_running() && THREAD.load(Relaxed) != thread {
        FRAME.store(0, Relaxed);
    }
}

/// Runs the fixups with errno kept, unless the fork that `forking_thread` made was inside of them.
pub(super) fn run_unless_nested(forking_thread: Option<u32>, run: fn()) {
    let mark = AtomicU64::new(0);
    let frame = (&raw const mark).addr();
    if forking_thread.is_some_and(|thread| is_run_further_out(thread, frame)) {
        THREAD.store(kernel::thread_id(), Relaxed);
        return;
    }
    let errno = errno::get();
    mark.store(kernel::monotonic_by_syscall(), Relaxed);
    MARK.store(mark.load(Relaxed), Relaxed);
    THREAD.store(kernel::thread_id(), Relaxed);
    FRAME.store(frame, Relaxed);
    run();
    FRAME.store(0, Relaxed);
    errno::set(errno);
}

/// True when the thread that forked this process did so inside a fixup. A frame that lies below this one was left by a jump, as
/// was one whose mark is gone.
fn is_run_further_out(thread: u32, frame: usize) -> bool {
    const STACK: usize = 8 << 20;
    let running = FRAME.load(Relaxed);
    running != 0
        && THREAD.load(Relaxed) == thread
        && !(running..running.saturating_add(STACK)).contains(&frame)
        && kernel::read_value(running) == Some(MARK.load(Relaxed))
}
