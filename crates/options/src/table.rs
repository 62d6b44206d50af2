//! Every option: its name, what it may be, and where its value goes.
use crate::parse::*;
use crate::values::*;
use std::ffi::CStr;

/// One option: its name, what it may be, and how a value is taken (false: not one of the allowed, and nothing is changed).
pub struct Row {
    /// As the environment has it.
    pub name: &'static CStr,
    /// What its value may be, in words.
    pub allowed: &'static str,
    pub(crate) take: fn(&mut Options, &str) -> bool,
}

/// The option of that name.
pub fn named(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.name.to_str() == Ok(name))
}

/// All options, in the order in which they are taken.
pub const TABLE: &[Row] = &[
    Row {
        name: c"FORKGUARD",
        allowed: "guard, observe or off",
        take: |o, v| choose(&mut o.mode, v, &[("guard", Mode::Guard), ("observe", Mode::Observe), ("off", Mode::Off)]),
    },
    Row { name: c"FORKGUARD_REPORT", allowed: "a directory (absolute path, at most 1000 bytes) or none", take: take_report },
    Row {
        name: c"FORKGUARD_REPORT_LIMIT",
        allowed: "bytes, such as 500000, 64M or 2G",
        take: |o, v| set(&mut o.report_limit, bytes(v)),
    },
    Row {
        name: c"FORKGUARD_SUMMARY",
        allowed: "auto, always, json or never",
        take: |o, v| {
            let printed = [("auto", Summary::Auto), ("always", Summary::Always), ("json", Summary::Json)];
            choose(&mut o.summary, v, &printed) || choose(&mut o.summary, v, &[("never", Summary::Never)])
        },
    },
    // Before the options of single guards: what they say counts.
    Row { name: c"FORKGUARD_PROFILE", allowed: "cure", take: take_profile },
    Row {
        name: c"FORKGUARD_SIGNALS",
        allowed: "auto, none, application or a list of signals such as TERM,USR1 (KILL and STOP cannot be set)",
        take: take_signals,
    },
    Row {
        name: c"FORKGUARD_SIGNALS_KEEP",
        allowed: "a list of signals such as USR2 (KILL and STOP cannot be set)",
        take: |o, v| set(&mut o.signals_keep, signals(v)),
    },
    Row {
        name: c"FORKGUARD_SIGNALS_MASK",
        allowed: "keep or unblock",
        take: |o, v| choose(&mut o.signals_mask, v, &[("keep", SignalsMask::Keep), ("unblock", SignalsMask::Unblock)]),
    },
    Row {
        name: c"FORKGUARD_SOCKETS",
        allowed: "cloexec, sever, spare or keep",
        take: |o, v| {
            let severed = [("sever", Sockets::Sever), ("spare", Sockets::Spare)];
            let left = [("cloexec", Sockets::Cloexec), ("keep", Sockets::Keep)];
            choose(&mut o.sockets, v, &severed) || choose(&mut o.sockets, v, &left)
        },
    },
    Row {
        name: c"FORKGUARD_KEEP",
        allowed: "a list of HOST:PORT, unix paths and fd:NUMBER, in which * and ? stand for anything (at most 1000 bytes)",
        take: |o, v| set(&mut o.keep, list(v)),
    },
    Row {
        name: c"FORKGUARD_LOCKS",
        allowed: "report, abort or reset",
        take: |o, v| choose(&mut o.locks, v, &[("report", Locks::Report), ("abort", Locks::Abort), ("reset", Locks::Reset)]),
    },
    Row {
        name: c"FORKGUARD_SAFE_POINT",
        allowed: "milliseconds, 0 to 10000",
        take: |o, v| set(&mut o.safe_point, v.parse().ok().filter(|ms| *ms <= SAFE_POINT_MS)),
    },
    Row {
        name: c"FORKGUARD_FIXUPS",
        allowed: "a list of at most 64 LIBRARY:FUNCTION, such as libcrypto.so.3:RAND_poll (at most 1000 bytes)",
        take: |o, v| set(&mut o.fixups, list(v).filter(|_| v.split(',').count() <= FIXUPS && v.split(',').all(is_pair))),
    },
    Row { name: c"FORKGUARD_THREADS", allowed: "report, revive or revive:NAME-PATTERN,…", take: take_threads },
    Row {
        name: c"FORKGUARD_OPENMP",
        allowed: "keep, pause or single",
        take: |o, v| choose(&mut o.openmp, v, &[("keep", OpenMp::Keep), ("pause", OpenMp::Pause), ("single", OpenMp::Single)]),
    },
    Row { name: c"FORKGUARD_EPOLL", allowed: "share or own", take: |o, v| choose(&mut o.epoll, v, SHARED) },
    Row { name: c"FORKGUARD_FILES", allowed: "share or own", take: |o, v| choose(&mut o.files, v, SHARED) },
    Row {
        name: c"FORKGUARD_TIMERS",
        allowed: "lose or rearm",
        take: |o, v| choose(&mut o.timers, v, &[("lose", Timers::Lose), ("rearm", Timers::Rearm)]),
    },
    Row {
        name: c"FORKGUARD_BUFFERS",
        allowed: "keep or drop",
        take: |o, v| choose(&mut o.buffers, v, &[("keep", Buffers::Keep), ("drop", Buffers::Drop)]),
    },
    Row { name: c"FORKGUARD_MEMORY", allowed: "keep, auto or a list of freeze, trim, ksm and nothp", take: take_memory },
    Row {
        name: c"FORKGUARD_EXEC",
        allowed: "inherit or clean",
        take: |o, v| choose(&mut o.exec, v, &[("inherit", Exec::Inherit), ("clean", Exec::Clean)]),
    },
    Row {
        name: c"FORKGUARD_SUPPRESS",
        allowed: "a file of rules that can be read (absolute path; less than 4000 bytes)",
        take: take_suppress,
    },
    Row {
        name: c"FORKGUARD_FOLLOW_EXEC",
        allowed: "0 or 1",
        take: |o, v| choose(&mut o.follow_exec, v, &[("0", false), ("1", true)]),
    },
    Row {
        name: c"FORKGUARD_WORST",
        allowed: "list, or LOCK or LOCK:MILLISECONDS (at most 10000) with a lock's identity from a report",
        take: |o, v| choose(&mut o.worst, v, &[("list", Worst::List)]) || set(&mut o.worst, lock(v)),
    },
    Row { name: c"FORKGUARD_WHAT_IF", allowed: "fork", take: |o, v| choose(&mut o.what_if, v, &[("fork", true)]) },
];

const SHARED: &[(&str, Shared)] = &[("share", Shared::Share), ("own", Shared::Own)];
