//! A forked child execs: what its sockets come to, and the end of its hazards.
use super::ending::{self, Gone, ends_unreported};
use super::hit::report_hit;
use super::inheritance::{CLEANED, Inheritance, WITHHELD};
use super::leaks;
use super::start::Start;
use super::withheld::Withheld;
use crate::describe::{self, own_fork_id};
use crate::emit;
use crate::entry::{Arena, Scratch};
use crate::guards::{self, sockets};
use crate::ledger::{self, Output};
use crate::options;
use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use forkguard_report::event::{Event, Exec, FindingKind, Role, Site, State};
use std::borrow::Cow::Borrowed;
use std::fmt::{Arguments, Write};

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

    /// The program by name, and whether it is this process's own, which starts anew and hands its descriptors on; None for one that no exec
    /// starts.
    pub(crate) fn found(&self) -> Option<(Text<256>, bool)> {
        let name = self.executable().filter(|name| self.is_program(name))?;
        let path = match self {
            Program::Descriptor(fd) => Text::of(format_args!("/proc/self/fd/{fd}")),
            _ => name,
        };
        Some((Text::of(format_args!("{}", name.as_str())), path.as_cstr().is_none_or(kernel::is_own_program)))
    }

    /// False for a text without `#!`, which no exec of a path starts (execvp gives such a text to a shell).
    fn is_program(&self, name: &Text<1024>) -> bool {
        match *self {
            Program::Path(directory, _) => name.as_cstr().is_some_and(|path| kernel::is_program(directory, path)),
            Program::Name(_) | Program::Descriptor(_) => true,
        }
    }
}

/// What the hook of a forked child's exec knows.
pub(crate) struct Call<'c> {
    /// Its name.
    pub(crate) name: &'static str,
    pub(crate) program: Program,
    /// True for a descriptor that the program is told of.
    pub(crate) is_named: &'c dyn Fn(i32) -> bool,
    /// Signals that do not reach the program.
    pub(crate) signals: Withheld,
}

/// A forked child is about to exec. `site` captures the call's, `hand_over` tells the next program of sockets. Returns what the program is
/// not to get; nothing for a file that cannot be executed, which is no event: a search through PATH tries many.
pub(crate) fn report(
    scratch: &Scratch,
    call: &Call<'_>,
    site: impl FnOnce() -> usize,
    hand_over: impl FnOnce(),
) -> Option<Inheritance> {
    if !emit::wanted() && !sockets::any_closes_on_exec() && !guards::exec::cleans() {
        return None;
    }
    let name = call.program.executable()?;
    hand_over();
    if !call.program.is_program(&name) {
        return None;
    }
    let inheritance = inherited_by(call, true);
    // A child that no handler of fork saw has no report.
    if let Some(id) = own_fork_id().filter(|_| emit::wanted()) {
        if let Some(inheritance) = &inheritance {
            report_inheritance(scratch, inheritance, site());
        }
        report_exec(scratch, id.as_str(), name.as_str(), call.name);
    }
    inheritance
}

fn report_exec(scratch: &Scratch, id: &str, program: &str, call: &'static str) {
    if !ends_unreported() {
        let event = Event::Exec(Exec { program: Borrowed(program), call: Borrowed(call) });
        ledger::write_events(scratch, Some(id), [Some(event)]);
        ending::report_moot(scratch, id, Gone::Execs);
    }
}

/// What a program gets that a forked child or a vfork child is about to execute, if it can be executed.
pub(crate) fn inherited_by(call: &Call<'_>, is_forked: bool) -> Option<Inheritance> {
    let (program, is_own) = call.program.found()?;
    Inheritance::of(&Start {
        program,
        is_forked,
        is_own,
        input: 0,
        is_given: call.is_named,
        may_outlive: true,
        signals: call.signals,
    })
}

fn report_inheritance(scratch: &Scratch, inheritance: &Inheritance, site: usize) {
    fn used<'a>(arena: &'a Arena, site: usize) -> Option<Site<'a>> {
        describe::site(arena, Role::Used, kernel::thread_id(), site)
    }
    for &fd in inheritance.descriptors() {
        let severity = Inheritance::severity_of_leak(fd);
        report_hit(scratch, severity, Output::Report, FindingKind::FdLeakedExec, |arena| {
            inheritance.leak(arena, fd, used(arena, site).as_ref())
        });
        report_cleaned(scratch, FindingKind::FdLeakedExec, format_args!("{fd}"));
    }
    if let Some(severity) = inheritance.severity_of_signals() {
        report_hit(scratch, severity, Output::Report, FindingKind::SignalsBlocked, |arena| {
            inheritance.withheld(arena, used(arena, site).as_ref())
        });
        if inheritance.gets_signals() {
            report_cleaned(scratch, FindingKind::SignalsBlocked, format_args!("{WITHHELD}"));
        }
    }
}

fn report_cleaned(scratch: &Scratch, kind: FindingKind, what: Arguments<'_>) {
    if guards::exec::cleans() {
        ledger::report_state(scratch, kind, what, State::Resolved, None, CLEANED);
    }
}

/// True for a forked child whose exec there is nothing to do about.
pub(crate) fn is_unreported() -> bool {
    ends_unreported() && !sockets::any_closes_on_exec() && !leaks::may_leak() && Withheld::now(true).is_empty()
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
