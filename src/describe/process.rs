//! The process that reports.
use super::program::program_name;
use crate::entry::{Arena, layouts};
use forkguard_core::fork::shared_page;
use forkguard_core::kernel;
use forkguard_loader::{program_path, tells_loaded_libraries};
use forkguard_report::event::Process;
use std::borrow::Cow::Borrowed;

/// This process, and what forkguard cannot do in it; `limit` is one that the caller knows of.
pub(crate) fn process<'a>(arena: &'a Arena, mode: &'a str, limit: Option<&'static str>) -> Process<'a> {
    let mut limits = arena.list(4 + layouts::OBJECTS.len());
    limit.into_iter().for_each(|limit| limits.push(Borrowed(limit)));
    if shared_page::is_refused() {
        limits.push(Borrowed("memory shared with children is refused here: their waits are not seen from outside"));
    }
    if !kernel::can_read_memory() {
        limits.push(Borrowed("process_vm_readv is forbidden here: no symbols, and locks are reported as recorded"));
    }
    if !tells_loaded_libraries() {
        limits.push(Borrowed(
            "this C library is older than 2.35: calls of libraries loaded with RTLD_DEEPBIND are not seen, and lines of an unloaded library may be named after the one in its place",
        ));
    }
    for name in layouts::unknown() {
        let text = format_args!("this C library lays its {name} out in a way that is not known: nobody looks into them");
        limits.push(Borrowed(arena.format(text)));
    }
    Process {
        forkguard: Borrowed(env!("CARGO_PKG_VERSION")),
        name: Borrowed(arena.text(program_name().as_str())),
        executable: Borrowed(arena.text(program_path().as_str())),
        mode: Borrowed(mode),
        limits: Borrowed(limits.done()),
    }
}
