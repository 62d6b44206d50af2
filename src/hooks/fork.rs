//! fork, from its entry to its report: read this from top to bottom to know what happens at a fork.
//!
//! `fork()` is entered here; libc runs every prepare handler, ours last (the snapshot); the kernel forks; in the child ours runs
//! first (freezes what the lost threads left), in the leader too (it only notes); back in the wrapper the leader works out the
//! findings and writes. daemon and forkpty call fork inside libc, past our wrapper: the atfork handlers still see it.
use super::*;
use crate::{emit, sites};
use forkguard_core::fork::{self as core_fork, Door, Snapshot};
use forkguard_report::event::ForkKind;
use libc::{c_char, c_int, pid_t, termios, winsize};

/// 1. A door is entered: the fork gets its number and its site.
fn enter(door: Door, caller: usize) -> Option<&'static Snapshot> {
    if emit::unready() {
        note_at_length(|_| emit::ready());
    }
    note(|_| core_fork::begin(door, sites::capture(caller))).flatten()
}

/// 2. The last prepare handler. A fork that came through no door of ours begins here.
pub(crate) extern "C" fn prepare() {
    if core_fork::current().is_none() && emit::unready() {
        note_at_length(|_| emit::ready());
    }
    note(|_| {
        if let Some(snapshot) = core_fork::current().or_else(|| core_fork::begin(Door::Internal, 0)) {
            core_fork::prepare(snapshot.inner());
        }
    });
}

/// 3. The first child handler.
pub(crate) extern "C" fn child() {
    note(|_| {
        if let Some(snapshot) = core_fork::current() {
            core_fork::child(snapshot.inner());
            crate::child::born(snapshot);
        }
    });
}

/// 4. The first parent handler: reports a fork that no wrapper will, as daemon's leader ends inside libc and an internal one has
///    no wrapper.
pub(crate) extern "C" fn parent() {
    note_at_length(|_| {
        if let Some(snapshot) = core_fork::current()
            && matches!(snapshot.inner().door, Door::Daemon | Door::Internal)
        {
            report(snapshot, None, None);
        }
    });
}

/// 5. Back in the leader's wrapper: the findings are worked out, the event is written. Never waits for the child.
fn leave(snapshot: Option<&'static Snapshot>, result: pid_t) {
    let Some(snapshot) = snapshot else { return };
    let errno = crate::errno::get();
    note_at_length(|_| match result {
        -1 => report(snapshot, None, Some(errno)),
        pid => report(snapshot, Some(pid as u32), None),
    });
}

fn report(snapshot: &'static Snapshot, child: Option<u32>, failed: Option<i32>) {
    emit::fork(snapshot.inner(), child, failed);
    core_fork::end(snapshot);
}

hook! {
    /// fork(3).
    fn fork() -> pid_t = libc::fork;
    |caller| {
        let snapshot = enter(Door::Fork, caller);
        let result = real();
        if result != 0 {
            leave(snapshot, result);
        }
        result
    }
}
hook! {
    /// forkpty(3).
    fn forkpty(master: *mut c_int, name: *mut c_char, settings: *const termios, size: *const winsize) -> pid_t;
    |caller| {
        let snapshot = enter(Door::Forkpty, caller);
        let result = real(master, name, settings, size);
        if result != 0 {
            leave(snapshot, result);
        }
        result
    }
}
hook! {
    /// daemon(3): its leader ends inside, so only a failure comes back to it.
    fn daemon(keep_directory: c_int, keep_output: c_int) -> c_int = libc::daemon;
    |caller| {
        let snapshot = enter(Door::Daemon, caller);
        let result = real(keep_directory, keep_output);
        if result != 0 && core_fork::current().is_some() {
            leave(snapshot, -1);
        }
        result
    }
}

/// Which kind a snapshot's door stands for.
pub(crate) fn kind(door: Door) -> ForkKind {
    match door {
        Door::Fork => ForkKind::Fork,
        Door::Daemon => ForkKind::Daemon,
        Door::Forkpty => ForkKind::Forkpty,
        Door::Internal => ForkKind::Internal,
    }
}
