//! How a program ended, and the tool after it.
use rustix::process::{Resource, Rlimit, WaitStatus, getpid, setrlimit};
use std::fmt::{Display, Formatter};
use std::process::ExitCode;

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

impl Ended {
    /// None while it is only stopped.
    pub(super) fn of(status: WaitStatus) -> Option<Ended> {
        status.exit_status().map(Ended::Status).or_else(|| status.terminating_signal().map(Ended::Signal))
    }

    /// Ends this process in the same way, without a core file of its own. As the first process of a container it cannot end by
    /// a signal: then with the status that shells give for it.
    pub(crate) fn as_own(self) -> ExitCode {
        match self {
            Ended::Status(status) => ExitCode::from(status as u8),
            Ended::Signal(signal) => {
                let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
                let _ = signal_hook::low_level::emulate_default_handler(signal);
                super::signals::send(getpid(), signal);
                ExitCode::from(128u8.wrapping_add(signal as u8))
            }
        }
    }
}

impl Display for Ended {
    fn fmt(&self, out: &mut Formatter) -> std::fmt::Result {
        match self {
            Ended::Status(status) => write!(out, "ended with status {status}"),
            Ended::Signal(signal) => match signal_hook::low_level::signal_name(*signal) {
                Some(name) => write!(out, "ended by {name}"),
                None => write!(out, "ended by signal {signal}"),
            },
        }
    }
}
