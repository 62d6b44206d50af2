//! Sockets, ends of pipes, masters of pseudoterminals and locked files that a program which is started now gets, though nothing shows that it should.
use super::start::Start;
use crate::describe::{self, descriptors, keep};
use crate::entry::Arena;
use crate::findings::{Hit, connection_inherited, lock_file_shared, socket_inherited};
use forkguard_core::kernel;
use forkguard_core::kernel::unshare::holds_lock;
use forkguard_core::registry::descriptors::{self as registry, FdKind, FileLock, FileLockKind, Record, is_only_end, role};
use forkguard_report::event::{FindingKind, Role, Severity, Site};

/// The descriptors that the program would get; of a forked child only those that it inherited.
pub(super) fn of<'s>(start: &'s Start<'_>) -> impl Iterator<Item = i32> + 's {
    candidates(start.is_forked)
        .filter(|(fd, record)| would_harm(*fd, record, start))
        .map(|(fd, _)| fd)
        .filter(|&fd| !(start.is_given)(fd))
}

/// True when a program that a forked child executes may get such descriptors.
pub(super) fn may_leak() -> bool {
    candidates(true).next().is_some()
}

/// What was put under its number, or whose close-on-exec flag was cleared, is meant for the program.
fn candidates(is_forked: bool) -> impl Iterator<Item = (i32, Record)> {
    let is_meant = |record: &Record| record.role & (role::PLACED | role::KEPT_ON_EXEC) != 0;
    let may_harm = |fd, record: &Record| match record.kind {
        FdKind::Socket => record.role & (role::CONNECTED | role::ACCEPTED | role::LISTENING | role::PAIR) != 0,
        FdKind::File => lock_of(fd).is_some(),
        kind => matches!(kind, FdKind::Pipe | FdKind::Terminal),
    };
    registry::recorded().filter(move |(fd, record)| {
        *fd > 2
            && may_harm(*fd, record)
            && !is_meant(record)
            && (!is_forked || record.role & role::FORKED != 0)
            && !keep::is_kept(*fd, record)
            && kernel::survives_exec(*fd)
    })
}

/// A lock that is the open file's, and lasts as long as anybody has that open.
fn lock_of(fd: i32) -> Option<FileLock> {
    registry::file_lock(fd).filter(|lock| lock.kind != FileLockKind::Process)
}

/// How much it matters. Who locks a file and then runs one program may want that to have the lock (flock(1) does).
pub(super) fn severity(fd: i32) -> Severity {
    let is_file = registry::record(fd).is_some_and(|record| record.kind == FdKind::File);
    if is_file { Severity::Info } else { Severity::Warning }
}

/// A socket keeps its peer or its port, a master the programs of its terminal from the hang-up. An end of a pipe or pair keeps who reads the
/// other end from the end of file: another process, to which this one gave that end, or the program itself. A client's connection is closed by
/// who waits for the program, once that has ended. What the program has as a standard stream, too, was given to it.
fn would_harm(fd: i32, record: &Record, start: &Start<'_>) -> bool {
    match record.kind {
        FdKind::Socket if record.role & role::PAIR != 0 => {
            start.may_outlive && is_only_end(fd, start.is_forked) && descriptors::is_stream(fd)
        }
        FdKind::Socket => !is_standard_stream(fd) && (start.may_outlive || record.role & role::ACCEPTED == 0),
        FdKind::Terminal => start.may_outlive,
        FdKind::File => start.may_outlive && holds_lock(fd),
        _ => {
            start.may_outlive
                && kernel::is_writable(fd)
                && (is_only_end(fd, start.is_forked) || kernel::is_same_pipe(fd, start.input))
        }
    }
}

fn is_standard_stream(fd: i32) -> bool {
    (0..=2).any(|standard| kernel::is_same_socket(fd, standard))
}

/// One that leaks into `program`, which `used` starts.
pub(super) fn hit<'a>(arena: &'a Arena, fd: i32, program: &str, used: Option<&Site<'a>>) -> Option<Hit<'a>> {
    let record = registry::record(fd)?;
    let (subject, site) = match record.kind {
        FdKind::Pipe => (arena.format(format_args!("the write end of a pipe, descriptor {fd}")), opened_at(arena, &record)),
        FdKind::Terminal => {
            (arena.format(format_args!("the master of a pseudoterminal, descriptor {fd}")), opened_at(arena, &record))
        }
        FdKind::File => locked_file(arena, fd)?,
        _ if record.role & role::PAIR != 0 => {
            (arena.format(format_args!("an end of a pair of sockets, descriptor {fd}")), opened_at(arena, &record))
        }
        _ => socket(arena, fd)?,
    };
    Some(Hit {
        kind: FindingKind::FdLeakedExec,
        what: arena.format(format_args!("{fd}")),
        subject: arena.format(format_args!("{subject}, into {program}")),
        sites: arena.join([site.as_slice(), used.map_or(&[], std::slice::from_ref)]),
        hazard: None,
    })
}

/// Its site is where the lock was taken.
fn locked_file(arena: &Arena, fd: i32) -> Option<(&str, Option<Site<'_>>)> {
    let (lock, file) = (lock_of(fd)?, descriptors::describe(arena, fd)?);
    Some((lock_file_shared::subject(arena, &file, lock.kind), describe::site(arena, Role::Taken, lock.thread, lock.site)))
}

fn opened_at<'a>(arena: &'a Arena, record: &Record) -> Option<Site<'a>> {
    describe::site(arena, Role::Opened, record.thread, record.site)
}

fn socket(arena: &Arena, fd: i32) -> Option<(&str, Option<Site<'_>>)> {
    let descriptor = descriptors::describe(arena, fd)?;
    let connection = connection_inherited::subject(arena, &descriptor).or_else(|| socket_inherited::subject(arena, &descriptor));
    let subject = match connection {
        Some(subject) => subject,
        None => {
            let local = descriptor.socket.as_ref()?.local.as_deref().unwrap_or("an unnamed address");
            arena.format(format_args!("the socket at {local}, descriptor {fd}"))
        }
    };
    Some((subject, descriptor.site))
}
