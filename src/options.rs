//! The options as the environment has them. A bad value is one clear line, and the default holds.
mod unknown;

pub(crate) use forkguard_options::*;

use forkguard_report::suppress;
use std::ffi::{CStr, c_char};
use std::fmt::Arguments;
use std::sync::OnceLock;

static OPTIONS: OnceLock<Options> = OnceLock::new();

/// The options; the defaults until they were read.
pub(crate) fn get() -> &'static Options {
    OPTIONS.get().unwrap_or(&DEFAULTS)
}

/// True where guards act.
pub(crate) fn guards() -> bool {
    get().mode == Mode::Guard
}

/// Reads them from the environment, once, in the constructor, and prints one line for each bad one. A process with changed privileges honours none.
pub(crate) fn read(print: fn(Arguments<'_>)) {
    // Most programs that are executed have none, and need no copy of their own.
    if !unknown::names().any(|name| name.starts_with("FORKGUARD")) {
        return;
    }
    let mut options = DEFAULTS;
    // SAFETY: reads the auxiliary vector.
    if unsafe { libc::getauxval(libc::AT_SECURE) } == 0 {
        for row in TABLE {
            if options.mode == Mode::Off {
                break;
            }
            if let Some(value) = variable(row.name).filter(|value| !value.is_empty())
                && !options.take(row, value)
            {
                let name = row.name.to_str().unwrap_or_default();
                print(format_args!("{name}={value}: allowed is {}; the default holds", row.allowed));
            }
        }
        if options.mode != Mode::Off {
            unknown::print_all(print);
        }
    }
    if !options.follow_exec {
        leave_preload();
    }
    let _ = OPTIONS.set(options);
    if get().mode != Mode::Off {
        print_invalid_rules(print);
    }
}

/// Prints a line for each line of the file of FORKGUARD_SUPPRESS that is no rule.
fn print_invalid_rules(print: fn(Arguments<'_>)) {
    for line in suppress::invalid_lines(get().suppress.as_str()) {
        let file = variable(c"FORKGUARD_SUPPRESS").unwrap_or_default();
        print(format_args!(
            "FORKGUARD_SUPPRESS={file}: line {line} is no rule, and ignored: a rule is a kind of finding, or *, and a pattern"
        ));
    }
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
