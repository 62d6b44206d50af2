//! A forked child's life: it begins in the atfork handler, the child settles at its first wait for work, and exec or exit ends it. What harms
//! it in between is reported at once.
mod announced;
pub(crate) mod buffers;
mod ending;
pub(crate) mod exec;
pub(crate) mod exit;
pub(crate) mod exit_handlers;
mod file_locks;
mod handlers;
mod hit;
pub(crate) mod inheritance;
mod leaks;
pub(crate) mod lost_locks;
pub(crate) mod lost_status;
pub(crate) mod pythons_locks;
pub(crate) mod regions;
pub(crate) mod restarts;
pub(crate) mod settle;
mod severed;
pub(crate) mod sibling_wait;
pub(crate) mod signals;
pub(crate) mod start;
mod summary;
pub(crate) mod timers;
mod unmerged;
mod unused_pipes;
pub(crate) mod uses;
pub(crate) mod waits;
mod what_if;
pub(crate) mod withheld;
pub(crate) mod work;

pub(crate) use ending::{ends_unreported, finish_postponed};

use forkguard_core::flags;
use forkguard_core::fork::{Snapshot, begin_copies};

/// A child's life begins: in the first child handler.
#[unsafe(link_section = ".text.forkguard_child")]
pub(crate) fn begin(fork: &'static Snapshot) {
    regions::watch();
    settle::begin(fork.entered);
    uses::begin(true);
    begin_copies(fork.buffers().len());
    exit_handlers::begin();
    lost_locks::begin();
    flags::watch_waits();
}

/// In every forked child, before anything of its own begins.
#[unsafe(link_section = ".text.forkguard_child")]
pub(crate) fn reset() {
    settle::reset();
    uses::begin(false);
    lost_locks::reset();
    pythons_locks::reset();
    begin_copies(0);
    flags::FORKED_CHILD.store(1, std::sync::atomic::Ordering::Relaxed);
    flags::report_end();
}
