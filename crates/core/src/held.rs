//! The locks that a thread holds or waits for: a short stack in its slot, two stores to push and one to pop.
use crate::thread::{self, HELD, Slot};
use core::arch::global_asm;
use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst, fence};

/// What kind of lock an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Kind {
    /// A pthread mutex; which kind is read from it later.
    Mutex = 1,
    /// C11 mtx_t.
    C11Mutex,
    /// A read-write lock, for reading.
    Read,
    /// A read-write lock, for writing.
    Write,
    /// pthread_spin_lock.
    Spin,
    /// A semaphore.
    Semaphore,
    /// Inside a function of the C library that has a lock of its own: the address is that of its name.
    Libc,
}

impl Kind {
    fn of(word: u32) -> Option<Kind> {
        [Kind::Mutex, Kind::C11Mutex, Kind::Read, Kind::Write, Kind::Spin, Kind::Semaphore, Kind::Libc]
            .into_iter()
            .find(|k| *k as u32 == word & 0xff)
    }
}

/// The thread waits for it (and holds it only where HOLDS is set too).
pub const WAITS: u32 = 1 << 8;
/// The thread got it.
pub const HOLDS: u32 = 1 << 9;
/// The thread entered a function whose return is not seen: it is inside while its stack reaches below `frame`.
pub const ENTERED: u32 = 1 << 10;
/// A semaphore that its holder made itself right before it took it: a token of its own, not a guard that others wait for.
pub const MADE: u32 = 1 << 11;

/// One entry.
#[repr(C)]
pub struct Held {
    address: AtomicUsize,
    site: AtomicUsize,
    word: AtomicU32,
    /// Stack pointer of the call, for ENTERED only.
    frame: AtomicUsize,
}

/// A copy of an entry.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The lock; of the name of a C library function for [`Kind::Libc`].
    pub address: usize,
    /// Return address of the call that took it.
    pub site: usize,
    /// What kind.
    pub kind: Kind,
    /// WAITS, HOLDS, ENTERED, MADE.
    pub flags: u32,
    /// Stack pointer of the call, for ENTERED only.
    pub frame: usize,
}

impl Held {
    pub(crate) const fn new() -> Self {
        Held { address: AtomicUsize::new(0), site: AtomicUsize::new(0), word: AtomicU32::new(0), frame: AtomicUsize::new(0) }
    }

    /// Sets the kind and flags of an entry.
    #[inline(always)]
    pub fn set(&self, kind: Kind, flags: u32) {
        self.word.store(kind as u32 | flags, Relaxed);
    }

    /// Its kind.
    pub fn kind(&self) -> Option<Kind> {
        Kind::of(self.word.load(Relaxed))
    }

    /// Its flags.
    pub fn flags(&self) -> u32 {
        self.word.load(Relaxed) & (WAITS | HOLDS | ENTERED | MADE)
    }

    fn entry(&self) -> Option<Entry> {
        let word = self.word.load(Relaxed);
        Some(Entry {
            address: self.address.load(Relaxed),
            site: self.site.load(Relaxed),
            kind: Kind::of(word)?,
            flags: word & (WAITS | HOLDS | ENTERED | MADE),
            frame: self.frame.load(Relaxed),
        })
    }
}

/// Not zero while lock hooks record: never before the first second thread, so that single-threaded processes pay one test.
#[unsafe(link_section = "forkguard_words")]
pub static TRACKED: AtomicU8 = AtomicU8::new(0);

/// Locks are recorded, and taken through the gate of `safe_point`.
pub const GATED: u8 = 2;

/// How locks are tracked once there is a second thread.
#[unsafe(link_section = "forkguard_words")]
static WAY: AtomicU8 = AtomicU8::new(1);

/// From the second thread on, locks are taken through the gate.
pub(crate) fn track_gated() {
    WAY.store(GATED, Relaxed);
}

/// The door of a lock hook: the hook is one jump to `current`. No more than a child has to write: it writes all doors.
#[repr(C)]
pub struct Door {
    /// Where calls go: to the real function; to the hook's body while locks are recorded; to `watched` in a child that may wait in vain.
    pub current: AtomicPtr<()>,
    /// Where calls go from `watched` that need not wait.
    pub onward: AtomicPtr<()>,
    /// Where calls go that are recorded in any process.
    pub always: AtomicPtr<()>,
    /// Where they may go.
    pub targets: &'static LockTargets,
}

/// Where the calls of a lock hook may go.
#[repr(C)]
pub struct LockTargets {
    /// The real function; a stub that finds it until it is known.
    pub real: AtomicPtr<()>,
    /// The hook's body.
    pub body: unsafe extern "C" fn(),
    /// The same behind the gate of `safe_point`.
    pub gated: Option<unsafe extern "C" fn()>,
    /// Looks whether the call has to wait.
    pub watched: Option<unsafe extern "C" fn()>,
    /// It gives what others may wait for: watched only where that tells something.
    pub gives: bool,
}

