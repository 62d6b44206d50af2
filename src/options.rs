//! Every option: one table of names, defaults, parsers and help. A bad value is one clear line, and the default holds.
use forkguard_core::fixed::Text;
use std::ffi::{CStr, c_char};
use std::sync::OnceLock;

/// What forkguard does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Records, reports and guards.
    Guard,
    /// Records and reports.
    Observe,
    /// Passes everything through.
    Off,
}

/// Where the report goes.
#[derive(Clone, Copy)]
#[expect(clippy::large_enum_variant, reason = "there is one of it, in a static")]
pub(crate) enum Report {
    /// A private directory of the user's.
    Private,
    /// This directory.
    Directory(Text<1024>),
    /// Nowhere.
    None,
}

/// When a summary is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Summary {
    /// For children that live on and have findings.
    Auto,
    /// For all children that live on.
    Always,
    /// Never.
    Never,
}

/// What happens to a thread that waits for a lock that nobody will release.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locks {
    /// It is reported.
    Report,
    /// Its process ends by SIGABRT after the report.
    Abort,
}

/// All options.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    pub(crate) mode: Mode,
    pub(crate) report: Report,
    pub(crate) summary: Summary,
    pub(crate) locks: Locks,
    pub(crate) follow_exec: bool,
}

const DEFAULTS: Options =
    Options { mode: Mode::Guard, report: Report::Private, summary: Summary::Auto, locks: Locks::Report, follow_exec: true };

/// One option: its name, what it takes, and how a value is taken (false: not one of the allowed).
struct Row {
    name: &'static CStr,
    allowed: &'static str,
    take: fn(&mut Options, &str) -> bool,
}

const TABLE: &[Row] = &[
    Row {
        name: c"FORKGUARD",
        allowed: "guard, observe or off",
        take: |o, v| choose(&mut o.mode, v, &[("guard", Mode::Guard), ("observe", Mode::Observe), ("off", Mode::Off)]),
    },
    Row { name: c"FORKGUARD_REPORT", allowed: "a directory (absolute path, at most 1000 bytes) or none", take: take_report },
    Row {
        name: c"FORKGUARD_SUMMARY",
        allowed: "auto, always or never",
        take: |o, v| {
            let choices = [("auto", Summary::Auto), ("always", Summary::Always), ("never", Summary::Never)];
            choose(&mut o.summary, v, &choices)
        },
    },
    Row {
        name: c"FORKGUARD_LOCKS",
        allowed: "report or abort",
        take: |o, v| choose(&mut o.locks, v, &[("report", Locks::Report), ("abort", Locks::Abort)]),
    },
    Row {
        name: c"FORKGUARD_FOLLOW_EXEC",
        allowed: "0 or 1",
        take: |o, v| choose(&mut o.follow_exec, v, &[("0", false), ("1", true)]),
    },
];

fn choose<T: Copy>(place: &mut T, value: &str, choices: &[(&str, T)]) -> bool {
    match choices.iter().find(|(name, _)| *name == value) {
        Some((_, choice)) => {
            *place = *choice;
            true
        }
        None => false,
    }
}

fn take_report(options: &mut Options, value: &str) -> bool {
    options.report = match value {
        "none" => Report::None,
        path if path.starts_with('/') && path.len() <= 1000 => {
            let mut text = Text::new();
            text.append(path.strip_suffix('/').filter(|p| !p.is_empty()).unwrap_or(path));
            Report::Directory(text)
        }
        _ => return false,
    };
    true
}

static OPTIONS: OnceLock<Options> = OnceLock::new();

/// The options; the defaults until they were read.
pub(crate) fn get() -> &'static Options {
    OPTIONS.get().unwrap_or(&DEFAULTS)
}

/// Reads them from the environment, once, in the constructor. A process with changed privileges honours none.
pub(crate) fn read() {
    let mut options = DEFAULTS;
    // SAFETY: reads the auxiliary vector.
    if unsafe { libc::getauxval(libc::AT_SECURE) } == 0 {
        for row in TABLE {
            if options.mode == Mode::Off {
                break;
            }
            if let Some(value) = variable(row.name).filter(|v| !v.is_empty())
                && !(row.take)(&mut options, value)
            {
                let name = row.name.to_str().unwrap_or_default();
                crate::emit::say(format_args!("{name}={value}: allowed is {}; the default holds", row.allowed));
            }
        }
    }
    if !options.follow_exec {
        leave_preload();
    }
    let _ = OPTIONS.set(options);
}

/// A variable of the environment; None when it is not set or no UTF-8.
pub(crate) fn variable(name: &CStr) -> Option<&'static str> {
    // SAFETY: called while the process has one thread, or for variables that nobody changes: the strings stay where they are.
    unsafe {
        let value = libc::getenv(name.as_ptr());
        if value.is_null() { None } else { CStr::from_ptr(value).to_str().ok() }
    }
}

/// Takes this library out of LD_PRELOAD, in place: programs that are exec'd from here run without it.
fn leave_preload() {
    // SAFETY: as in `variable`; the string only becomes shorter.
    unsafe {
        let value = libc::getenv(c"LD_PRELOAD".as_ptr());
        if value.is_null() {
            return;
        }
        let length = CStr::from_ptr(value).count_bytes();
        let text = std::slice::from_raw_parts_mut(value.cast::<u8>(), length);
        let mut kept = 0;
        let mut start = 0;
        while start < length {
            let end = start + text[start..].iter().position(|b| matches!(b, b':' | b' ')).unwrap_or(length - start);
            let own = text[start..end].ends_with(b"libforkguard.so");
            if !own && end > start {
                if kept > 0 {
                    text[kept] = b':';
                    kept += 1;
                }
                text.copy_within(start..end, kept);
                kept += end - start;
            }
            start = end + 1;
        }
        *value.add(kept) = 0 as c_char;
    }
}
