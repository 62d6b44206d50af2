//! A program that reads a pipe to its end, which only forked children keep open that have never used it.
use super::circle::{End, Waiting, holders, is_held_outside, kin};
use super::wait::Wait;
use crate::entry::Arena;
use forkguard_core::kernel;
use forkguard_core::kernel::other_process::{Sleeper, sleeping_call};
use forkguard_core::registry::descriptors;

/// The wait of `process`, an executed program, if this process made the pipe and has closed its own end. `is_forked`: true for a process that still runs
/// this one's program.
pub(crate) fn left_open<'a>(
    arena: &'a Arena,
    process: u32,
    (wait, sleeper): (Wait, Sleeper),
    is_forked: impl Fn(u32) -> bool,
) -> Option<Waiting<'a>> {
    let end = End::awaited(process, wait)?;
    let record = end.record().filter(|record| record.generations == 0 && record.closed)?;
    let kin = kin(arena)?;
    let holders = holders(arena, kin, end)?;
    // What is put under the standard numbers is meant for the child, and a child that works may still write.
    let is_idle = |process, fd| {
        process != kernel::process_id()
            && fd > 2
            && sleeping_call(process).is_some()
            && is_forked(process)
            && descriptors::is_used_by(process, fd) == Some(false)
    };
    let are_idle = !holders.is_empty() && holders.iter().all(|holder| is_idle(holder.process, holder.fd));
    let is_left = are_idle && !is_held_outside(kin, &[end]) && Wait::of(process) == Some((wait, sleeper));
    is_left.then_some(Waiting { process, wait, sleeper: Some(sleeper), holders, end: Some(record) })
}