// The words begin a page, and the doors follow them: both are written in every child of a process with threads.
global_asm!(
    ".pushsection forkguard_words,\"aw\",@progbits",
    ".p2align 12",
    ".popsection",
    ".pushsection forkguard_doors,\"awR\",@progbits",
    ".popsection",
);

unsafe extern "C" {
    #[link_name = "__start_forkguard_doors"]
    static FIRST_DOOR: Door;
    #[link_name = "__stop_forkguard_doors"]
    static END_OF_DOORS: Door;
}

fn doors() -> &'static [Door] {
    // SAFETY: the linker puts every `Door` into one section and bounds it with these two symbols.
    unsafe {
        let (first, end) = (&raw const FIRST_DOOR, &raw const END_OF_DOORS);
        core::slice::from_raw_parts(first, end.offset_from_unsigned(first))
    }
}

/// Watched, and a lost thread holds a lock that does not name its owner: who releases such a lock is looked at, too.
pub const WATCHED_WHOLLY: u8 = 2;

/// Not zero in a forked child that lacks threads or cannot use locks of its leader: its waits are looked at.
#[unsafe(link_section = "forkguard_words")]
pub static WATCHED: AtomicU8 = AtomicU8::new(0);

/// True in such a child.
#[inline(always)]
pub fn is_watched() -> bool {
    WATCHED.load(Relaxed) != 0
}

/// Turns all doors as it is asked for now. Of several threads that turn them the last one finds nothing changed.
#[unsafe(link_section = ".text.forkguard_child")]
fn turn_doors() {
    let asked = || (TRACKED.load(SeqCst), WATCHED.load(SeqCst));
    let mut turned = asked();
    loop {
        turn_doors_for(turned);
        fence(SeqCst);
        let now = asked();
        if now == turned {
            return;
        }
        turned = now;
    }
}

fn turn_doors_for((tracked, watched): (u8, u8)) {
    let (tracked, gated) = (tracked != 0, tracked == GATED);
    let least = |targets: &LockTargets| if targets.gives { WATCHED_WHOLLY } else { 1 };
    for door in doors() {
        let targets = door.targets;
        let body = targets.gated.filter(|_| gated).unwrap_or(targets.body) as *mut ();
        let onward = if tracked { body } else { targets.real.load(Relaxed) };
        let watch = targets.watched.filter(|_| watched >= least(targets)).map(|function| function as *mut ());
        door.onward.store(onward, Relaxed);
        door.always.store(watch.unwrap_or(body), Relaxed);
        door.current.store(watch.unwrap_or(onward), Relaxed);
    }
}

/// From now on locks are recorded: a second thread is about to exist.
pub fn start_tracking() {
    if TRACKED.swap(WAY.load(Relaxed), SeqCst) == 0 {
        turn_doors();
    }
}

/// Locks are neither recorded nor watched any more.
pub fn stop_tracking() {
    if TRACKED.swap(0, SeqCst) | WATCHED.swap(0, SeqCst) != 0 {
        turn_doors();
    }
}

/// In a forked child whose locks were repaired.
pub(crate) fn watch(watched: u8) {
    if WATCHED.swap(watched, SeqCst) != watched {
        turn_doors();
    }
}

/// In a forked child: nothing is recorded until it has a second thread; what may wait in vain is watched.
pub(crate) fn begin_child(watched: u8) {
    let before = (TRACKED.swap(0, Relaxed), WATCHED.swap(watched, Relaxed));
    if before != (0, watched) {
        turn_doors();
    }
}

