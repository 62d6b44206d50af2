//! Timers: none of them exists in a forked child.
use crate::{generation, raw};
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicUsize, Ordering::Relaxed};

const CAPACITY: usize = 32;

struct Place {
    /// timer_t plus one; 0 free.
    id: AtomicUsize,
    clock: AtomicI32,
    signal: AtomicI32,
    armed: AtomicU32,
    /// The process's generation when it was armed: a child has none of its leader's.
    generation: AtomicU32,
    site: AtomicUsize,
}

/// A timer made by timer_create.
#[derive(Clone, Copy)]
pub struct Timer {
    /// Its clock.
    pub clock: i32,
    /// The signal it sends; 0 none.
    pub signal: i32,
    /// Return address of the call that armed it.
    pub site: usize,
}

static TIMERS: [Place; CAPACITY] = [const {
    Place {
        id: AtomicUsize::new(0),
        clock: AtomicI32::new(0),
        signal: AtomicI32::new(0),
        armed: AtomicU32::new(0),
        generation: AtomicU32::new(0),
        site: AtomicUsize::new(0),
    }
}; CAPACITY];
/// Return addresses of the calls that armed ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF.
static INTERVAL: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];
/// ITIMER_REAL was armed by alarm.
static ALARM: AtomicBool = AtomicBool::new(false);

fn find(id: usize) -> Option<&'static Place> {
    TIMERS.iter().find(|t| t.id.load(Relaxed) == id.wrapping_add(1))
}

/// Notes timer_create.
pub fn create(id: usize, clock: i32, signal: i32) {
    let free = |t: &&Place| t.id.compare_exchange(0, id.wrapping_add(1), Relaxed, Relaxed).is_ok();
    if let Some(timer) = TIMERS.iter().find(free) {
        timer.clock.store(clock, Relaxed);
        timer.signal.store(signal, Relaxed);
        timer.armed.store(0, Relaxed);
    }
}

/// Notes timer_settime: armed when the first expiry is not zero.
pub fn arm(id: usize, armed: bool, site: usize) {
    if let Some(timer) = find(id) {
        timer.site.store(site, Relaxed);
        timer.armed.store(armed as u32, Relaxed);
        timer.generation.store(generation::current(), Relaxed);
    }
}

/// Its clock.
pub fn clock(id: usize) -> Option<i32> {
    find(id).map(|timer| timer.clock.load(Relaxed))
}

/// Notes timer_delete.
pub fn delete(id: usize) {
    if let Some(timer) = find(id) {
        timer.id.store(0, Relaxed);
    }
}

impl Place {
    /// A timer that rang once is armed no more. The kernel says so of those whose id is its own (glibc's for SIGEV_THREAD is not: its
    /// highest bit is set).
    fn is_armed(&self) -> bool {
        let id = self.id.load(Relaxed).wrapping_sub(1);
        self.id.load(Relaxed) != 0
            && self.armed.load(Relaxed) != 0
            && self.generation.load(Relaxed) == generation::current()
            && ((id as isize) < 0 || raw::timer_armed(id))
    }
}

/// The armed ones.
pub fn armed() -> impl Iterator<Item = Timer> {
    TIMERS.iter().filter(|t| t.is_armed()).map(|t| Timer {
        clock: t.clock.load(Relaxed),
        signal: t.signal.load(Relaxed),
        site: t.site.load(Relaxed),
    })
}

/// Notes alarm, which is setitimer with ITIMER_REAL.
pub fn arm_alarm(site: usize) {
    arm_interval(0, site);
    ALARM.store(true, Relaxed);
}

/// True when ITIMER_REAL was armed by alarm.
pub fn by_alarm() -> bool {
    ALARM.load(Relaxed)
}

/// Notes setitimer.
pub fn arm_interval(which: i32, site: usize) {
    ALARM.store(ALARM.load(Relaxed) && which != 0, Relaxed);
    if let Some(place) = INTERVAL.get(which as usize) {
        place.store(site, Relaxed);
    }
}

/// Return address of the call that armed the interval timer; 0 when no hook saw it.
pub fn interval_site(which: i32) -> usize {
    INTERVAL.get(which as usize).map_or(0, |place| place.load(Relaxed))
}
