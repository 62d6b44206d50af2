//! The threads: one slot each, written by its own thread and read by the one that forks.
use crate::held::Held;
use crate::{fixed::Text, raw, tls};
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::*};

/// Threads that can be known at once; further ones are found in the kernel's list only.
pub const CAPACITY: usize = 4096;
/// Locks that one thread can be known to hold at once.
pub const HELD: usize = 16;

/// Where a slot's life stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum State {
    /// Nobody's.
    Free = 0,
    /// Taken by a thread that is being created.
    Starting = 1,
    /// A running thread's.
    Live = 2,
    /// Its thread ran in a process that this one was forked from: frozen as it stood then.
    Lost = 3,
}

/// What is known of a thread.
#[repr(C, align(64))]
pub struct Slot {
    /// How many of `held` are in use.
    pub depth: AtomicU32,
    /// Locks beyond HELD.
    pub overflow: AtomicU32,
    state: AtomicU32,
    /// Kernel id.
    pub tid: AtomicU32,
    /// Kernel id of the thread that started it; 0 unknown.
    pub creator: AtomicU32,
    /// 1 when detached.
    pub detached: AtomicU32,
    /// The condition, barrier or other thing that it waits for; 0 none.
    pub waits_for: AtomicUsize,
    /// pthread_t; 0 unknown.
    pub handle: AtomicUsize,
    /// Start routine and its argument; 0 unknown.
    pub start: AtomicUsize,
    /// Argument of the start routine, for the trampoline.
    pub argument: AtomicUsize,
    /// Return address of the call that started it; 0 unknown.
    pub site: AtomicUsize,
    /// What its language calls it and what code it runs there, as words of the library's store; 0 unknown.
    pub label: AtomicUsize,
    /// See `label`.
    pub code: AtomicUsize,
    name: [AtomicU64; 2],
    /// The innermost `depth` of them are held or waited for, oldest first.
    pub held: [Held; HELD],
}

impl Slot {
    const fn new() -> Self {
        Slot {
            depth: AtomicU32::new(0),
            overflow: AtomicU32::new(0),
            state: AtomicU32::new(State::Free as u32),
            tid: AtomicU32::new(0),
            creator: AtomicU32::new(0),
            detached: AtomicU32::new(0),
            waits_for: AtomicUsize::new(0),
            handle: AtomicUsize::new(0),
            start: AtomicUsize::new(0),
            argument: AtomicUsize::new(0),
            site: AtomicUsize::new(0),
            label: AtomicUsize::new(0),
            code: AtomicUsize::new(0),
            name: [const { AtomicU64::new(0) }; 2],
            held: [const { Held::new() }; HELD],
        }
    }

    /// Where its life stands.
    pub fn state(&self) -> State {
        match self.state.load(Relaxed) {
            1 => State::Starting,
            2 => State::Live,
            3 => State::Lost,
            _ => State::Free,
        }
    }

    fn set_state(&self, state: State) {
        self.state.store(state as u32, Release);
    }

    /// Sets the name: at most 15 bytes, as the kernel's.
    pub fn set_name(&self, name: &[u8]) {
        let mut bytes = [0u8; 16];
        let length = name.iter().position(|&b| b == 0).unwrap_or(name.len()).min(15);
        bytes[..length].copy_from_slice(&name[..length]);
        for (word, chunk) in self.name.iter().zip(bytes.chunks_exact(8)) {
            word.store(u64::from_ne_bytes(chunk.try_into().unwrap_or_default()), Relaxed);
        }
    }

    /// The name that was set; empty when none was.
    pub fn name(&self) -> Text<16> {
        let mut bytes = [0u8; 16];
        for (word, chunk) in self.name.iter().zip(bytes.chunks_exact_mut(8)) {
            chunk.copy_from_slice(&word.load(Relaxed).to_ne_bytes());
        }
        Text::from_bytes(&bytes)
    }

    fn wipe(&self) {
        self.depth.store(0, Relaxed);
        self.overflow.store(0, Relaxed);
        self.detached.store(0, Relaxed);
        self.creator.store(0, Relaxed);
        self.tid.store(0, Relaxed);
        for word in [&self.waits_for, &self.handle, &self.start, &self.argument, &self.site, &self.label, &self.code] {
            word.store(0, Relaxed);
        }
        self.set_name(b"");
    }
}

