//! What a child does with inherited descriptors: the first use of each that matters is reported before it happens.
pub(super) mod accepted;
mod certainty;
mod close;
mod concern;
mod datagrams;
pub(super) mod deferred;
mod file;
mod file_lock;
mod given_lock;
mod moved;
mod one_way;
pub(super) mod pending;
mod pipes;
mod positions;
mod replaced;
mod self_pipe;
mod severed;
mod shared;
mod swept;
mod unused;
pub(super) mod watch;

pub(crate) use close::{closing, closing_range};
pub(crate) use concern::Use;
pub(super) use file::is_database;
pub(crate) use file_lock::keeps_lock_of_leader;
pub(crate) use given_lock::{given, releasing};
pub(crate) use moved::{before_move, forget_positions};
pub(crate) use positions::Move;
pub(crate) use replaced::has_connected;
pub(crate) use shared::report_deferred;
pub(super) use shared::report_deferred_in_time;
pub(crate) use swept::{awaits_epoll, before_flush, before_read, before_watch, before_write, sweeping, sweeping_range};
pub(super) use unused::{report_pending, report_unused};

use crate::describe::pipes::Wait;
use crate::entry::Registers;
use crate::sites::Start;
use concern::Concern;
use forkguard_core::registry::{
    self,
    descriptors::{self, mark},
};
use forkguard_core::{flags, gate, kernel, tls};
use shared::Call;
use std::sync::atomic::Ordering::Relaxed;

/// In a forked child: `forked` by a fork that has a snapshot, with which its descriptors are known to be inherited.
pub(super) fn begin(forked: bool) {
    flags::watch_uses(forked);
    if forked && registry::pipes::any() {
        flags::watch_pipes();
    }
    pipes::reset();
    positions::reset();
    pending::reset();
    deferred::reset();
    certainty::reset();
    given_lock::reset();
    one_way::reset();
}

/// Before a call that uses a descriptor.
#[inline(always)]
pub(crate) fn before(registers: &Registers, fd: i32, usage: Use) {
    if descriptors::is_unseen(fd) {
        before_first(Call { start: registers.start(), caller: registers.caller }, fd, usage);
    }
    match usage {
        Use::Output | Use::Shutdown if descriptors::is_accepted_before_fork(fd) && !gate::is_guest() => note_answer(fd, usage),
        Use::Input | Use::Output if descriptors::is_pipe_end(fd) => descriptors::set_used(fd),
        _ => {}
    }
}

/// This process sends on a connection that it accepted and forked with, or says that no more is to come.
fn note_answer(fd: i32, usage: Use) {
    match usage {
        Use::Shutdown => _ = descriptors::remove_mark(fd, mark::ANSWERED),
        _ => descriptors::add_mark(fd, mark::ANSWERED),
    }
}

/// Before a call that waits for input or room by an end of a pipe, unless the descriptor is set otherwise.
#[inline(always)]
pub(crate) fn before_pipe_wait(registers: &Registers, wait: Wait) {
    if wait.descriptor().is_some_and(descriptors::is_pipe_end) {
        pipes::before_wait(Call { start: registers.start(), caller: registers.caller }, wait);
    }
}

/// Before poll(2) without a limit of time, for one descriptor.
pub(crate) fn before_poll(registers: &Registers) {
    let asked = kernel::read_value::<u64>(registers.argument[0]).filter(|_| registers.argument[1] == 1);
    if let Some(wait) = asked.and_then(Wait::polled) {
        pipes::before_endless_wait(Call { start: registers.start(), caller: registers.caller }, wait);
    }
}

/// The same in a hook that wraps.
#[inline(always)]
pub(crate) fn before_called(caller: usize, fd: i32, usage: Use) {
    if flags::WATCH_USES.load(Relaxed) != 0 && descriptors::is_unseen(fd) {
        before_first(Call { start: Start::here(), caller }, fd, usage);
    }
}

#[cold]
fn before_first(call: Call, fd: i32, usage: Use) {
    let Some(record) = descriptors::record(fd) else { return };
    let Some(concern) = Concern::of(fd, &record).filter(|concern| concern.is_met_by(usage)) else { return };
    if !gate::awake() || tls::inside() != 0 || gate::is_guest() || !gate::owns_registries() {
        return;
    }
    match concern {
        // One that the leader has not armed is the child's from now on.
        Concern::Timer if !kernel::is_armed_timer(fd) => watch::mark_used(fd),
        Concern::Connection if one_way::allows(fd, &record, usage) => {}
        Concern::Connection | Concern::Epoll | Concern::Events | Concern::Timer | Concern::Signals => {
            shared::before_first_use(call, fd, concern)
        }
        Concern::Datagrams => datagrams::before_use(call, fd, usage),
        Concern::SelfPipe => self_pipe::before_first_use(call, fd),
        Concern::Accepted => accepted::before_first_use(fd),
        Concern::Severed => severed::before_first_use(call, fd),
        Concern::File => file::before_first_use(fd, &record, usage),
    }
}
