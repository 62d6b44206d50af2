//! Where lock calls go: each hook is one jump through its table, which changes with what is recorded and checked.
use crate::gate::{self, GATED, TRACKED, WATCHED, WATCHED_ALONE, WATCHED_POSTS, WATCHED_WHOLLY};
use core::arch::global_asm;
use core::sync::atomic::{AtomicPtr, AtomicU8, Ordering::Relaxed, Ordering::SeqCst, fence};

/// In [`TRACKED`]: locks are recorded.
const RECORDED: u8 = 1;

/// The value of [`TRACKED`] from the second thread on.
#[unsafe(link_section = "forkguard_words")]
static MODE: AtomicU8 = AtomicU8::new(RECORDED);

/// From the second thread on, locks are taken through the gate of `safe_point`.
pub(crate) fn track_gated() {
    MODE.store(GATED, Relaxed);
}

/// The jump table of a lock hook: the hook is one jump to `current`. It holds only what a child has to write, since a child writes all tables.
#[repr(C)]
pub struct LockDispatch {
    /// Target of calls: the real function; the hook's body while locks are recorded; `watched` in a child whose waits are checked.
    pub current: AtomicPtr<()>,
    /// Where `watched` goes on with calls that need not wait.
    pub onward: AtomicPtr<()>,
    /// Target of calls that are recorded in any process.
    pub always: AtomicPtr<()>,
    /// The targets that these are chosen from.
    pub targets: &'static LockTargets,
}

/// The functions that the calls of a lock hook can go to.
#[repr(C)]
pub struct LockTargets {
    /// The real function; a stub that finds it until it is known.
    pub real: AtomicPtr<()>,
    /// The hook's body.
    pub body: unsafe extern "C" fn(),
    /// The same behind the gate of `safe_point`.
    pub gated: Option<unsafe extern "C" fn()>,
    /// Checks whether the call has to wait.
    pub watched: Option<unsafe extern "C" fn()>,
    /// The same for calls that are recorded in any process.
    pub always_watched: Option<unsafe extern "C" fn()>,
    /// Checks whether the call wakes somebody: in place of `watched` under [`WATCHED_POSTS`].
    pub posts: Option<unsafe extern "C" fn()>,
    /// It releases what others may wait for: checked only under [`WATCHED_WHOLLY`].
    pub gives: bool,
}

// The words begin a page, and the tables follow them: both are written in every child of a process with threads.
global_asm!(
    ".pushsection forkguard_words,\"aw\",@progbits",
    ".p2align 12",
    ".popsection",
    ".pushsection forkguard_doors,\"awR\",@progbits",
    ".popsection",
);

unsafe extern "C" {
    #[link_name = "__start_forkguard_doors"]
    static FIRST: LockDispatch;
    #[link_name = "__stop_forkguard_doors"]
    static END: LockDispatch;
}

fn tables() -> &'static [LockDispatch] {
    // SAFETY: the linker puts every `LockDispatch` into one section and bounds it with these two symbols.
    unsafe {
        let (first, end) = (&raw const FIRST, &raw const END);
        core::slice::from_raw_parts(first, end.offset_from_unsigned(first))
    }
}

/// Sets all tables as the two flags ask now. Of several threads that do so the last one finds the flags unchanged.
#[unsafe(link_section = ".text.forkguard_child")]
fn update() {
    let asked = || (TRACKED.load(SeqCst), WATCHED.load(SeqCst));
    let mut applied = asked();
    loop {
        apply(applied);
        fence(SeqCst);
        let now = asked();
        if now == applied {
            return;
        }
        applied = now;
    }
}

fn apply((tracked, watched): (u8, u8)) {
    let (tracked, gated) = (tracked != 0, tracked == GATED);
    let least = |targets: &LockTargets| if targets.gives { WATCHED_WHOLLY } else { 1 };
    for table in tables() {
        let targets = table.targets;
        let body = targets.gated.filter(|_| gated).unwrap_or(targets.body) as *mut ();
        let onward = if tracked { body } else { targets.real.load(Relaxed) };
        let is_watched = watched >= least(targets);
        let posts = targets.posts.filter(|_| watched == WATCHED_POSTS);
        let target = |watch: Option<unsafe extern "C" fn()>, otherwise| match watch.filter(|_| is_watched).or(posts) {
            Some(watch) => watch as *mut (),
            None => otherwise,
        };
        table.onward.store(onward, Relaxed);
        table.always.store(target(targets.always_watched, body), Relaxed);
        table.current.store(target(targets.watched, onward), Relaxed);
    }
}

/// From now on locks are recorded: a second thread is about to exist.
pub fn start_tracking() {
    let is_first = TRACKED.swap(MODE.load(Relaxed), SeqCst) == 0;
    let was_alone = WATCHED.compare_exchange(WATCHED_ALONE, 0, SeqCst, Relaxed).is_ok();
    if is_first || was_alone {
        update();
    }
}

/// Switches the library off for good: hooks pass straight through, locks are neither recorded nor checked.
pub fn switch_off() {
    gate::end_life();
    if TRACKED.swap(0, SeqCst) | WATCHED.swap(0, SeqCst) != 0 {
        update();
    }
}

/// In a forked child whose locks were repaired.
pub(crate) fn watch(watched: u8) {
    if WATCHED.swap(watched, SeqCst) != watched {
        update();
    }
}

/// In a forked child: nothing is recorded until it has a second thread; waits that may be in vain are checked.
pub(crate) fn init_child(watched: u8) {
    let before = (TRACKED.swap(0, Relaxed), WATCHED.swap(watched, Relaxed));
    if before != (0, watched) {
        update();
    }
}
