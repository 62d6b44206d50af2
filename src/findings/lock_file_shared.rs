//! lock-file-shared: a lock on a file that the leader held at the fork.
use crate::entry::Arena;
use forkguard_core::registry::descriptors::FileLockKind;
use forkguard_report::event::Descriptor;

/// The lock by name.
pub(crate) fn subject<'a>(arena: &'a Arena, file: &Descriptor<'_>, kind: FileLockKind) -> &'a str {
    let call = match kind {
        FileLockKind::Flock => "flock",
        FileLockKind::OpenFile => "fcntl (F_OFD_SETLK)",
        FileLockKind::Process => "fcntl (F_SETLK)",
    };
    let path = file.path.as_deref().unwrap_or("a file");
    arena.format(format_args!("the lock by {call} on {path}, descriptor {}", file.fd))
}
