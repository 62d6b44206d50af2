//! fork, from its entry to its report: read this from top to bottom to know what happens at a fork.
//!
//! `fork()` is entered here; libc runs every prepare handler, ours last (the snapshot); the kernel forks; in the child ours runs
//! first (freezes what the lost threads left), in the leader too (it only notes); back in the wrapper the leader works out the
//! findings and writes. daemon and forkpty call fork inside libc, past our wrapper: the atfork handlers still see it.
use super::*;
use crate::child::fate;
use crate::{emit, guards, leader, sites};
use forkguard_core::fork::{self as core_fork, Door, Outcome, Snapshot};
use forkguard_report::event::ForkKind;
use libc::{c_char, c_int, pid_t, termios, winsize};

/// 1. A door is entered: the fork gets its number and its site.
fn enter(door: Door, caller: usize) -> Option<&'static Snapshot> {
    seccomp::before_process();
    catch_panic(get_ready);
    record(|_| guards::before_fork());
    catch_panic(guards::wait_before_fork);
    record(|_| begin(door, caller)).flatten()
}

fn begin(door: Door, caller: usize) -> Option<&'static Snapshot> {
    let snapshot = core_fork::begin(door, caller)?;
    fate::begin(snapshot.inner().sequence);
    Some(snapshot)
}

/// What must be there before a fork, for the child to write into.
fn get_ready() {
    // The memory is the leader's.
    if !gate::awake() || gate::is_guest() {
        return;
    }
    if !core_fork::owned() {
        crate::child::born_unseen();
    }
    if emit::unready() {
        record_with_scratch(emit::ready);
    }
}

/// 2. The last prepare handler. A fork that came through no door of ours begins here.
pub(crate) extern "C-unwind" fn prepare() {
    if core_fork::current().is_none() {
        catch_panic(get_ready);
    }
    if core_fork::goes_without() {
        return;
    }
    record(|_| {
        let snapshot = core_fork::current().filter(|s| !s.inner().prepared);
        if let Some(snapshot) = snapshot.or_else(|| begin(Door::Internal, 0)) {
            guards::look_again();
            core_fork::prepare(snapshot.inner());
            emit::decide(snapshot.inner());
        }
    });
}

/// 3. The first child handler. Whatever this thread was in the middle of: the child must know that it is one.
#[unsafe(link_section = ".text.forkguard_child")]
pub(crate) extern "C-unwind" fn child() {
    if gate::awake() && forkguard_core::tls::vfork() == 0 {
        Inside::regardless(|| _ = catch_panic(|| crate::child::born(core_fork::current())));
    }
}

/// 4. The first parent handler: reports a fork that no wrapper will, as daemon's leader ends inside libc and an internal one has
///    no wrapper.
pub(crate) extern "C-unwind" fn parent() {
    catch_panic(forked);
}

fn forked() {
    if !gate::awake() {
        return;
    }
    guards::forked();
    let unwrapped = |s: &&Snapshot| matches!(s.inner().door, Door::Daemon | Door::Internal);
    let Some(snapshot) = core_fork::current().filter(unwrapped) else { return };
    match core_fork::outcome(snapshot.inner()) {
        Outcome::Made(child) => report(snapshot, child, None),
        // It failed; daemon's wrapper knows with which errno.
        Outcome::Failed if snapshot.inner().door == Door::Daemon => {}
        Outcome::Failed => core_fork::end(snapshot),
    }
}

/// 5. Back in the leader's wrapper: the findings are worked out, the event is written. Never waits for the child.
fn leave(snapshot: Option<&'static Snapshot>, door: Door, caller: usize, result: pid_t) {
    catch_panic(guards::after_fork);
    let errno = crate::entry::errno::get();
    let child = (result > 0).then_some(result as u32);
    match snapshot {
        Some(snapshot) => report(snapshot, child, (result < 0).then_some(errno)),
        // Too many forks at once: its counts are all there is.
        None if core_fork::goes_without() => {
            core_fork::end_without();
            if result > 0 && emit::wanted() {
                record_with_scratch(|scratch| emit::spawn(scratch, kind(door), caller, child));
            }
        }
        None => {}
    }
}

/// Back in the child's wrapper: every library's child handler has run.
#[unsafe(link_section = ".text.forkguard_child")]
fn arrive() {
    if gate::awake() && core_fork::owned() {
        guards::at_end_of_fork(core_fork::birth());
    }
}

/// The frames of the fork's site are read only now: the thread still stands where it forked.
fn report(snapshot: &'static Snapshot, child: Option<u32>, failed: Option<i32>) {
    if emit::wanted() {
        let inner = snapshot.inner();
        record(|_| inner.site = sites::capture(inner.site));
        record_with_scratch(|scratch| emit::fork(scratch, inner, child, failed));
    }
    if let Some(child) = child {
        record(|_| leader::remember(snapshot.facts(), child));
    }
    core_fork::end(snapshot);
}

hook! {
    /// fork(3).
    #[unsafe(link_section = ".text.forkguard_child")]
    fn fork() -> pid_t = libc::fork;
    |caller| {
        let snapshot = enter(Door::Fork, caller);
        let result = real();
        match result {
            0 => arrive(),
            _ => leave(snapshot, Door::Fork, caller, result),
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
        match result {
            0 => arrive(),
            _ => leave(snapshot, Door::Forkpty, caller, result),
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
        match result {
            0 => arrive(),
            _ if core_fork::current().is_some() => leave(snapshot, Door::Daemon, caller, -1),
            _ => {}
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
