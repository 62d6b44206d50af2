//! What a vfork child leaves to its leader, on whose memory it runs: what the program inherits that it becomes. It describes and writes nothing itself.
use super::exec_args::{ExecArgs, in_sandbox, is_named};
use crate::child::exec::{self, Call, Program};
use crate::child::inheritance::Inheritance;
use crate::child::withheld::Withheld;
use crate::emit;
use crate::entry::catch_panic;
use crate::guards;
use forkguard_core::{gate, tls};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering::*};

/// One vfork child's.
struct Note {
    /// The thread pointer, which child and leader have in common; 0: free.
    owner: AtomicUsize,
    inheritance: UnsafeCell<Option<Inheritance>>,
}
// SAFETY: only the owner touches the rest: the child, and once that has exec'd or ended, the leader's thread, which sleeps until then.
unsafe impl Sync for Note {}

/// More vfork children at one time are not reported.
const MOST: usize = 8;
static NOTES: [Note; MOST] = [const { Note { owner: AtomicUsize::new(0), inheritance: UnsafeCell::new(None) } }; MOST];

/// This thread's; with `claim` a free one where it has none.
fn own(claim: bool) -> Option<&'static Note> {
    let owner = tls::own_address();
    let mine = NOTES.iter().find(|note| note.owner.load(Relaxed) == owner);
    let take = |note: &&Note| note.owner.compare_exchange(0, owner, Acquire, Relaxed).is_ok();
    mine.or_else(|| claim.then(|| NOTES.iter().find(take))?)
}

/// In a vfork child that is about to exec.
pub(super) fn before_exec(program: Program, args: ExecArgs<'_>) {
    if gate::awake() && !in_sandbox() && tls::vfork() != 0 && (emit::wanted() || guards::exec::cleans()) {
        catch_panic(|| leave_inheritance(program, args));
    }
}

fn leave_inheritance(program: Program, args: ExecArgs<'_>) {
    let is_named = |fd| is_named(args, fd);
    let call = Call { name: "vfork", program, is_named: &is_named, signals: Withheld::now(false) };
    let inheritance = exec::inherited_by(&call, false);
    if let Some(inheritance) = inheritance.filter(|_| guards::exec::cleans()) {
        inheritance.clean(false);
    }
    if let Some(note) = own(inheritance.is_some()) {
        // SAFETY: this thread owns it: see `Sync`.
        unsafe { *note.inheritance.get() = inheritance };
    }
}

/// In the leader's thread, whose vfork child has exec'd or ended.
pub(super) fn take() -> Option<Inheritance> {
    let note = own(false)?;
    // SAFETY: this thread owns it: see `Sync`.
    let inheritance = unsafe { (*note.inheritance.get()).take() };
    note.owner.store(0, Release);
    inheritance
}
