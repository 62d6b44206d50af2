//! Files that we open and close at once are opened in a table of descriptors of their own.
//!
//! In a process of one thread nothing sees such a descriptor while signals are blocked. Other threads would: a child that one of them forks
//! inherits it, and their next open misses the lowest free number (POSIX). There, and where the table is full, a *reader* opens the file: a
//! kernel task in this process that shares everything with the calling thread, its stack and its thread-local words too, but replaces the
//! table of descriptors by an empty one (close_range(2), CLOSE_RANGE_UNSHARE: nothing is copied, so nothing is closed late). The calling
//! thread is suspended meanwhile, as by vfork, and goes on when the reader has ended.
use super::clock::sleep;
use super::fd::{can_open_two, close_range};
use super::process::thread_exists;
use super::signal::{block_signals, set_blocked_signals};
use super::valgrind;
use crate::tls;
use core::arch::asm;
use core::sync::atomic::{AtomicU32, Ordering::*};

/// Readers: [`BEGINS`], then the reader's kernel id, which the kernel stores before the reader runs, until a thread sees that it has ended.
static READERS: [AtomicU32; 16] = [const { AtomicU32::new(0) }; 16];
const BEGINS: u32 = u32::MAX;
/// How many ever began.
#[unsafe(link_section = "forkguard_words")]
static BEGUN: AtomicU32 = AtomicU32::new(0);

/// In `tls::private_fds`: this thread opens files in the process's table, or in its reader's.
const IN_PROCESS: u64 = 1;
const IN_READER: u64 = 2;

/// Opens, reads and closes files. A descriptor that `work` leaves open may be closed or not; `work` must not panic.
pub fn with_private_fds(work: impl FnOnce()) {
    if tls::private_fds() != 0 {
        return work();
    }
    let blocked = block_signals(DEFERRED_SIGNALS);
    let mut work = Some(work);
    if kernel_threads() > 1 || !can_open_two() {
        run_in_reader(&mut work);
    }
    if let Some(work) = work {
        tls::set_private_fds(IN_PROCESS);
        work();
    }
    tls::set_private_fds(0);
    set_blocked_signals(blocked);
}

/// All signals but those that a thread's own instructions raise: the kernel ends a process that blocks one of those.
pub const DEFERRED_SIGNALS: u64 = {
    let raised = [libc::SIGSYS, libc::SIGTRAP, libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];
    let mut mask = !0;
    let mut index = 0;
    while index < raised.len() {
        mask &= !(1 << (raised[index] - 1));
        index += 1;
    }
    mask
};

/// True in a reader, where the numbers of the process's descriptors mean nothing.
pub fn fds_are_private() -> bool {
    tls::private_fds() == IN_READER
}

/// The readers at a moment: the kernel counts them as threads, the program has not made them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Readers {
    /// Readers that live.
    pub live: u32,
    /// Readers that the kernel may or may not have made yet.
    beginning: u32,
    /// How many ever began.
    begun: u32,
}

impl Readers {
    /// The readers now.
    pub fn now() -> Readers {
        let begun = readers_begun();
        let beginning = READERS.iter().filter(|entry| entry.load(Acquire) == BEGINS).count() as u32;
        let live = READERS.iter().filter(|entry| is_taken(entry)).count() as u32;
        Readers { live, beginning, begun }
    }
}

/// Counts the program's threads: all tasks without the readers. A reader that begins or ends between the two counts is in one of them only,
/// so both are made again until none did.
fn count_without_readers(count: impl Fn() -> Option<u32>, readers: impl Fn() -> Readers) -> Option<u32> {
    const TRIES: u32 = 20;
    const PAUSE_NS: u64 = 50_000;
    for _ in 0..TRIES {
        let (before, tasks) = (readers(), count()?);
        if before.beginning == 0 && before == readers() {
            return Some(tasks.saturating_sub(before.live));
        }
        sleep(PAUSE_NS);
    }
    // Readers come and go all the time: one thread too many is better than one too few.
    count()
}

/// Threads of this process, by the link count of its task directory, our own readers left out.
pub fn kernel_threads() -> u32 {
    let tasks = || rustix::fs::stat(c"/proc/self/task").ok().map(|stat| stat.st_nlink.saturating_sub(2) as u32);
    count_without_readers(tasks, Readers::now).map_or(0, |threads| threads.max(1))
}

/// The kernel lets a reader's thread go on a moment before the reader is out of the list of threads.
fn is_taken(entry: &AtomicU32) -> bool {
    match entry.load(Acquire) {
        0 => false,
        BEGINS => true,
        reader if thread_exists(reader) => true,
        reader => entry.compare_exchange(reader, 0, AcqRel, Relaxed).is_err(),
    }
}

