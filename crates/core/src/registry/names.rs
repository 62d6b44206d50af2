//! Names that a program gives to things of its own: short texts in plain words, which one thread may read while another writes them.
use crate::fixed::Text;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering::*};

/// The longest name, in bytes.
pub const LONGEST: usize = 63;
/// Locks that can have names.
pub const LOCKS: usize = 256;

/// A name.
pub struct Name([AtomicU64; 8]);

impl Name {
    /// None yet.
    pub const fn new() -> Name {
        Name([const { AtomicU64::new(0) }; 8])
    }

    /// Sets it.
    pub fn set(&self, name: &str) {
        let mut bytes = [0u8; LONGEST + 1];
        let length = name.len().min(LONGEST);
        bytes[..length].copy_from_slice(&name.as_bytes()[..length]);
        for (word, chunk) in self.0.iter().zip(bytes.as_chunks().0) {
            word.store(u64::from_ne_bytes(*chunk), Relaxed);
        }
    }

    /// Reads it.
    pub fn get(&self) -> Text<LONGEST> {
        let mut bytes = [0u8; LONGEST + 1];
        for (word, chunk) in self.0.iter().zip(bytes.as_chunks_mut().0) {
            *chunk = word.load(Relaxed).to_ne_bytes();
        }
        Text::from_bytes(&bytes)
    }
}

impl Default for Name {
    fn default() -> Self {
        Self::new()
    }
}

struct Named {
    /// Address of a lock; 0 free, [`WRITING`] while its first name is written.
    lock: AtomicUsize,
    name: Name,
}

const WRITING: usize = 1;

static NAMED: [Named; LOCKS] = [const { Named { lock: AtomicUsize::new(0), name: Name::new() } }; LOCKS];

/// Names a lock, anew if it has a name; false when there is no room.
pub fn name_lock(lock: usize, name: &str) -> bool {
    if let Some(named) = NAMED.iter().find(|named| named.lock.load(Acquire) == lock) {
        named.name.set(name);
        return true;
    }
    let free = |named: &&Named| named.lock.compare_exchange(0, WRITING, AcqRel, Relaxed).is_ok();
    let Some(named) = NAMED.iter().find(free) else { return false };
    named.name.set(name);
    named.lock.store(lock, Release);
    true
}

/// Takes a lock's name back.
pub fn unname_lock(lock: usize) {
    for named in &NAMED {
        let _ = named.lock.compare_exchange(lock, 0, AcqRel, Relaxed);
    }
}

/// A lock's name.
pub fn of_lock(lock: usize) -> Option<Text<LONGEST>> {
    let named = NAMED.iter().find(|named| named.lock.load(Acquire) == lock)?;
    Some(named.name.get()).filter(|name| !name.is_empty())
}
