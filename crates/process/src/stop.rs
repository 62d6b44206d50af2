//! Threads stopped for a moment, by ptrace: for their registers, and so that what is read of them does not change meanwhile.
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

/// A thread that cannot be stopped by then (in an uninterruptible call) is let go.
pub(crate) const LIMIT: Duration = Duration::from_millis(2);

/// Threads of a process that stand still until this value is dropped.
pub(crate) struct Stopped {
    threads: Vec<(u32, Option<Signal>)>,
    since: Instant,
}

impl Stopped {
    /// Stops threads; the others go on.
    pub(crate) fn new(tids: impl Iterator<Item = u32>) -> Stopped {
        let seized: Vec<u32> = tids.filter(|&tid| ptrace::seize(pid(tid), ptrace::Options::empty()).is_ok()).collect();
        let since = Instant::now();
        seized.iter().for_each(|&tid| _ = ptrace::interrupt(pid(tid)));
        let threads = seized.into_iter().filter_map(|tid| Some((tid, wait(tid, since)?))).collect();
        Stopped { threads, since }
    }

    /// The registers of those that stand still.
    pub(crate) fn registers(&self) -> impl Iterator<Item = (u32, Registers)> {
        self.threads.iter().filter_map(|&(tid, _)| {
            let all = ptrace::getregs(pid(tid)).ok()?;
            let [instruction, stack, base, thread] = [all.rip, all.rsp, all.rbp, all.fs_base].map(|word| word as usize);
            Some((tid, Registers { instruction, stack, base, thread }))
        })
    }

    /// How long they have stood still.
    pub(crate) fn age(&self) -> Duration {
        self.since.elapsed()
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        // A signal that came first is passed on.
        self.threads.iter().for_each(|&(tid, signal)| _ = ptrace::detach(pid(tid), signal));
    }
}

/// Waits for a thread to stop: with the signal that it was about to get, if one came first.
fn wait(tid: u32, since: Instant) -> Option<Option<Signal>> {
    loop {
        match waitpid(pid(tid), Some(WaitPidFlag::__WALL | WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::PtraceEvent(..)) => return Some(None),
            Ok(WaitStatus::Stopped(_, signal)) => return Some(Some(signal)),
            Ok(WaitStatus::StillAlive) | Err(Errno::EINTR) if since.elapsed() < LIMIT => std::thread::yield_now(),
            _ => return None,
        }
    }
}

fn pid(tid: u32) -> Pid {
    Pid::from_raw(tid as i32)
}
