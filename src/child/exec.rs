//! A forked child execs: what its sockets come to, and the end of its hazards.
use super::ending::{self, ends_unreported};
use super::leaks;
use crate::describe::own_fork_id;
use crate::emit;
use crate::entry::Scratch;
use crate::guards::sockets;
use crate::ledger;
use crate::options;
use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use forkguard_report::event::{Event, Exec};
use std::borrow::Cow::Borrowed;
use std::fmt::Write;

/// The program that exec was given.
pub(crate) enum Program {
    /// A path, relative to a directory's descriptor.
    Path(i32, usize),
    /// A name to look up in PATH.
    Name(usize),
    /// An open file.
    Descriptor(i32),
}

impl Program {
    /// The program by name; None for one that cannot be executed.
    fn executable(&self) -> Option<Text<1024>> {
        match *self {
            Program::Path(directory, address) => {
                Some(read_path(address)).filter(|path| path.as_cstr().is_some_and(|p| kernel::executable(directory, p)))
            }
            Program::Name(address) => search_path(read_path(address)),
            Program::Descriptor(fd) => Some(Text::of(format_args!("descriptor {fd}"))),
        }
    }

    /// False for a text without `#!`, which no exec of a path starts (execvp gives such a text to a shell).
    fn is_program(&self, name: &Text<1024>) -> bool {
        match *self {
            Program::Path(directory, _) => name.as_cstr().is_some_and(|path| kernel::is_program(directory, path)),
            Program::Name(_) | Program::Descriptor(_) => true,
        }
    }
}

/// A forked child is about to exec in `call`. `site` captures the call's, `hand_over` tells the next program of sockets. A file that cannot be
/// executed is no event: a search through PATH tries many.
pub(crate) fn report(
    scratch: &Scratch,
    call: &'static str,
    program: Program,
    site: impl FnOnce() -> usize,
    hand_over: impl FnOnce(),
) {
    if !emit::wanted() && !sockets::any_closes_on_exec() {
        return;
    }
    let Some(name) = program.executable() else { return };
    hand_over();
    // A child that no handler of fork saw has no report.
    let Some(id) = own_fork_id() else { return };
    if !emit::wanted() || !program.is_program(&name) {
        return;
    }
    let path = match program {
        Program::Descriptor(fd) => Text::of(format_args!("/proc/self/fd/{fd}")),
        _ => name,
    };
    if let Some(path) = path.as_cstr() {
        leaks::by_exec(scratch, path, site);
    }
    if ends_unreported() {
        return;
    }
    let event = Event::Exec(Exec { program: Borrowed(name.as_str()), call: Borrowed(call) });
    ledger::write_events(scratch, Some(id.as_str()), [Some(event)]);
    ending::report_moot(scratch, id.as_str(), "the child execs");
}

/// True for a forked child whose exec there is nothing to do about.
pub(crate) fn is_unreported() -> bool {
    ends_unreported() && !sockets::any_closes_on_exec() && !leaks::may_leak()
}

/// The path at which exec's search through PATH ends; None when it finds nothing.
fn search_path(name: Text<1024>) -> Option<Text<1024>> {
    if name.as_str().contains('/') {
        return kernel::executable(libc::AT_FDCWD, name.as_cstr()?).then_some(name);
    }
    options::variable(c"PATH").unwrap_or("/bin:/usr/bin").split(':').find_map(|directory| {
        let mut path = Text::new();
        let directory = if directory.is_empty() { "." } else { directory };
        path.write_fmt(format_args!("{directory}/{}", name.as_str())).ok()?;
        kernel::executable(libc::AT_FDCWD, path.as_cstr()?).then_some(path)
    })
}

/// A C string of the host's, read so that a bad address stays the host's own fault.
fn read_path(address: usize) -> Text<1024> {
    let mut bytes = [0u8; 1000];
    let mut length = 0;
    while length < bytes.len() {
        // Never past the end of a page: the string may end just before memory that is not mapped.
        let step = (64 - (address + length) % 64).min(bytes.len() - length);
        let chunk = &mut bytes[length..length + step];
        if !kernel::read_memory(address + length, chunk) {
            chunk.fill(0);
        }
        let ended = chunk.contains(&0);
        length += step;
        if ended {
            break;
        }
    }
    Text::from_bytes(&bytes)
}
