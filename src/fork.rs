//! fork, from its entry to its report: read this from top to bottom to know what happens at a fork.
//!
//! The hook of fork() enters here; libc runs every prepare handler, ours last (the snapshot); the kernel forks; in the child our handler
//! runs first (it freezes the records of the lost threads), in the leader too; back in the hook the leader works out the findings and writes
//! them. daemon and forkpty call fork inside libc, past the hook: the atfork handlers still see it.
mod earlier;
mod languages;
mod report;

use crate::child::inheritance::Inheritance;
use crate::describe::fork_kind;
use crate::entry::held_signals::BLOCKED;
use crate::entry::{catch_panic, record, record_with_scratch};
use crate::{child, emit, guards, leader, ledger, sites};
use forkguard_core::flags;
use forkguard_core::fork::{self as core_fork, ForkCall, Outcome, SnapshotCell, SnapshotGuard, shared_page};
use forkguard_core::gate::{self, Inside};
use forkguard_core::registry::started;
use forkguard_core::{kernel, tls};
use forkguard_report::event::ForkKind;
use libc::pid_t;

/// 1. A hook is entered: the fork gets its number and its site.
pub(crate) fn enter(call: ForkCall, caller: usize) -> Option<&'static SnapshotCell> {
    catch_panic(prepare_report);
    catch_panic(|| guards::share_before_fork(caller));
    record(|_| guards::before_fork());
    catch_panic(guards::wait_before_fork);
    record(|_| begin(call, caller)).flatten()
}

fn begin(call: ForkCall, caller: usize) -> Option<&'static SnapshotCell> {
    let cell = core_fork::begin(call, caller)?;
    let mut snapshot = cell.borrow()?;
    shared_page::begin_fork(snapshot.sequence);
    languages::record(&mut snapshot, caller);
    Some(cell)
}

/// The child writes into its leader's report: it must exist before the fork.
fn prepare_report() {
    // A vfork child's memory is its leader's.
    if !gate::awake() || gate::is_guest() {
        return;
    }
    if !gate::owns_registries() {
        child_unseen();
    }
    if ledger::needs_report() {
        record_with_scratch(ledger::begin_report);
    }
}

/// 2. The last prepare handler. A fork that no hook entered begins here.
pub(crate) extern "C-unwind" fn prepare() {
    if core_fork::current().is_none() {
        catch_panic(prepare_report);
    }
    if core_fork::is_unrecorded() {
        return;
    }
    record(|_| {
        let current = core_fork::current().and_then(SnapshotCell::borrow).filter(|snapshot| !snapshot.prepared);
        let begun = || begin(ForkCall::Internal, 0).and_then(SnapshotCell::borrow);
        if let Some(mut snapshot) = current.or_else(begun) {
            guards::wait_in_prepare();
            core_fork::prepare(&mut snapshot);
            sites::record_interpreters_threads(&mut snapshot);
            report::decide(&mut snapshot);
            keep_signals_out(snapshot.blocked);
        }
    });
}

/// Until the first handlers of leader and child have run: what a signal handler of the program does in a child that is not known as one yet
/// would be taken for its leader's.
fn keep_signals_out(blocked: u64) {
    tls::set_forks_with(blocked | tls::WAITS);
    kernel::set_blocked_signals(blocked | BLOCKED);
}

#[unsafe(link_section = ".text.forkguard_child")]
fn let_signals_in() {
    let blocked = tls::forks_with();
    if blocked != 0 {
        tls::set_forks_with(0);
        kernel::set_blocked_signals(blocked & !tls::WAITS);
    }
}

/// 3. The first child handler. It runs even where this thread was inside of a hook: the child must know that it is one.
#[unsafe(link_section = ".text.forkguard_child")]
pub(crate) extern "C-unwind" fn child() {
    if gate::awake() && tls::vfork() == 0 {
        Inside::regardless(|| _ = catch_panic(|| init_child(core_fork::current())));
    }
    let_signals_in();
}

/// There is no snapshot when too many forks were under way.
#[unsafe(link_section = ".text.forkguard_child")]
fn init_child(cell: Option<&'static SnapshotCell>) {
    let Some(mut snapshot) = cell.and_then(core_fork::child) else { return child_unseen() };
    reset_in_child(snapshot.sequence);
    sites::record_lost_stacks(&mut snapshot);
    let found_locks = sites::record_lost_locks(&mut snapshot);
    drop(snapshot);
    if found_locks {
        child::pythons_locks::note_found_locks();
        core_fork::update_watched();
    }
    if let Some(birth) = core_fork::birth() {
        child::begin(birth);
        guards::in_child(birth, child::regions::is_watched);
    }
}

