//! Why a process cannot be looked at, with what to do about it.
use std::fmt::{Display, Formatter};
use std::io;

/// Why a process cannot be looked at.
#[derive(Debug)]
pub enum Error {
    /// There is none of this number.
    NoProcess(u32),
    /// It has ended and waits for its parent.
    Ended(u32),
    /// The kernel forbids it: of another user, or ptrace is restricted.
    Forbidden {
        pid: u32,
        /// Effective user of the process, and ours.
        users: [u32; 2],
        /// Yama's restriction (/proc/sys/kernel/yama/ptrace_scope), 0 where there is none.
        ptrace_scope: u32,
    },
    /// A program of 32 bits, or of another architecture.
    OtherArchitecture(u32),
    /// It has forked no process that runs its program, nor was it forked by one.
    NoWorkers(u32),
    /// A file of /proc cannot be read.
    Unreadable(String, io::Error),
}

impl Display for Error {
    fn fmt(&self, out: &mut Formatter) -> std::fmt::Result {
        match self {
            Error::NoProcess(pid) => write!(
                out,
                "no process {pid} here\n  A number that a container shows is another one outside: use the one that `ps` shows in this PID namespace."
            ),
            Error::Ended(pid) => write!(out, "process {pid} has ended: it is a zombie until its parent waits for it"),
            Error::Forbidden { pid, users: [theirs, ours], .. } if theirs != ours && *ours != 0 => {
                write!(out, "process {pid} belongs to user {theirs}\n  next: sudo forkguard inspect {pid}")
            }
            Error::Forbidden { pid, ptrace_scope: 1.., .. } => write!(
                out,
                "the kernel lets no process look into {pid}: /proc/sys/kernel/yama/ptrace_scope\n  next: sudo forkguard inspect {pid}"
            ),
            Error::Forbidden { pid, .. } => write!(
                out,
                "the kernel forbids to look into process {pid}: it is not dumpable, or CAP_SYS_PTRACE is missing here (docker run --cap-add SYS_PTRACE)"
            ),
            Error::OtherArchitecture(pid) => {
                write!(out, "process {pid} runs a program of 32 bits or of another architecture: only x86_64 can be read")
            }
            Error::NoWorkers(pid) => {
                write!(
                    out,
                    "process {pid} has no workers: neither it nor its parent has forked a process that runs the same program"
                )
            }
            Error::Unreadable(path, error) => write!(out, "cannot read {path}: {error}"),
        }
    }
}

impl std::error::Error for Error {}
