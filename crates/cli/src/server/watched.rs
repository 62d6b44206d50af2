//! A server that is looked after by a thread: it waits for signals and reaps, others ask how it goes, and stop it.
use super::ended::Ended;
use super::process::{Happened, NotStarted, Prepared};
use super::signals;
use super::tree::Tree;
use parking_lot::{Condvar, Mutex};
use rustix::process::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM};
use signal_hook::iterator::Handle;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long what a server left behind may take to stop after it.
const STOP_REST: Duration = Duration::from_secs(5);
/// How often /proc is asked.
const LOOK: Duration = Duration::from_millis(50);

/// What is known of a server.
#[derive(Clone, Copy, Default)]
struct State {
    ended: Option<Ended>,
    /// The signal by which the tool itself is to end.
    interrupted: Option<i32>,
}

/// A server, and the thread that looks after it.
pub(crate) struct Watched {
    pid: Pid,
    shared: Arc<(Mutex<State>, Condvar)>,
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Watched {
    /// Starts a program.
    pub(crate) fn start(prepared: Prepared) -> Result<Watched, NotStarted> {
        let mut server = prepared.start()?;
        let (pid, handle) = (server.pid, server.arriving.handle());
        let shared = Arc::<(Mutex<State>, Condvar)>::default();
        let told = shared.clone();
        let thread = thread::spawn(move || {
            while let Some(happened) = server.next() {
                let mut state = told.0.lock();
                match happened {
                    Happened::Ended(ended) => state.ended = Some(ended),
                    Happened::Signal(origin) => match origin.signal {
                        SIGHUP | SIGINT | SIGQUIT | SIGTERM => state.interrupted = Some(origin.signal),
                        _ => server.pass_on(&origin),
                    },
                }
                told.1.notify_all();
            }
        });
        Ok(Watched { pid, shared, handle, thread: Some(thread) })
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&self) -> Option<Ended> {
        self.shared.0.lock().ended
    }

    /// The signal by which the tool itself is to end.
    pub(crate) fn interrupted(&self) -> Option<i32> {
        self.shared.0.lock().interrupted
    }

    /// False once it has ended, or the tool is to end.
    pub(crate) fn goes_on(&self) -> bool {
        let state = *self.shared.0.lock();
        state.ended.is_none() && state.interrupted.is_none()
    }

    /// Waits until `is_done`, which is asked now and then, the deadline, or the end. True when it is done.
    pub(crate) fn wait_until(&self, deadline: Instant, mut is_done: impl FnMut() -> bool) -> bool {
        loop {
            if is_done() {
                return true;
            }
            if !self.goes_on() || Instant::now() >= deadline {
                return false;
            }
            self.pause(deadline);
        }
    }

    /// Until something happens, for a moment at most.
    fn pause(&self, deadline: Instant) {
        let mut state = self.shared.0.lock();
        if state.ended.is_none() && state.interrupted.is_none() {
            self.shared.1.wait_until(&mut state, deadline.min(Instant::now() + LOOK));
        }
    }

    /// How many children it has.
    pub(crate) fn children(&self) -> usize {
        Tree::now().children(self.pid)
    }

    /// Stops it and all that it started: it is asked, and killed when that time is over. True when it had to be killed.
    pub(crate) fn stop(&mut self, signal: i32, within: Duration) -> bool {
        if self.ended().is_none() {
            signals::send(self.pid, signal);
        }
        let stopped = await_that(within, || self.ended().is_some());
        if stopped {
            Tree::now().send(SIGTERM);
        }
        if !stopped || !await_that(within.min(STOP_REST), || Tree::now().is_empty()) {
            await_that(Duration::MAX, || {
                let rest = Tree::now();
                rest.send(SIGKILL);
                rest.is_empty()
            });
        }
        self.handle.close();
        self.thread.take().map(JoinHandle::join);
        !stopped
    }
}

/// True when it came about within that time.
fn await_that(within: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now().checked_add(within);
    loop {
        if is_so() {
            return true;
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return false;
        }
        thread::sleep(LOOK);
    }
}
