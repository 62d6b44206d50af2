//! How a program is prepared, started and followed to its end.
use super::ended::Ended;
use super::setup::{Setting, Setup};
use super::signals::Arriving;
use super::{library, program, setup, signals};
use crate::input::shown;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process};
use signal_hook::consts::{SIGCHLD, SIGCONT};
use signal_hook::low_level::siginfo::Origin;
use std::collections::VecDeque;
use std::fmt::{Display, Formatter};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a program was not started.
#[derive(Debug)]
pub(crate) enum NotStarted {
    Library(library::Missing),
    NotFound(String),
    Refused(PathBuf, io::Error),
    Signals(io::Error),
}

impl NotStarted {
    /// The status that shells and env(1) give for it.
    pub(crate) fn status(&self) -> u8 {
        match self {
            NotStarted::Library(_) | NotStarted::Signals(_) => 2,
            NotStarted::NotFound(_) => 127,
            NotStarted::Refused(_, error) => {
                if error.kind() == ErrorKind::NotFound {
                    127
                } else {
                    126
                }
            }
        }
    }
}

impl Display for NotStarted {
    fn fmt(&self, out: &mut Formatter) -> std::fmt::Result {
        match self {
            NotStarted::Library(missing) => missing.fmt(out),
            NotStarted::NotFound(name) => write!(out, "no program is called {name} (in PATH)"),
            NotStarted::Refused(path, error) if error.kind() == ErrorKind::NotFound => {
                write!(out, "cannot start {}: it, or the interpreter that it names, is not there", shown(path))
            }
            NotStarted::Refused(path, error) => write!(out, "cannot start {}: {error}", shown(path)),
            NotStarted::Signals(error) => write!(out, "cannot catch signals: {error}"),
        }
    }
}

/// A program that is about to be started.
pub(crate) struct Prepared {
    command: Command,
    path: PathBuf,
    /// Why the library is not in it.
    pub(crate) unfit: Option<&'static str>,
}

/// Prepares the program, with its report in `report`.
pub(crate) fn prepare(setup: &Setup, more: &[Setting], report: &Path) -> Result<Prepared, NotStarted> {
    let name = &setup.command[0];
    let library = library::find().map_err(NotStarted::Library)?;
    let path = program::find(name).ok_or_else(|| NotStarted::NotFound(shown(Path::new(name))))?;
    let unfit = program::unfit(&path);
    let mut command = Command::new(name);
    command.args(&setup.command[1..]);
    if unfit.is_none() {
        command.env("LD_PRELOAD", setup::preload(&library)).env("FORKGUARD_REPORT", report);
        command.envs(setup.options().into_iter().chain(more.iter().cloned()));
    }
    Ok(Prepared { command, path, unfit })
}

/// A program that was started, and what reaches the tool meanwhile.
pub(crate) struct Server {
    pub(super) pid: Pid,
    pub(super) arriving: Arriving,
    arrived: VecDeque<Origin>,
}

/// What happens to a server.
pub(super) enum Happened {
    /// It ended.
    Ended(Ended),
    /// A signal was sent to the tool.
    Signal(Origin),
}

impl Prepared {
    /// Its output goes where errors go, and it has no input: what the tool prints is data.
    pub(crate) fn without_streams(mut self) -> io::Result<Prepared> {
        self.command.stdin(Stdio::null()).stdout(io::stderr().as_fd().try_clone_to_owned()?);
        Ok(self)
    }

    /// Starts it. Signals are caught before, so that none is lost.
    pub(crate) fn start(mut self) -> Result<Server, NotStarted> {
        let arriving = signals::catch().map_err(NotStarted::Signals)?;
        let child = self.command.spawn().map_err(|error| NotStarted::Refused(self.path, error))?;
        Ok(Server { pid: Pid::from_child(&child), arriving, arrived: VecDeque::new() })
    }
}

impl Server {
    /// Lets the program run as if the tool were not there, until it ends.
    pub(crate) fn run(&mut self) -> Ended {
        loop {
            match self.next() {
                Some(Happened::Ended(ended)) => return ended,
                Some(Happened::Signal(origin)) => self.pass_on(&origin),
                None => {}
            }
        }
    }

    /// Waits until something happens; None once nothing is caught any more.
    pub(super) fn next(&mut self) -> Option<Happened> {
        loop {
            match self.arrived.pop_front() {
                Some(origin) if origin.signal == SIGCHLD => {
                    if let Some(ended) = self.reap() {
                        return Some(Happened::Ended(ended));
                    }
                }
                Some(origin) => return Some(Happened::Signal(origin)),
                None if self.arriving.handle().is_closed() => return None,
                None => self.arrived.extend(self.arriving.wait()),
            }
        }
    }

    /// Passes on what was sent to the tool alone.
    pub(super) fn pass_on(&self, origin: &Origin) {
        if !signals::is_for_the_group(origin) {
            signals::send(self.pid, origin.signal);
        }
    }

    /// Takes note of all processes that have ended: as the first process of a container this one gets everybody's orphans.
    fn reap(&self) -> Option<Ended> {
        let mut ended = None;
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG | WaitOptions::UNTRACED) {
            if pid == self.pid {
                self.stop_with(status);
                ended = ended.or(Ended::of(status));
            }
        }
        ended
    }

    /// Stops as the program did, so that a shell sees the job stopped; goes on with it.
    fn stop_with(&self, status: WaitStatus) {
        if status.stopped() && kill_process(rustix::process::getpid(), Signal::STOP).is_ok() {
            signals::send(self.pid, SIGCONT);
        }
    }
}
