//! What a thread waits for in the kernel, by /proc/PID/task/TID/syscall.

/// Where a thread is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// It runs, or is about to.
    Running,
    /// In the kernel, but in no system call (a page fault), or the kernel does not tell.
    Elsewhere,
    /// In a system call.
    Call(SystemCall),
}

/// A system call that has not returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemCall {
    pub number: u32,
    pub arguments: [usize; 6],
    pub stack_pointer: usize,
    pub program_counter: usize,
}

/// A wait for a word of memory to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FutexWait {
    pub address: usize,
    /// No other process can wake it.
    pub private: bool,
    /// It ends by itself.
    pub timed: bool,
    /// What the word was when the wait began.
    pub expected: u32,
    /// The operation without its flags.
    pub operation: u32,
}

/// x86_64's numbers of calls that wait; true: the kernel begins the call again when a tracer interrupted it, whatever it waits on.
const CALLS: [(u32, &str, bool); 37] = [
    (0, "read", false),
    (1, "write", false),
    (7, "poll", true),
    (16, "ioctl", false),
    (23, "select", true),
    (34, "pause", true),
    (35, "nanosleep", true),
    (42, "connect", false),
    (43, "accept", false),
    (44, "sendto", false),
    (45, "recvfrom", false),
    (46, "sendmsg", false),
    (47, "recvmsg", false),
    (61, "wait4", true),
    (65, "semop", false),
    (70, "msgrcv", false),
    (72, "fcntl", true),
    (73, "flock", true),
    (74, "fsync", false),
    (128, "rt_sigtimedwait", false),
    (130, "rt_sigsuspend", true),
    (202, "futex", true),
    (208, "io_getevents", false),
    (220, "semtimedop", false),
    (230, "clock_nanosleep", true),
    (232, "epoll_wait", false),
    (247, "waitid", true),
    (270, "pselect6", true),
    (271, "ppoll", true),
    (281, "epoll_pwait", false),
    (288, "accept4", false),
    (299, "recvmmsg", false),
    (307, "sendmmsg", false),
    (333, "io_pgetevents", false),
    (426, "io_uring_enter", false),
    (441, "epoll_pwait2", false),
    (449, "futex_waitv", true),
];

const FUTEX: u32 = 202;

impl Wait {
    pub(crate) fn parse(text: &str) -> Wait {
        if text.trim() == "running" {
            return Wait::Running;
        }
        let hex = |word: &str| usize::from_str_radix(word.trim_start_matches("0x"), 16).ok();
        let (number, rest) = text.trim().split_once(' ').unwrap_or_default();
        let words: Vec<usize> = rest.split(' ').filter_map(hex).collect();
        match (number.parse(), <[usize; 8]>::try_from(words)) {
            (Ok(number), Ok([a, b, c, d, e, f, stack_pointer, program_counter])) => {
                Wait::Call(SystemCall { number, arguments: [a, b, c, d, e, f], stack_pointer, program_counter })
            }
            _ => Wait::Elsewhere,
        }
    }

    /// The system call.
    pub fn call(self) -> Option<SystemCall> {
        if let Wait::Call(call) = self { Some(call) } else { None }
    }

    /// The wait for a futex, if it is one.
    pub fn futex(self) -> Option<FutexWait> {
        self.call()?.futex()
    }
}

impl SystemCall {
    /// Its name; None for one that waits for nothing as a rule.
    pub fn name(self) -> Option<&'static str> {
        CALLS.iter().find(|call| call.0 == self.number).map(|call| call.1)
    }

    /// True when a stop by a tracer goes unnoticed: the kernel begins the call again.
    pub(crate) fn goes_on_after_a_stop(self) -> bool {
        CALLS.iter().any(|call| call.0 == self.number && call.2)
    }

    fn futex(self) -> Option<FutexWait> {
        let [address, operation, expected, timeout, ..] = self.arguments;
        let operation = operation as u32;
        const WAIT: u32 = 0;
        const LOCK_PI: u32 = 6;
        const WAIT_BITSET: u32 = 9;
        const WAIT_REQUEUE_PI: u32 = 11;
        const LOCK_PI2: u32 = 13;
        const PRIVATE: u32 = 128;
        const COMMANDS: u32 = 127;
        let waits = [WAIT, LOCK_PI, WAIT_BITSET, WAIT_REQUEUE_PI, LOCK_PI2].contains(&(operation & COMMANDS));
        (self.number == FUTEX && waits).then_some(FutexWait {
            address,
            private: operation & PRIVATE != 0,
            timed: timeout != 0,
            expected: expected as u32,
            operation: operation & COMMANDS,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Wait;

    #[test]
    fn a_mutex_and_a_running_thread() {
        let wait = Wait::parse("202 0x55e0 0x80 0x2 0x0 0x0 0x55e0 0x7ffc10 0x7f01\n");
        let futex = wait.futex().expect("a futex");
        assert_eq!((futex.address, futex.private, futex.timed, futex.expected), (0x55e0, true, false, 2));
        assert_eq!(Wait::parse("running\n"), Wait::Running);
        assert_eq!(Wait::parse("-1 0x7ffc 0x7f01\n"), Wait::Elsewhere);
        assert!(Wait::parse("202 0x55e0 0x81 0x2 0x0 0x0 0x0 0x7ffc10 0x7f01").futex().is_none(), "FUTEX_WAKE");
    }
}
