//! Bytes out: events as JSON Lines in the report's file, and texts on stderr. Nothing here allocates.
mod directory;
mod error_output;
pub(crate) mod file;
mod host_signals;
mod lines;
mod stderr;

pub(crate) use error_output::begin;
pub(crate) use lines::Lines;
pub(crate) use stderr::{print, print_line};

use crate::options;
use forkguard_core::kernel;

/// True when a report is written at all.
pub(crate) fn wanted() -> bool {
    !matches!(options::get().report, options::Report::None) && !file::given_up()
}

/// In a forked child: starts anew.
pub(crate) fn reset_in_child() {
    file::reset_in_child();
}

/// A fault of our own: said once; the hooks pass everything through from now on.
pub(crate) fn fault(panic: &std::panic::PanicHookInfo<'_>) {
    print_line(format_args!(
        "a fault of its own, please report it; forkguard is off in process {} from here on: {panic}",
        kernel::process_id()
    ));
}