/// How many readers ever began.
pub fn readers_begun() -> u32 {
    BEGUN.load(Acquire)
}

/// In a forked child, which has no readers.
pub fn reset_readers() {
    READERS.iter().filter(|entry| entry.load(Relaxed) != 0).for_each(|entry| entry.store(0, Relaxed));
}

/// Runs the work in a reader and leaves None; the work stays where no reader can be made (a sandbox, a limit of tasks, a kernel before 5.9,
/// valgrind).
fn run_in_reader<F: FnOnce()>(work: &mut Option<F>) {
    let take = |reader: &&AtomicU32| !is_taken(reader) && reader.compare_exchange(0, BEGINS, AcqRel, Relaxed).is_ok();
    if valgrind::is_running() {
        return;
    }
    let Some(entry) = READERS.iter().find(take) else { return };
    BEGUN.fetch_add(1, AcqRel);
    // SAFETY: `read` gets what it expects, which outlives the reader.
    let reader = unsafe { suspended_by_reader(read::<F>, (&raw mut *work).cast(), entry) };
    // The entry of a reader that was made may be another reader's by now.
    if reader < 0 {
        entry.store(0, Release);
    }
}

/// A reader's body: see [`run_in_reader`].
extern "C" fn read<F: FnOnce()>(work: *mut u8) {
    const CLOSE_RANGE_UNSHARE: i32 = 1 << 1;
    if close_range(0, u32::MAX, CLOSE_RANGE_UNSHARE) != 0 {
        return;
    }
    tls::set_private_fds(IN_READER);
    // SAFETY: what `run_in_reader` passed; its thread is suspended.
    if let Some(work) = unsafe { (*work.cast::<Option<F>>()).take() } {
        work();
    }
}

/// Makes a reader that calls `body(argument)` on this stack and ends; returns when it has ended. Its id, which the kernel also stores in
/// `entry`, or a negative errno.
///
/// # Safety
/// `body` may be called with `argument`.
unsafe fn suspended_by_reader(body: extern "C" fn(*mut u8), argument: *mut u8, entry: &AtomicU32) -> isize {
    use libc::{CLONE_FILES, CLONE_FS, CLONE_PARENT_SETTID, CLONE_SIGHAND, CLONE_THREAD, CLONE_UNTRACED, CLONE_VFORK, CLONE_VM};
    // CLONE_UNTRACED: ltrace gives up when a thread vforks.
    let flags =
        CLONE_VM | CLONE_VFORK | CLONE_THREAD | CLONE_SIGHAND | CLONE_FS | CLONE_FILES | CLONE_UNTRACED | CLONE_PARENT_SETTID;
    let result: isize;
    // SAFETY: as of vfork: the kernel runs this thread on only when the reader has ended, and so the reader may use the stack below this
    // frame. It has this thread's registers, and never comes back from here.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "mov rdi, r12",
            "call r13",
            "mov eax, {exit}",
            "xor edi, edi",
            "syscall",
            "ud2",
            "2:",
            exit = const libc::SYS_exit,
            inlateout("rax") libc::SYS_clone as isize => result,
            in("rdi") flags as usize, in("rsi") 0usize, in("rdx") entry.as_ptr(), in("r10") 0usize, in("r8") 0usize,
            in("r12") argument, in("r13") body,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;

    const NONE: Readers = Readers { live: 0, beginning: 0, begun: 1 };
    const ONE: Readers = Readers { live: 1, ..NONE };

    /// Two threads, beside what is told of readers, one look after the other; the task directory lists them all.
    fn threads_told_with(looks: &[Readers]) -> Option<u32> {
        let look = Cell::new(0);
        let now = || looks[look.get().min(looks.len() - 1)];
        let next = || {
            let readers = now();
            look.set(look.get() + 1);
            readers
        };
        count_without_readers(|| Some(2 + now().live - now().beginning), next)
    }

    #[test]
    fn a_reader_that_ends_between_two_questions_is_no_thread_less() {
        assert_eq!(threads_told_with(&[NONE]), Some(2));
        assert_eq!(threads_told_with(&[ONE]), Some(2));
        assert_eq!(threads_told_with(&[ONE, NONE]), Some(2));
        assert_eq!(threads_told_with(&[NONE, ONE, NONE]), Some(2));
    }

    #[test]
    fn a_reader_that_begins_may_not_be_listed_yet() {
        let begins = Readers { beginning: 1, ..ONE };
        assert_eq!(threads_told_with(&[begins, begins, ONE]), Some(2));
        assert_eq!(threads_told_with(&[NONE, Readers { begun: 2, ..NONE }]), Some(2));
    }
}
