//! The locks that a thread holds or waits for: a short stack, two stores to push and one to pop.
use crate::glibc::LockKind;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

/// Locks that one thread can be known to hold at once.
pub const CAPACITY: usize = 16;

/// The thread waits for the lock (and holds it only where HOLDS is set, too).
pub const WAITS: u32 = 1 << 8;
/// The thread holds the lock.
pub const HOLDS: u32 = 1 << 9;
/// The thread entered a function whose return no hook sees: it is inside while its stack reaches below `frame`.
pub const ENTERED: u32 = 1 << 10;
/// A semaphore that its holder initialised right before it took it: a token of its own, not a lock that others wait for.
pub const MADE: u32 = 1 << 11;

/// One entry, written by its thread and read by the thread that forks.
#[repr(C)]
pub struct HeldEntry {
    address: AtomicUsize,
    site: AtomicUsize,
    word: AtomicU32,
    /// Stack pointer of the call, for ENTERED only.
    frame: AtomicUsize,
}

/// A copy of an entry.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The lock; for a C library function the address of its name: [`LockKind::Libc`].
    pub address: usize,
    /// Return address of the call that took it.
    pub site: usize,
    /// Its kind.
    pub kind: LockKind,
    /// WAITS, HOLDS, ENTERED, MADE.
    pub flags: u32,
    /// Stack pointer of the call, for ENTERED only.
    pub frame: usize,
}

impl HeldEntry {
    const fn new() -> Self {
        HeldEntry { address: AtomicUsize::new(0), site: AtomicUsize::new(0), word: AtomicU32::new(0), frame: AtomicUsize::new(0) }
    }

    /// Sets the kind and flags of an entry.
    #[inline(always)]
    pub fn set(&self, kind: LockKind, flags: u32) {
        self.word.store(kind as u32 | flags, Relaxed);
    }

    /// Its kind.
    pub fn kind(&self) -> Option<LockKind> {
        LockKind::of(self.word.load(Relaxed))
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
            kind: LockKind::of(word)?,
            flags: word & (WAITS | HOLDS | ENTERED | MADE),
            frame: self.frame.load(Relaxed),
        })
    }
}

/// The locks of one thread: the innermost `depth` entries are held or waited for, oldest first.
#[repr(C)]
pub struct HeldLocks {
    depth: AtomicU32,
    /// Locks beyond CAPACITY.
    overflow: AtomicU32,
    entries: [HeldEntry; CAPACITY],
}

impl HeldLocks {
    pub(super) const fn new() -> Self {
        HeldLocks { depth: AtomicU32::new(0), overflow: AtomicU32::new(0), entries: [const { HeldEntry::new() }; CAPACITY] }
    }

    /// Forgets all locks.
    pub(crate) fn clear(&self) {
        self.depth.store(0, Relaxed);
        self.overflow.store(0, Relaxed);
    }

    /// How many locks found no room.
    pub(crate) fn overflow(&self) -> u32 {
        self.overflow.load(Relaxed)
    }

    /// The entries in use, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let depth = (self.depth.load(Relaxed) as usize).min(CAPACITY);
        self.entries[..depth].iter().filter_map(HeldEntry::entry)
    }

    /// The entry that was released last, if nothing was recorded since.
    pub fn last_released(&self) -> Option<Entry> {
        self.entries.get(self.depth.load(Relaxed) as usize)?.entry()
    }

    /// Records an entry; None when there is no room.
    #[inline(always)]
    pub fn push(&self, address: usize, site: usize, word: u32) -> Option<&HeldEntry> {
        let depth = self.depth.load(Relaxed);
        let Some(entry) = self.entries.get(depth as usize) else {
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
    pub fn push_first(&self, address: usize, site: usize, word: u32) -> &HeldEntry {
        let entry = &self.entries[0];
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

    /// Removes the innermost entry (None: an entry that found no room), whose lock was not acquired.
    #[cold]
    pub fn cancel(&self, entry: Option<&HeldEntry>) {
        match entry {
            Some(entry) => {
                let index = (entry as *const HeldEntry as usize - self.entries.as_ptr() as usize) / size_of::<HeldEntry>();
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

    /// True when this thread holds so many locks that semaphores used as signals must not fill its stack.
    #[inline(always)]
    pub fn holds_many(&self) -> bool {
        self.depth.load(Relaxed) as usize > CAPACITY / 4
    }

    /// Records the release of the lock that this thread acquired last; false, and nothing done, for any other lock.
    #[inline(always)]
    pub fn pop_top(&self, address: usize) -> bool {
        let below = self.depth.load(Relaxed).wrapping_sub(1);
        match self.entries.get(below as usize) {
            Some(top) if top.address.load(Relaxed) == address => {
                self.depth.store(below, Relaxed);
                true
            }
            _ => false,
        }
    }

    /// Records the release of a lock; false when this thread was not known to hold it.
    pub fn pop(&self, address: usize) -> bool {
        self.pop_top(address) || self.pop_below(address, (self.depth.load(Relaxed) as usize).min(CAPACITY))
    }

    #[cold]
    fn pop_below(&self, address: usize, depth: usize) -> bool {
        match self.entries[..depth].iter().rposition(|e| e.address.load(Relaxed) == address) {
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
            let (to, from) = (&self.entries[i], &self.entries[i + 1]);
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

    /// Records that this thread enters a function whose return no hook will see; forgets the functions that it left meanwhile.
    #[cold]
    pub fn enter(&self, address: usize, site: usize, frame: usize) {
        self.leave(frame);
        if let Some(entry) = self.push(address, site, LockKind::Libc as u32 | HOLDS | ENTERED) {
            entry.frame.store(frame, Relaxed);
        }
    }

    /// Forgets the functions that this thread left, now that its stack ends there.
    pub(crate) fn leave(&self, frame: usize) {
        let left = |e: &Entry| e.flags & ENTERED != 0 && e.frame <= frame;
        while let Some(index) = self.entries().position(|e| left(&e)) {
            self.pop_at(index, (self.depth.load(Relaxed) as usize).min(CAPACITY));
        }
    }

    /// True when this thread is recorded as the holder.
    pub fn holds(&self, address: usize) -> bool {
        self.entries().any(|entry| entry.address == address && entry.flags & HOLDS != 0)
    }

    /// A copy of the innermost entry for this address.
    pub fn last(&self, address: usize) -> Option<Entry> {
        self.find(address)?.entry()
    }

    /// The innermost entry for this address.
    #[inline(always)]
    pub fn find(&self, address: usize) -> Option<&HeldEntry> {
        match self.depth.load(Relaxed) as usize {
            0 => None,
            depth => self.find_among(address, depth),
        }
    }

    fn find_among(&self, address: usize, depth: usize) -> Option<&HeldEntry> {
        self.entries[..depth.min(CAPACITY)].iter().rfind(|e| e.address.load(Relaxed) == address)
    }
}
