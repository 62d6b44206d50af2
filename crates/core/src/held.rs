//! The locks that a thread holds or waits for: a short stack in its slot, two stores to push and one to pop.
use crate::thread::{self, HELD, Slot};
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering::Relaxed};

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
pub static TRACKED: AtomicU8 = AtomicU8::new(0);

/// From now on locks are recorded: a second thread is about to exist.
pub fn start_tracking() {
    TRACKED.store(1, Relaxed);
}

/// Locks are not recorded any more.
pub fn stop_tracking() {
    TRACKED.store(0, Relaxed);
}

impl Slot {
    /// The entries in use, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let depth = (self.depth.load(Relaxed) as usize).min(HELD);
        self.held[..depth].iter().filter_map(Held::entry)
    }

    /// Notes that this thread is about to wait for a lock; the entry's index, or HELD when there is no room.
    #[inline(always)]
    pub fn push(&self, address: usize, site: usize, word: u32) -> usize {
        let depth = self.depth.load(Relaxed) as usize;
        let Some(entry) = self.held.get(depth) else {
            self.overflow.fetch_add(1, Relaxed);
            return HELD;
        };
        entry.address.store(address, Relaxed);
        entry.site.store(site, Relaxed);
        entry.word.store(word, Relaxed);
        self.depth.store(depth as u32 + 1, Relaxed);
        depth
    }

    /// Notes that the entry's lock was got.
    #[inline(always)]
    pub fn got(&self, index: usize, kind: Kind) {
        if let Some(entry) = self.held.get(index) {
            entry.word.store(kind as u32 | HOLDS, Relaxed);
        }
    }

    /// Takes back an entry whose lock was not got.
    #[inline(always)]
    pub fn cancel(&self, index: usize) {
        if index < HELD {
            self.depth.store(index as u32, Relaxed);
        } else {
            self.drop_overflow();
        }
    }

    /// Notes that this thread gives a lock up; false when it was not known to hold it.
    #[inline(always)]
    pub fn pop(&self, address: usize) -> bool {
        let depth = self.depth.load(Relaxed) as usize;
        match self.held.get(depth.wrapping_sub(1)) {
            Some(top) if top.address.load(Relaxed) == address => {
                self.depth.store(depth as u32 - 1, Relaxed);
                true
            }
            _ => self.pop_below(address, depth.min(HELD)),
        }
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
        let left = |e: &Entry| e.flags & ENTERED != 0 && e.frame <= frame;
        while let Some(index) = self.entries().position(|e| left(&e)) {
            self.pop_at(index, (self.depth.load(Relaxed) as usize).min(HELD));
        }
        let index = self.push(address, site, Kind::Libc as u32 | HOLDS | ENTERED);
        if let Some(entry) = self.held.get(index) {
            entry.frame.store(frame, Relaxed);
        }
    }

    /// The index of the innermost entry for this address.
    pub fn find(&self, address: usize) -> Option<usize> {
        let depth = (self.depth.load(Relaxed) as usize).min(HELD);
        self.held[..depth].iter().rposition(|e| e.address.load(Relaxed) == address)
    }

    /// Sets flags of an entry.
    pub fn mark(&self, index: usize, kind: Kind, flags: u32) {
        if let Some(entry) = self.held.get(index) {
            entry.word.store(kind as u32 | flags, Relaxed);
        }
    }

    /// The kind of an entry.
    pub fn kind(&self, index: usize) -> Option<Kind> {
        Kind::of(self.held.get(index)?.word.load(Relaxed))
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
