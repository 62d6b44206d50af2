//! Children that wait for work, by the system call that they sleep in.
//!
//! An event loop, an accept and a wait for signals are that. A poll is where one of its descriptors is the leader's, too, and no connection: a
//! listener, a channel to the leader. By others a child waits for a database or a program that it started itself.
use forkguard_core::kernel;
use forkguard_core::kernel::other_process::{open_file, sleeping_call};
use forkguard_core::registry::descriptors::{self, role};

/// Descriptors of a poll that are looked at.
const POLLED: usize = 64;
/// Those that a set of select(2) has room for.
const SELECTED: usize = 1024;

/// True for a process that sleeps in such a call; false where this one may not look.
pub(super) fn waits_for_work(process: u32) -> bool {
    let Some((number, [first, second, third, ..])) = sleeping_call(process) else { return false };
    match number {
        libc::SYS_epoll_pwait | libc::SYS_epoll_pwait2 | libc::SYS_accept | libc::SYS_accept4 => true,
        libc::SYS_rt_sigtimedwait | libc::SYS_rt_sigsuspend => true,
        libc::SYS_ppoll => polls_shared(process, first, second),
        libc::SYS_pselect6 => selects_shared(process, first, [second, third]),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_epoll_wait | libc::SYS_pause => true,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_poll => polls_shared(process, first, second),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_select => selects_shared(process, first, [second, third]),
        _ => false,
    }
}

fn polls_shared(process: u32, array: usize, count: usize) -> bool {
    let mut bytes = [0; 8 * POLLED];
    let bytes = &mut bytes[..8 * count.min(POLLED)];
    kernel::read_memory_of(process, array, bytes)
        && bytes.as_chunks::<8>().0.iter().any(|[a, b, c, d, ..]| is_shared(process, i32::from_ne_bytes([*a, *b, *c, *d])))
}

fn selects_shared(process: u32, count: usize, sets: [usize; 2]) -> bool {
    let mut bytes = [0; SELECTED / 8];
    let length = count.min(SELECTED).div_ceil(64) * 8;
    sets.into_iter().filter(|set| *set != 0).any(|set| {
        let bytes = &mut bytes[..length];
        kernel::read_memory_of(process, set, bytes)
            && (0..count.min(SELECTED)).any(|fd| bytes[fd / 8] >> (fd % 8) & 1 != 0 && is_shared(process, fd as i32))
    })
}

/// True for a descriptor under which this process has the same file, unless it is a connection.
fn is_shared(process: u32, fd: i32) -> bool {
    let is_connection = || descriptors::record(fd).is_some_and(|record| record.role & role::CONNECTED != 0);
    let number = |process| open_file(process, fd).map(|file| file.number);
    fd >= 0 && !is_connection() && number(process).is_some_and(|theirs| number(kernel::process_id()) == Some(theirs))
}