static SLOTS: [Slot; CAPACITY] = [const { Slot::new() }; CAPACITY];
/// Slots at and above this were never used.
static HIGH: AtomicUsize = AtomicUsize::new(0);
/// Where a free slot may be near.
static HINT: AtomicUsize = AtomicUsize::new(0);
/// Threads that found no slot.
static UNTRACKED: AtomicU32 = AtomicU32::new(0);

/// All slots that were ever used.
pub fn slots() -> &'static [Slot] {
    &SLOTS[..HIGH.load(Acquire).min(CAPACITY)]
}

/// This thread's slot.
#[inline(always)]
pub fn mine() -> Option<&'static Slot> {
    // SAFETY: null or a reference into SLOTS.
    unsafe { tls::slot().as_ref() }
}

/// How many threads ran without a slot.
pub fn untracked() -> u32 {
    UNTRACKED.load(Relaxed)
}

fn take(slot: &'static Slot, from: State) -> Option<&'static Slot> {
    slot.state.compare_exchange(from as u32, State::Starting as u32, AcqRel, Relaxed).ok()?;
    slot.wipe();
    Some(slot)
}

/// Takes a slot for a thread that is about to start: a free one, a new one, at last one of a lost thread.
pub fn claim() -> Option<&'static Slot> {
    let high = HIGH.load(Acquire).min(CAPACITY);
    let hint = HINT.load(Relaxed).min(high);
    let near = SLOTS[hint..high].iter().chain(&SLOTS[..hint]);
    let found = near.filter(|s| s.state() == State::Free).find_map(|s| take(s, State::Free));
    let found =
        found.or_else(claim_new).or_else(|| SLOTS.iter().filter(|s| s.state() == State::Lost).find_map(|s| take(s, State::Lost)));
    if found.is_none() {
        UNTRACKED.fetch_add(1, Relaxed);
    }
    found
}

fn claim_new() -> Option<&'static Slot> {
    loop {
        let high = HIGH.load(Acquire);
        let slot = SLOTS.get(high)?;
        HIGH.compare_exchange(high, high + 1, AcqRel, Relaxed).ok();
        if let Some(slot) = take(slot, State::Free) {
            return Some(slot);
        }
    }
}

/// Makes `slot` this thread's own.
pub fn begin(slot: &'static Slot) {
    slot.tid.store(raw::thread_id(), Relaxed);
    slot.set_state(State::Live);
    tls::set_slot(slot);
}

/// Gives this thread a slot although nobody saw it start.
pub fn adopt() -> Option<&'static Slot> {
    let slot = claim()?;
    begin(slot);
    Some(slot)
}

/// Gives a slot back whose thread ended or was never started.
pub fn release(slot: &'static Slot) {
    let index = (slot as *const Slot as usize - SLOTS.as_ptr() as usize) / size_of::<Slot>();
    slot.set_state(State::Free);
    HINT.store(index, Relaxed);
}

/// The slot of the live thread with this pthread_t.
pub fn by_handle(handle: usize) -> Option<&'static Slot> {
    slots().iter().find(|s| s.handle.load(Relaxed) == handle && matches!(s.state(), State::Live | State::Starting))
}

/// In a forked child: freezes all slots but this thread's as those of lost threads.
pub fn freeze_others() {
    let own = tls::slot();
    for slot in slots().iter().filter(|s| !core::ptr::eq(*s, own)) {
        match slot.state() {
            State::Live => slot.set_state(State::Lost),
            State::Starting => release(slot),
            State::Free | State::Lost => {}
        }
    }
    if let Some(slot) = mine() {
        slot.tid.store(raw::thread_id(), Relaxed);
    }
}

/// Threads that are running.
pub fn live() -> u32 {
    slots().iter().filter(|s| s.state() == State::Live).count() as u32
}

/// True when a slot is this running thread's.
pub fn by_tid(tid: u32) -> bool {
    slots().iter().any(|s| s.state() == State::Live && s.tid.load(Relaxed) == tid)
}
