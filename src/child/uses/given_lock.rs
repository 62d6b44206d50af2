//! A lock of flock(2) that a child is given while another process holds it: both have the file from one open(2), and the lock is that open
//! file's. It keeps neither of them out.
use super::super::hit::report_hit;
use super::shared::{Call, used_site};
use crate::describe::{descriptors, keep};
use crate::entry::{errno, record_with_scratch};
use crate::findings::{Hit, lock_file_shared};
use crate::ledger::Output;
use crate::sites::Start;
use forkguard_core::kernel::unshare::{HeldLock, flock_held};
use forkguard_core::kernel::{self, other_process};
use forkguard_core::registry::descriptors as table;
use forkguard_core::registry::descriptors::FileLockKind;
use forkguard_core::{flags, gate, tls};
use forkguard_report::event::{FindingKind, Severity};
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU32, AtomicUsize, Ordering::Relaxed};

/// The descriptor whose lock was given so, plus one; 0 none.
#[unsafe(link_section = "forkguard_words")]
static GIVEN: AtomicI32 = AtomicI32::new(0);
/// The process that held it, and where this one asked for it.
static HOLDER: AtomicU32 = AtomicU32::new(0);
static SITE: AtomicUsize = AtomicUsize::new(0);
/// How often it was looked who holds a lock; a program may take one again and again.
#[unsafe(link_section = "forkguard_words")]
static LOOKS: AtomicU8 = AtomicU8::new(0);
const MOST_LOOKS: u8 = 128;

/// In a forked child.
pub(super) fn reset() {
    GIVEN.store(0, Relaxed);
    LOOKS.store(0, Relaxed);
}

/// The kernel has given this process a lock of flock(2). One that the leader held at the fork is no news, and may be the child's now.
pub(crate) fn given(caller: usize, fd: i32, exclusive: bool) {
    if flags::is_forked_child() && table::is_inherited(fd) && !is_leaders(fd) {
        errno::preserve(|| look(caller, fd, exclusive));
    }
}

fn is_leaders(fd: i32) -> bool {
    table::file_lock(fd).is_some_and(|lock| lock.inherited)
}

#[cold]
fn look(caller: usize, fd: i32, exclusive: bool) {
    let usable = gate::awake() && tls::inside() == 0 && !gate::is_guest() && gate::owns_registries() && !keep::keeps(fd);
    if !usable || LOOKS.load(Relaxed) >= MOST_LOOKS {
        return;
    }
    LOOKS.fetch_add(1, Relaxed);
    let excludes = |held: &HeldLock| exclusive || held.exclusive;
    let lives = |process| !matches!(other_process::state(process), None | Some(b'Z' | b'X'));
    let is_others = |held: &HeldLock| held.taker != kernel::process_id() && lives(held.taker);
    let Some(held) = flock_held(fd).filter(excludes).filter(is_others) else { return };
    HOLDER.store(held.taker, Relaxed);
    SITE.store(Call { start: Start::here(), caller }.capture(), Relaxed);
    GIVEN.store(fd + 1, Relaxed);
}

/// Before a lock of flock(2) is released: what it was to guard is over. A lock that a process only holds, with others of its family, as long as
/// it lives is no lock between them.
pub(crate) fn releasing(fd: i32) {
    if GIVEN.load(Relaxed) == fd + 1 && flags::is_forked_child() {
        errno::preserve(|| report(fd));
    }
}

#[cold]
fn report(fd: i32) {
    GIVEN.store(0, Relaxed);
    let (holder, site) = (HOLDER.load(Relaxed), SITE.load(Relaxed));
    record_with_scratch(|scratch| {
        report_hit(scratch, Severity::Error, Output::Stderr, FindingKind::LockFileShared, |arena| {
            let file = descriptors::describe(arena, fd)?;
            let lock = lock_file_shared::subject(arena, &file, FileLockKind::Flock);
            Some(Hit {
                kind: FindingKind::LockFileShared,
                what: arena.format(format_args!("{fd}-given")),
                subject: arena.format(format_args!(
                    "{lock} is given to the child while process {holder} holds it: they share the open file"
                )),
                sites: arena.join([file.site.as_slice(), used_site(arena, site).as_slice()]),
                hazard: None,
            })
        });
    });
}