impl Slot {
    /// The entries in use, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let depth = (self.depth.load(Relaxed) as usize).min(HELD);
        self.held[..depth].iter().filter_map(Held::entry)
    }

    /// The entry that was given up last, if nothing was noted since.
    pub fn given_up(&self) -> Option<Entry> {
        self.held.get(self.depth.load(Relaxed) as usize)?.entry()
    }

    /// Notes an entry; None when there is no room.
    #[inline(always)]
    pub fn push(&self, address: usize, site: usize, word: u32) -> Option<&Held> {
        let depth = self.depth.load(Relaxed);
        let Some(entry) = self.held.get(depth as usize) else {
            self.add_overflow();
            return None;
        };
        entry.address.store(address, Relaxed);
        entry.site.store(site, Relaxed);
        entry.word.store(word, Relaxed);
        self.depth.store(depth + 1, Relaxed);
        Some(entry)
    }

    /// The same for a thread that holds nothing.
    #[inline(always)]
    pub fn push_first(&self, address: usize, site: usize, word: u32) -> &Held {
        let entry = &self.held[0];
        entry.address.store(address, Relaxed);
        entry.site.store(site, Relaxed);
        entry.word.store(word, Relaxed);
        self.depth.store(1, Relaxed);
        entry
    }

    #[cold]
    fn add_overflow(&self) {
        self.overflow.store(self.overflow.load(Relaxed) + 1, Relaxed);
    }

    /// Takes back the innermost entry (None: one for which there was no room), whose lock was not got.
    #[cold]
    pub fn cancel(&self, entry: Option<&Held>) {
        match entry {
            Some(entry) => {
                let index = (entry as *const Held as usize - self.held.as_ptr() as usize) / size_of::<Held>();
                self.depth.store(index as u32, Relaxed);
            }
            None => self.drop_overflow(),
        }
    }

    /// True when this thread holds and waits for nothing.
    #[inline(always)]
    pub fn holds_nothing(&self) -> bool {
        self.depth.load(Relaxed) == 0
    }

    /// True when this thread holds so much that signals it received must not fill its slot.
    #[inline(always)]
    pub fn holds_many(&self) -> bool {
        self.depth.load(Relaxed) as usize > HELD / 4
    }

    /// Notes that this thread gives up the lock that it took last; false, and nothing done, when that is another one.
    #[inline(always)]
    pub fn pop_top(&self, address: usize) -> bool {
        let below = self.depth.load(Relaxed).wrapping_sub(1);
        match self.held.get(below as usize) {
            Some(top) if top.address.load(Relaxed) == address => {
                self.depth.store(below, Relaxed);
                true
            }
            _ => false,
        }
    }

    /// Notes that this thread gives a lock up; false when it was not known to hold it.
    pub fn pop(&self, address: usize) -> bool {
        self.pop_top(address) || self.pop_below(address, (self.depth.load(Relaxed) as usize).min(HELD))
    }

    #[cold]
    fn pop_below(&self, address: usize, depth: usize) -> bool {
        match self.held[..depth].iter().rposition(|e| e.address.load(Relaxed) == address) {
            Some(index) => {
                self.pop_at(index, depth);
                true
            }
            None => {
                self.drop_overflow();
                false
            }
        }
    }

    fn pop_at(&self, index: usize, depth: usize) {
        for i in index..depth - 1 {
            let (to, from) = (&self.held[i], &self.held[i + 1]);
            to.address.store(from.address.load(Relaxed), Relaxed);
            to.site.store(from.site.load(Relaxed), Relaxed);
            to.word.store(from.word.load(Relaxed), Relaxed);
            to.frame.store(from.frame.load(Relaxed), Relaxed);
        }
        self.depth.store(depth as u32 - 1, Relaxed);
    }

    #[cold]
    fn drop_overflow(&self) {
        let more = self.overflow.load(Relaxed);
        self.overflow.store(more.saturating_sub(1), Relaxed);
    }

    /// Notes that this thread enters a function whose return no hook will see; forgets the ones that it left meanwhile.
    #[cold]
    pub fn enter(&self, address: usize, site: usize, frame: usize) {
        self.leave(frame);
        if let Some(entry) = self.push(address, site, Kind::Libc as u32 | HOLDS | ENTERED) {
            entry.frame.store(frame, Relaxed);
        }
    }

    /// Forgets the functions that this thread left, now that its stack ends there.
    pub(crate) fn leave(&self, frame: usize) {
        let left = |e: &Entry| e.flags & ENTERED != 0 && e.frame <= frame;
        while let Some(index) = self.entries().position(|e| left(&e)) {
            self.pop_at(index, (self.depth.load(Relaxed) as usize).min(HELD));
        }
    }

    /// True when this thread is recorded as the holder.
    pub fn holds(&self, address: usize) -> bool {
        self.entries().any(|entry| entry.address == address && entry.flags & HOLDS != 0)
    }

    /// The innermost entry for this address.
    #[inline(always)]
    pub fn find(&self, address: usize) -> Option<&Held> {
        match self.depth.load(Relaxed) as usize {
            0 => None,
            depth => self.find_among(address, depth),
        }
    }

    fn find_among(&self, address: usize, depth: usize) -> Option<&Held> {
        self.held[..depth.min(HELD)].iter().rfind(|e| e.address.load(Relaxed) == address)
    }
}

/// This thread's slot for a lock hook: adopted now when nobody saw it start; None while hooks do not record.
#[inline(always)]
pub fn holder() -> Option<&'static Slot> {
    match thread::mine() {
        Some(slot) => Some(slot),
        None => adopt_holder(),
    }
}

#[cold]
fn adopt_holder() -> Option<&'static Slot> {
    if thread::refused() {
        return None;
    }
    let _inside = crate::gate::Inside::enter()?;
    thread::adopt()
}
