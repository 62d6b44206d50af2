//! Files that are opened in passing are opened aside: in a table of descriptors of their own.
//!
//! In a process of one thread nobody sees what is opened and closed again while signals wait. Other threads would: a child that one of them
//! forks inherits it, and an open of theirs misses the lowest free number (POSIX). There, and where the table is full, a *reader* opens it: a task of the kernel in this
//! process that shares everything with the calling thread, its stack and its thread-local words too, but leaves the table of descriptors
//! for an empty one (close_range(2), CLOSE_RANGE_UNSHARE: nothing is copied, so nothing is closed late). The calling thread is suspended
//! meanwhile, as by vfork, and goes on when the reader is gone.
use crate::{raw, tls, valgrind};
use core::arch::asm;
use core::sync::atomic::{AtomicU32, Ordering::*};

/// Readers: [`BEGINS`], then the kernel's id, which it stores before the reader runs, until somebody sees that the reader is gone.
static READERS: [AtomicU32; 16] = [const { AtomicU32::new(0) }; 16];
const BEGINS: u32 = u32::MAX;
/// How many ever began.
#[unsafe(link_section = "forkguard_words")]
static BEGUN: AtomicU32 = AtomicU32::new(0);

/// Of `tls::aside`: this thread's files lie in its own table, or in its reader's.
const IN_PLACE: u64 = 1;
const APART: u64 = 2;

/// Opens, reads and closes files. What `work` leaves open is closed or not, as it comes; it must not panic.
pub fn aside(work: impl FnOnce()) {
    if tls::aside() != 0 {
        return work();
    }
    let blocked = raw::blocked_signals();
    raw::set_blocked_signals(blocked | DEFERRED);
    let mut work = Some(work);
    if raw::kernel_threads() > 1 || !raw::can_open_two() {
        read_apart(&mut work);
    }
    if let Some(work) = work {
        tls::set_aside(IN_PLACE);
        work();
    }
    tls::set_aside(0);
    raw::set_blocked_signals(blocked);
}

/// All but those that a thread's own instructions raise: blocked, they would end the process.
pub const DEFERRED: u64 = {
    let raised = [libc::SIGSYS, libc::SIGTRAP, libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];
    let mut mask = !0;
    let mut index = 0;
    while index < raised.len() {
        mask &= !(1 << (raised[index] - 1));
        index += 1;
    }
    mask
};

/// True where the descriptors of this process cannot be named: in a reader.
pub fn is_apart() -> bool {
    tls::aside() == APART
}

/// The readers at a moment: no threads of the program, though the kernel counts them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Readers {
    /// Those that live.
    pub live: u32,
    /// Those of which nobody can tell whether the kernel has made them yet.
    beginning: u32,
    /// How many ever began.
    begun: u32,
}

impl Readers {
    /// The readers now.
    pub fn now() -> Readers {
        let begun = begun();
        let beginning = READERS.iter().filter(|place| place.load(Acquire) == BEGINS).count() as u32;
        let live = READERS.iter().filter(|place| is_taken(place)).count() as u32;
        Readers { live, beginning, begun }
    }
}

/// Counts the program's threads: what `count` says of all tasks, without the readers. A reader that begins or ends in between would be in
/// one of the two counts only, so both are made again until none did.
pub(crate) fn count_without_readers(count: impl Fn() -> Option<u32>, readers: impl Fn() -> Readers) -> Option<u32> {
    const TRIES: u32 = 20;
    const PAUSE_NS: u64 = 50_000;
    for _ in 0..TRIES {
        let (before, tasks) = (readers(), count()?);
        if before.beginning == 0 && before == readers() {
            return Some(tasks.saturating_sub(before.live));
        }
        raw::sleep(PAUSE_NS);
    }
    // Readers come and go all the time: one thread too many is better than one too few.
    count()
}

/// The kernel lets a reader's thread go on a moment before the reader is out of the list of threads.
fn is_taken(place: &AtomicU32) -> bool {
    match place.load(Acquire) {
        0 => false,
        BEGINS => true,
        reader if raw::thread_exists(reader) => true,
        reader => place.compare_exchange(reader, 0, AcqRel, Relaxed).is_err(),
    }
}

/// How many readers ever began.
pub fn begun() -> u32 {
    BEGUN.load(Acquire)
}

/// In a forked child: it has none.
pub fn reset_in_child() {
    READERS.iter().filter(|place| place.load(Relaxed) != 0).for_each(|place| place.store(0, Relaxed));
}

/// Runs the work in a reader, and takes it. It stays where there can be none: a sandbox, a limit of tasks, a kernel before 5.9, valgrind.
fn read_apart<F: FnOnce()>(work: &mut Option<F>) {
    let take = |place: &&AtomicU32| !is_taken(place) && place.compare_exchange(0, BEGINS, AcqRel, Relaxed).is_ok();
    if valgrind::is_running() {
        return;
    }
    let Some(place) = READERS.iter().find(take) else { return };
    BEGUN.fetch_add(1, AcqRel);
    // SAFETY: `read` gets what it expects, which outlives the reader.
    let reader = unsafe { suspended_by_reader(read::<F>, (&raw mut *work).cast(), place) };
    // Of one that was made the place may be another reader's by now.
    if reader < 0 {
        place.store(0, Release);
    }
}

/// The reader: see [`read_apart`].
extern "C" fn read<F: FnOnce()>(work: *mut u8) {
    const CLOSE_RANGE_UNSHARE: i32 = 1 << 1;
    if raw::close_range(0, u32::MAX, CLOSE_RANGE_UNSHARE) != 0 {
        return;
    }
    tls::set_aside(APART);
    // SAFETY: what `read_apart` passed; its thread is suspended.
    if let Some(work) = unsafe { (*work.cast::<Option<F>>()).take() } {
        work();
    }
}

/// Makes a reader that calls `body(argument)` on this stack and ends; comes back when it has. Its number, which the kernel stores in `place`,
/// too, or a negative errno.
///
/// # Safety
/// `body` may be called with `argument`.
unsafe fn suspended_by_reader(body: extern "C" fn(*mut u8), argument: *mut u8, place: &AtomicU32) -> isize {
    use libc::{CLONE_FILES, CLONE_FS, CLONE_PARENT_SETTID, CLONE_SIGHAND, CLONE_THREAD, CLONE_UNTRACED, CLONE_VFORK, CLONE_VM};
    // Who traces the program is not told: ltrace gives up when a thread vforks.
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
            in("rdi") flags as usize, in("rsi") 0usize, in("rdx") place.as_ptr(), in("r10") 0usize, in("r8") 0usize,
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