/// In a child that no atfork handler saw.
#[inline(never)]
pub(crate) fn child_unseen() {
    if gate::awake() {
        core_fork::child_unseen();
        reset_in_child(0);
    }
}

#[unsafe(link_section = ".text.forkguard_child")]
fn reset_in_child(sequence: u64) {
    forkguard_core::kernel::reset_readers();
    report::reset_in_child();
    emit::reset_in_child();
    crate::entry::scratch::reset_in_child();
    sites::reset_in_child();
    shared_page::init_child(sequence);
    ledger::reset_in_child();
    leader::reset_in_child();
    child::reset();
}

/// 4. The first parent handler: reports the forks that no hook will: daemon's leader ends inside libc, and no hook entered an internal fork.
pub(crate) extern "C-unwind" fn parent() {
    let_signals_in();
    catch_panic(report_unhooked);
}

fn report_unhooked() {
    if !gate::awake() {
        return;
    }
    guards::in_parent();
    let Some(cell) = core_fork::current() else { return };
    let is_unhooked = |snapshot: &SnapshotGuard| matches!(snapshot.call, ForkCall::Daemon | ForkCall::Internal);
    let Some(snapshot) = cell.borrow().filter(is_unhooked) else { return };
    let (call, outcome) = (snapshot.call, core_fork::outcome(&snapshot));
    drop(snapshot);
    match outcome {
        Outcome::Made(child) => report(cell, child, None),
        // The hook of daemon reports its failure: it knows the errno.
        Outcome::Failed if call == ForkCall::Daemon => {}
        Outcome::Failed => core_fork::end(cell),
    }
}

/// 5. Back in the leader's hook: the findings are worked out, the event is written. It never waits for the child.
pub(crate) fn leave(cell: Option<&'static SnapshotCell>, call: ForkCall, caller: usize, result: pid_t) {
    catch_panic(guards::after_fork);
    let errno = crate::entry::errno::get();
    let child = (result > 0).then_some(result as u32);
    match cell {
        Some(cell) => report(cell, child, (result < 0).then_some(errno)),
        // Too many forks at once: only counts are reported.
        None if core_fork::is_unrecorded() => {
            core_fork::end_unrecorded();
            if result > 0 && emit::wanted() {
                record_with_scratch(|scratch| report::spawn(scratch, fork_kind(call), sites::capture(caller), child, None));
            }
        }
        None => {}
    }
}

/// Back in the child's hook: every library's child handler has run.
#[unsafe(link_section = ".text.forkguard_child")]
pub(crate) fn finish_child() {
    if gate::awake() && gate::owns_registries() {
        guards::at_end_of_fork(core_fork::birth());
    }
}

/// The frames of the fork's site are read only now: the thread still stands where it forked.
fn report(cell: &'static SnapshotCell, child: Option<u32>, failed: Option<i32>) {
    if let Some(mut snapshot) = cell.borrow() {
        if emit::wanted() {
            record(|_| snapshot.site = sites::capture(snapshot.site));
            record_with_scratch(|scratch| report::write(scratch, &mut snapshot, child, failed));
        }
        if let Some(child) = child {
            record(|_| leader::remember(&snapshot, child));
            record(|_| leader::accepted::remember(&snapshot, child));
            record(|_| leader::sent_signals::remember(&snapshot, child));
            started::record(child, snapshot.site);
            if leader::shares_pipes() {
                flags::watch_pipes();
                flags::watch_waits();
            }
        }
    }
    core_fork::end(cell);
}

/// A process was made by a way that runs no atfork handlers, or is about to be. `inherits`: what its program gets that it should not get.
pub(crate) fn spawned(kind: ForkKind, caller: usize, child: Option<u32>, inherits: impl FnOnce() -> Option<Inheritance>) {
    if !gate::awake() || gate::is_guest() {
        return;
    }
    let (reports, closes) = (ledger::spawns::count(), guards::exec::cleans() && child.is_none());
    let captured = || record(|_| sites::capture(caller)).unwrap_or(caller);
    let site = if reports || child.is_some() { captured() } else { caller };
    if let Some(child) = child {
        started::record(child, site);
    }
    if reports || closes {
        record_with_scratch(|scratch| {
            let inheritance = inherits();
            if reports {
                report::spawn(scratch, kind, site, child, inheritance.as_ref());
            }
            inheritance.filter(|_| closes).iter().for_each(Inheritance::close_descriptors);
        });
    }
}
