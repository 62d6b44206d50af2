//! The waits that another process ends: for input or room in a pipe, or for a child.
use forkguard_core::kernel;
use forkguard_core::kernel::other_process::{Sleeper, each_thread, sleeper, sleeping_call};

/// What a process waits for, without a limit of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wait {
    /// The end of a child; None: of any.
    Child(Option<u32>),
    /// Input by that descriptor.
    Input(i32),
    /// Room for output to that descriptor.
    Output(i32),
}

impl Wait {
    /// That of another process; None of one that does anything else.
    pub(crate) fn of(process: u32) -> Option<(Wait, Sleeper)> {
        let before = sleeper(process)?;
        if before.threads > 1 {
            return Wait::of_threads(process, before);
        }
        let (number, [first, second, third, ..]) = sleeping_call(process)?;
        let wait = match number {
            libc::SYS_read | libc::SYS_readv | libc::SYS_recvfrom | libc::SYS_recvmsg => Wait::Input(first as i32),
            libc::SYS_write | libc::SYS_writev | libc::SYS_sendto | libc::SYS_sendmsg => Wait::Output(first as i32),
            libc::SYS_wait4 => Wait::of_child(first as i32)?,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_poll if second == 1 && (third as i32) < 0 => Wait::polled(read_from(process, first)?)?,
            libc::SYS_ppoll if second == 1 && third == 0 => Wait::polled(read_from(process, first)?)?,
            _ => return None,
        };
        Some((wait, before))
    }

    /// That of a process of several threads: one of them waits for room, the others for threads of their own process.
    fn of_threads(process: u32, main: Sleeper) -> Option<(Wait, Sleeper)> {
        let (mut wait, mut threads, mut switches) = (None, 0, 0);
        let mut add = |thread| {
            let sleeper = sleeper(thread)?;
            (threads, switches) = (threads + 1, switches + sleeper.switches);
            match sleeping_call(thread)? {
                (libc::SYS_futex, [_, operation, _, time, ..]) => (time == 0 && is_own_wait(operation as i32)).then_some(()),
                (libc::SYS_write | libc::SYS_writev, [fd, ..]) => wait.replace(Wait::Output(fd as i32)).is_none().then_some(()),
                _ => None,
            }
        };
        let mut known = true;
        let listed = each_thread(process, |thread| known = known && add(thread).is_some());
        (listed && known && threads == main.threads).then_some((wait?, Sleeper { switches, ..main }))
    }

    /// That of waitpid(2) for this process.
    pub(crate) fn of_child(pid: i32) -> Option<Wait> {
        match pid {
            -1 => Some(Wait::Child(None)),
            1.. => Some(Wait::Child(Some(pid as u32))),
            _ => None,
        }
    }

    /// That of poll(2) for one descriptor: struct pollfd as a word.
    pub(crate) fn polled(word: u64) -> Option<Wait> {
        let (fd, events) = (word as u32 as i32, (word >> 32) as i16);
        match (events & libc::POLLIN != 0, events & libc::POLLOUT != 0) {
            (true, false) => Some(Wait::Input(fd)),
            (false, true) => Some(Wait::Output(fd)),
            _ => None,
        }
    }

    /// The descriptor that it waits by.
    pub(crate) fn descriptor(self) -> Option<i32> {
        match self {
            Wait::Child(_) => None,
            Wait::Input(fd) | Wait::Output(fd) => Some(fd),
        }
    }
}

/// True for a wait by futex(2) that only its own process can end.
fn is_own_wait(operation: i32) -> bool {
    let waits = matches!(operation & libc::FUTEX_CMD_MASK, libc::FUTEX_WAIT | libc::FUTEX_WAIT_BITSET);
    waits && operation & libc::FUTEX_PRIVATE_FLAG != 0
}

/// True for another process that waits so.
pub(crate) fn waits(process: u32) -> bool {
    Wait::of(process).is_some()
}

fn read_from(process: u32, address: usize) -> Option<u64> {
    kernel::bytes_of(process, address).map(u64::from_ne_bytes)
}
