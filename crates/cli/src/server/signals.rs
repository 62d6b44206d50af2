//! Signals on their way to the program: what is sent to the tool reaches it, once.
use forkguard_process::status;
use rustix::process::{Pid, Signal};
use signal_hook::consts::*;
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::siginfo::{Cause, Origin};
use std::io::{self, IsTerminal};

/// Those that servers are steered by, and those of a terminal.
const PASSED_ON: [i32; 11] = [SIGHUP, SIGINT, SIGQUIT, SIGABRT, SIGALRM, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGTSTP, SIGCONT];
/// By these gunicorn, Unicorn and uWSGI get another worker, or one less. A process that uses a terminal is stopped by them.
const OF_WORKERS: [i32; 2] = [SIGTTIN, SIGTTOU];

/// What reaches the tool.
pub(super) type Arriving = SignalsInfo<WithOrigin>;

/// Catches what is to be passed on. What was ignored when the tool was started (nohup) stays so: the program inherits that.
pub(super) fn catch() -> io::Result<Arriving> {
    let ignored = ignored();
    let on_terminal = io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal();
    let of_workers = OF_WORKERS.into_iter().filter(|_| !on_terminal);
    let caught = PASSED_ON.into_iter().chain(of_workers).filter(|signal| ignored & 1 << (signal - 1) == 0);
    Arriving::new(caught.chain([SIGCHLD]))
}

/// The signals that this process ignores (bit n: signal n + 1).
fn ignored() -> u64 {
    status(std::process::id()).map_or(0, |status| status.ignored)
}

/// True for one that the whole process group has got from the kernel: the terminal's ctrl-C, its size, its end.
pub(super) fn is_for_the_group(origin: &Origin) -> bool {
    origin.cause == Cause::Kernel
}

/// Sends `number` to a process. It may have ended meanwhile.
pub(super) fn send(pid: Pid, number: i32) {
    if let Some(signal) = Signal::from_named_raw(number) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}
