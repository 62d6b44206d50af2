//! Locks that were held at a fork.
use super::site::site;
use crate::entry::Arena;
use crate::sites::native;
use forkguard_core::fixed::Text;
use forkguard_core::fork::{LockRecord, Snapshot};
use forkguard_core::registry::held::ENTERED;
use forkguard_core::registry::names;
use forkguard_core::{glibc, kernel};
use forkguard_report::event::{Lock, LockKind, Role, Thread};
use std::borrow::Cow::Borrowed;
use std::ffi::CStr;

/// Those that are broken in the child; `threads` has the names of their holders.
pub(super) fn locks<'a>(arena: &'a Arena, snapshot: &Snapshot, threads: &[Thread<'a>]) -> &'a [Lock<'a>] {
    let records = snapshot.locks.as_slice();
    let mut list = arena.list(records.len());
    let broken = records.iter().filter(|lock| lock.broken_in_child() && is_still_inside(lock) && !is_for_processes(lock));
    broken.for_each(|lock| list.push(describe(arena, lock, threads)));
    list.done()
}

fn describe<'a>(arena: &'a Arena, lock: &LockRecord, threads: &[Thread<'a>]) -> Lock<'a> {
    let address = lock.entry.address;
    let libc = (lock.entry.kind == glibc::LockKind::Libc).then(|| libc_name(address));
    let holder = threads.iter().find(|thread| thread.tid == lock.holder);
    Lock {
        address: if libc.is_some() { None } else { super::site::hex(arena, address) },
        kind: lock_kind(lock),
        name: libc.or_else(|| symbol(arena, address)).map(Borrowed),
        holder: lock.holder,
        holder_name: holder.map_or(Borrowed(""), |thread| Borrowed(arena.text(&thread.name))),
        own: lock.own,
        signal: lock.signal,
        shared: libc.is_none() && kernel::is_shared(address) == Some(true),
        site: site(arena, Role::Taken, lock.holder, lock.entry.site),
    }
}

fn is_for_processes(lock: &LockRecord) -> bool {
    is_made_for_processes(lock.is_robust_mutex(), lock.entry.address)
}

/// True for a robust mutex in memory that processes share: glibc marks every robust one as made for several, and such a one is.
pub(crate) fn is_made_for_processes(robust: bool, address: usize) -> bool {
    robust && kernel::is_shared(address) == Some(true)
}

/// A lock whose release is not seen counts when the kernel shows its holder's stack below the call: then the thread has been inside
/// since before the fork. (The kernel shows it in the leader only, and of a thread that sleeps, as one that waits does.)
fn is_still_inside(lock: &LockRecord) -> bool {
    lock.entry.flags & ENTERED == 0 || kernel::stack_pointer(lock.holder).is_some_and(|sp| sp < lock.entry.frame)
}

/// The name that a hook of `hooks/libc_locks.rs` put into the entry.
pub(crate) fn libc_name(address: usize) -> &'static str {
    // SAFETY: entries of this kind carry the address of a C string in this library's own read-only data.
    unsafe { CStr::from_ptr(address as *const _) }.to_str().unwrap_or("")
}

/// A lock's name: the one that the program gave it, else the symbol that its address lies in.
pub(crate) fn symbol(arena: &Arena, address: usize) -> Option<&str> {
    let given = names::of_lock(address).map(|name| arena.text(name.as_str()));
    given.or_else(|| native::data_symbol(arena, address).map(|name| arena.text(&name)))
}

/// The report's name for the kind of a lock.
pub(crate) fn lock_kind(lock: &LockRecord) -> LockKind {
    kind_of(lock.entry.kind, lock.owner_checking())
}

/// The same by kind, and by what an owner-checking mutex is.
pub(crate) fn kind_of(kind: glibc::LockKind, owner_checking: i32) -> LockKind {
    match (kind, owner_checking) {
        (glibc::LockKind::Mutex, 1) => LockKind::RecursiveMutex,
        (glibc::LockKind::Mutex, 2) => LockKind::ErrorcheckMutex,
        (glibc::LockKind::Mutex, _) => LockKind::Mutex,
        (glibc::LockKind::C11Mutex, _) => LockKind::C11Mutex,
        (glibc::LockKind::Read, _) => LockKind::RwlockRead,
        (glibc::LockKind::Write, _) => LockKind::RwlockWrite,
        (glibc::LockKind::Spin, _) => LockKind::SpinLock,
        (glibc::LockKind::Semaphore, _) => LockKind::Semaphore,
        (glibc::LockKind::Libc, _) => LockKind::Libc,
        (glibc::LockKind::Python, _) => LockKind::PythonLock,
        (glibc::LockKind::PythonRecursive, _) => LockKind::PythonRlock,
    }
}

/// The last part of the id of a finding about a lock.
pub(crate) fn lock_id(lock: &LockRecord) -> Text<64> {
    let (address, holder) = (lock.entry.address, lock.holder);
    match lock.entry.kind {
        glibc::LockKind::Libc => Text::of(format_args!("{}-{holder}", libc_name(address))),
        _ => Text::of(format_args!("{address:#x}-{holder}")),
    }
}
