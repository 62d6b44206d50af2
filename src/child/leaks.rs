//! Sockets that a program which is started now inherits, though nothing shows that it should.
use super::hit::report_hit;
use crate::describe::keep;
use crate::describe::{self, descriptors};
use crate::entry::Arena;
use crate::entry::Scratch;
use crate::findings::Hit;
use crate::findings::connection_inherited;
use crate::ledger::{self, Output};
use crate::options;
use forkguard_core::registry::descriptors::{FdKind, Record, role};
use forkguard_core::{kernel, registry};
use forkguard_report::event::{FindingKind, Role, Severity, Site, State};
use std::ffi::CStr;

/// Connections and listening sockets: one that was put under its number, or whose close-on-exec flag was cleared, is meant for the program.
fn is_leaky(record: &Record) -> bool {
    record.kind == FdKind::Socket
        && record.role & (role::CONNECTED | role::LISTENING) != 0
        && record.role & (role::PLACED | role::KEPT_ON_EXEC) == 0
}

/// The sockets that the next program would get; of a forked child only those that it inherited.
fn leaking(inherited: bool) -> impl Iterator<Item = i32> {
    let leaky = move |(fd, record): &(i32, Record)| {
        *fd > 2
            && is_leaky(record)
            && (!inherited || record.role & role::FORKED != 0)
            && !keep::is_kept(*fd, record)
            && kernel::survives_exec(*fd)
    };
    registry::descriptors::recorded().filter(leaky).map(|(fd, _)| fd)
}

/// True when a program that a forked child executes may get such sockets.
pub(super) fn may_leak() -> bool {
    leaking(true).next().is_some()
}

/// True when such sockets are handed on by a protocol of their own (sd_listen_fds(3)).
fn is_handing_on() -> bool {
    options::variable(c"LISTEN_FDS").is_some()
}

fn leak<'a>(arena: &'a Arena, fd: i32, program: &str, used: Option<&Site<'a>>) -> Option<Hit<'a>> {
    let descriptor = descriptors::describe(arena, fd)?;
    let socket = match connection_inherited::subject(arena, &descriptor) {
        Some(subject) => subject,
        None => {
            let local = descriptor.socket.as_ref()?.local.as_deref().unwrap_or("an unnamed address");
            arena.format(format_args!("the socket at {local}, descriptor {fd}"))
        }
    };
    Some(Hit {
        kind: FindingKind::FdLeakedExec,
        what: arena.format(format_args!("{fd}")),
        subject: arena.format(format_args!("{socket}, into {program}")),
        sites: arena.join([descriptor.site.as_slice(), used.map_or(&[], std::slice::from_ref)]),
        hazard: None,
    })
}

/// A forked child execs `program`; `site` captures the call's. A program that starts its own executable anew hands its sockets on.
pub(super) fn by_exec(scratch: &Scratch, program: &CStr, site: impl FnOnce() -> usize) {
    if !may_leak() || kernel::is_own_program(program) || is_handing_on() {
        return;
    }
    let (name, site) = (program.to_str().unwrap_or("?"), site());
    for fd in leaking(true) {
        report_hit(scratch, Severity::Warning, Output::Report, FindingKind::FdLeakedExec, |arena| {
            let used = describe::site(arena, Role::Used, kernel::thread_id(), site);
            leak(arena, fd, name, used.as_ref())
        });
    }
}

/// Calls `each` for the sockets that a shell of this process gets: once for a number, however many shells it starts.
pub(crate) fn by_shell<'a>(arena: &'a Arena, used: Option<&Site<'a>>, each: impl FnMut(Hit<'a>)) {
    let is_new = |hit: &Hit<'_>| ledger::advance(hit.kind, hit.what, State::Hit).is_some();
    if !is_handing_on() {
        leaking(false).filter_map(|fd| leak(arena, fd, "/bin/sh", used)).filter(is_new).for_each(each);
    }
}
