//! A thread stopped for a moment, by ptrace, for its registers. One at a time: a process is never still as a whole, however many threads it has.
use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::time::{Duration, Instant};

/// The registers of a thread by which its stack is walked; zero where unknown.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Registers {
    pub(crate) instruction: usize,
    pub(crate) stack: usize,
    pub(crate) base: usize,
    /// Base of the thread-local variables: its pthread_t.
    pub(crate) thread: usize,
}

/// How long is waited for a thread to stop, which runs on until then. One that has not (in an uninterruptible call) is let go when the tool ends.
const LIMIT: Duration = Duration::from_millis(200);

/// Between two looks: the thread needs a processor to stop.
const PAUSE: Duration = Duration::from_micros(10);

/// A thread that stands still until this value is dropped.
pub(crate) struct Stopped {
    thread: Pid,
    /// One that came first.
    signal: Option<Signal>,
    since: Instant,
}

impl Stopped {
    /// Stops a thread; the others of its process go on.
    pub(crate) fn new(tid: u32) -> Option<Stopped> {
        let thread = Pid::from_raw(tid as i32);
        ptrace::seize(thread, ptrace::Options::empty()).ok()?;
        let asked = Instant::now();
        ptrace::interrupt(thread).ok()?;
        let (signal, since) = wait(thread, asked)?;
        Some(Stopped { thread, signal, since })
    }

    /// Its registers.
    pub(crate) fn registers(&self) -> Option<Registers> {
        let all = ptrace::getregs(self.thread).ok()?;
        let [instruction, stack, base, thread] = [all.rip, all.rsp, all.rbp, all.fs_base].map(|word| word as usize);
        Some(Registers { instruction, stack, base, thread })
    }

    /// Lets it go on: how long it stood still.
    pub(crate) fn release(self) -> Duration {
        let since = self.since;
        drop(self);
        since.elapsed()
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = ptrace::detach(self.thread, self.signal);
    }
}

/// Waits for a thread to stop: with the signal that it was about to get, if one came first. Gives the last moment at which it still ran, too.
fn wait(thread: Pid, asked: Instant) -> Option<(Option<Signal>, Instant)> {
    let mut ran = asked;
    loop {
        let now = Instant::now();
        match waitpid(thread, Some(WaitPidFlag::__WALL | WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::PtraceEvent(..)) => return Some((None, ran)),
            Ok(WaitStatus::Stopped(_, signal)) => return Some((Some(signal), ran)),
            Ok(WaitStatus::StillAlive) | Err(Errno::EINTR) if now - asked < LIMIT => {
                ran = now;
                std::thread::sleep(PAUSE);
            }
            _ => return None,
        }
    }
}
