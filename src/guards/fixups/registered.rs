//! The fixups that a program registers through `include/forkguard.h`: a table without a lock, whose slots are claimed and freed by one word each.
//! At a fork a slot is claimed or free; one that a lost thread was writing is free again in the child.
use super::progress::Log;
use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use forkguard_core::registry::names::Name;
use forkguard_loader::{AtomicIdentity, Identity};
use libc::c_void;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::*, fence};

/// How many can be registered at once.
const CAPACITY: usize = 64;

type Function = unsafe extern "C-unwind" fn(*mut c_void);

struct Slot {
    /// [`FREE`], [`WRITING`] with the thread that writes it, or the registration's number plus one.
    state: AtomicU64,
    name: Name,
    function: AtomicUsize,
    argument: AtomicUsize,
    /// The library of the function.
    library: AtomicIdentity,
}

const FREE: u64 = 0;
const WRITING: u64 = 1 << 63;

static SLOTS: [Slot; CAPACITY] = [const {
    Slot {
        state: AtomicU64::new(FREE),
        name: Name::new(),
        function: AtomicUsize::new(0),
        argument: AtomicUsize::new(0),
        library: AtomicIdentity::new(),
    }
}; CAPACITY];
/// The next registration's number.
#[unsafe(link_section = "forkguard_words")]
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Registers one; its number, or an errno.
pub(crate) fn register(name: &str, function: Function, argument: *mut c_void) -> Result<i32, i32> {
    let number = NEXT.fetch_add(1, Relaxed);
    let result = i32::try_from(number).map_err(|_| libc::ENOSPC)?;
    let writing = WRITING | u64::from(kernel::thread_id());
    let is_free = |slot: &&Slot| slot.state.compare_exchange(FREE, writing, Acquire, Relaxed).is_ok();
    let slot = SLOTS.iter().find(is_free).ok_or(libc::ENOSPC)?;
    slot.name.set(name);
    slot.function.store(function as usize, Relaxed);
    slot.argument.store(argument.addr(), Relaxed);
    slot.library.set(Identity::around(function as usize));
    slot.state.store(number + 1, Release);
    Ok(result)
}

/// Ends a registration, or gives an errno.
pub(crate) fn unregister(number: i32) -> Result<(), i32> {
    free(u64::try_from(number).map_err(|_| libc::ENOENT)? + 1)
}

fn free(state: u64) -> Result<(), i32> {
    let is_freed = |slot: &Slot| slot.state.compare_exchange(state, FREE, Release, Relaxed).is_ok();
    if SLOTS.iter().any(is_freed) { Ok(()) } else { Err(libc::ENOENT) }
}

/// False while none was ever registered.
pub(super) fn any() -> bool {
    NEXT.load(Relaxed) != 0
}

/// In a child that this thread of its leader forked: other threads that were writing a slot are lost.
pub(super) fn reset_in_child(thread: u32) {
    if !any() {
        return;
    }
    for slot in &SLOTS {
        let state = slot.state.load(Relaxed);
        if state & WRITING != 0 && state != WRITING | u64::from(thread) {
            slot.state.store(FREE, Relaxed);
        }
    }
}

struct Registered {
    state: u64,
    name: Text<63>,
    function: usize,
    argument: usize,
    /// True while its library is loaded.
    still_loaded: bool,
}

/// The first one registered after `last` and before `end`.
fn next(last: u64, end: u64) -> Option<Registered> {
    loop {
        let states = SLOTS.iter().map(|slot| (slot.state.load(Acquire), slot));
        let (state, slot) = states.filter(|(state, _)| (last + 1..=end).contains(state)).min_by_key(|(state, _)| *state)?;
        let found = Registered {
            state,
            name: slot.name.get(),
            function: slot.function.load(Relaxed),
            argument: slot.argument.load(Relaxed),
            still_loaded: slot.library.still_loaded(),
        };
        // A thread that a fixup started may have ended the registration meanwhile.
        fence(Acquire);
        if slot.state.load(Acquire) == state {
            return Some(found);
        }
    }
}

/// Runs those that were registered before the fork.
pub(super) fn run(log: &mut Log) {
    let end = NEXT.load(Relaxed);
    let mut last = 0;
    while let Some(Registered { state, name, function, argument, still_loaded }) = next(last, end) {
        last = state;
        // Its library was unloaded without ending the registration.
        if !still_loaded {
            let _ = free(state);
            continue;
        }
        log.run(Text::of(format_args!("{}", name.as_str())), || {
            // SAFETY: it was registered as a function of this type, for this argument.
            unsafe { std::mem::transmute::<usize, Function>(function)(argument as *mut c_void) }
        });
    }
}
