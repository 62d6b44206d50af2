//! Those that a program registers through `include/forkguard.h`: a table without a lock, whose places are taken and given back by one
//! word each. A fork sees a place as taken or not; one that a lost thread was writing is free again in the child.
use super::Teller;
use forkguard_core::fixed::Text;
use forkguard_core::names::Name;
use forkguard_core::raw;
use forkguard_loader::{AtomicIdentity, Identity};
use libc::c_void;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::*, fence};

/// How many can be registered at once.
const CAPACITY: usize = 64;

type Function = unsafe extern "C-unwind" fn(*mut c_void);

struct Place {
    /// [`FREE`], [`WRITING`] and the thread that writes it, or the number of what stands here plus one.
    state: AtomicU64,
    name: Name,
    function: AtomicUsize,
    argument: AtomicUsize,
    /// The library of the function.
    library: AtomicIdentity,
}

const FREE: u64 = 0;
const WRITING: u64 = 1 << 63;

static PLACES: [Place; CAPACITY] = [const {
    Place {
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
    let writing = WRITING | u64::from(raw::thread_id());
    let free = |place: &&Place| place.state.compare_exchange(FREE, writing, Acquire, Relaxed).is_ok();
    let place = PLACES.iter().find(free).ok_or(libc::ENOSPC)?;
    place.name.set(name);
    place.function.store(function as usize, Relaxed);
    place.argument.store(argument.addr(), Relaxed);
    place.library.set(Identity::around(function as usize));
    place.state.store(number + 1, Release);
    Ok(result)
}

/// Takes a registration back, or gives an errno.
pub(crate) fn unregister(number: i32) -> Result<(), i32> {
    take_back(u64::try_from(number).map_err(|_| libc::ENOENT)? + 1)
}

fn take_back(state: u64) -> Result<(), i32> {
    let taken_back = |place: &Place| place.state.compare_exchange(state, FREE, Release, Relaxed).is_ok();
    if PLACES.iter().any(taken_back) { Ok(()) } else { Err(libc::ENOENT) }
}

/// False while none was ever registered.
pub(super) fn any() -> bool {
    NEXT.load(Relaxed) != 0
}

/// In a child that this thread of its leader forked: who else was writing a place is gone.
pub(super) fn reset_in_child(thread: u32) {
    if !any() {
        return;
    }
    for place in &PLACES {
        let state = place.state.load(Relaxed);
        if state & WRITING != 0 && state != WRITING | u64::from(thread) {
            place.state.store(FREE, Relaxed);
        }
    }
}

struct Registered {
    state: u64,
    name: Text<63>,
    function: usize,
    argument: usize,
    /// True while its function can be called.
    still_loaded: bool,
}

/// The first one registered after `last` and before `end`.
fn next(last: u64, end: u64) -> Option<Registered> {
    loop {
        let states = PLACES.iter().map(|place| (place.state.load(Acquire), place));
        let (state, place) = states.filter(|(state, _)| (last + 1..=end).contains(state)).min_by_key(|(state, _)| *state)?;
        let found = Registered {
            state,
            name: place.name.get(),
            function: place.function.load(Relaxed),
            argument: place.argument.load(Relaxed),
            still_loaded: place.library.still_loaded(),
        };
        // A thread that a fixup started may have taken it back meanwhile.
        fence(Acquire);
        if place.state.load(Acquire) == state {
            return Some(found);
        }
    }
}

/// Runs those that were registered before the fork.
pub(super) fn run(teller: &mut Teller) {
    let end = NEXT.load(Relaxed);
    let mut last = 0;
    while let Some(Registered { state, name, function, argument, still_loaded }) = next(last, end) {
        last = state;
        // Nobody took it back when its library was unloaded.
        if !still_loaded {
            let _ = take_back(state);
            continue;
        }
        teller.run(Text::of(format_args!("{}", name.as_str())), || {
            // SAFETY: what was registered as a function of this type, for this argument.
            unsafe { std::mem::transmute::<usize, Function>(function)(argument as *mut c_void) }
        });
    }
}
