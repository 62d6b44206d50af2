//! Timers: none of them exists in a forked child.
use super::generation;
use crate::glibc::{TimerEvent, timer_number};
use crate::kernel;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering::*, fence};

/// Timers that are known at once.
pub const CAPACITY: usize = 32;

struct TimerEntry {
    /// timer_t plus one; 0 free, [`WRITING`] while a new one is noted.
    id: AtomicUsize,
    /// The kernel's number plus one; 0 unknown.
    number: AtomicUsize,
    clock: AtomicI32,
    signal: AtomicI32,
    armed: AtomicU32,
    /// The process's generation when it was made or armed: a child has none of its leader's.
    generation: AtomicU32,
    site: AtomicUsize,
    created: AtomicUsize,
    event: [AtomicUsize; 3],
    /// Nanoseconds from one expiry to the next; 0 for one that expires once.
    interval: AtomicU64,
}

const WRITING: usize = usize::MAX;

/// A timer made by timer_create.
#[derive(Clone, Copy)]
pub struct Timer {
    /// Its clock.
    pub clock: i32,
    /// The signal it sends; 0 none.
    pub signal: i32,
    /// Return address of the call that armed it.
    pub site: usize,
    /// Return address of the call that made it.
    pub created: usize,
    /// Its timer_t.
    pub id: usize,
    /// The kernel's number of it, if known.
    pub number: Option<usize>,
    /// What it was made with.
    pub event: TimerEvent,
    /// Nanoseconds from one expiry to the next; 0 for one that expires once.
    pub interval: u64,
}

static TIMERS: [TimerEntry; CAPACITY] = [const {
    TimerEntry {
        id: AtomicUsize::new(0),
        number: AtomicUsize::new(0),
        clock: AtomicI32::new(0),
        signal: AtomicI32::new(0),
        armed: AtomicU32::new(0),
        generation: AtomicU32::new(0),
        site: AtomicUsize::new(0),
        created: AtomicUsize::new(0),
        event: [const { AtomicUsize::new(0) }; 3],
        interval: AtomicU64::new(0),
    }
}; CAPACITY];
/// Return addresses of the calls that armed ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF.
static INTERVAL: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];
/// ITIMER_REAL was armed by alarm.
static ALARM: AtomicBool = AtomicBool::new(false);

fn find(id: usize) -> Option<&'static TimerEntry> {
    TIMERS.iter().find(|t| t.id.load(Acquire) == id.wrapping_add(1))
}

/// Records timer_create, called at `site`.
pub fn create(id: usize, clock: i32, signal: i32, event: TimerEvent, site: usize) {
    // The leader's of this id went with the fork.
    if let Some(timer) = find(id).filter(|timer| timer.take(id.wrapping_add(1))).or_else(|| TIMERS.iter().find(|t| t.take(0))) {
        timer.number.store(timer_number(id, &event).map_or(0, |number| number + 1), Relaxed);
        timer.clock.store(clock, Relaxed);
        timer.signal.store(signal, Relaxed);
        timer.created.store(site, Relaxed);
        timer.event.iter().zip(event).for_each(|(word, value)| word.store(value, Relaxed));
        timer.armed.store(0, Relaxed);
        timer.generation.store(generation::current(), Relaxed);
        timer.id.store(id.wrapping_add(1), Release);
    }
}

/// Records timer_settime: armed when the first expiry is not zero; `interval` in nanoseconds.
pub fn arm(id: usize, armed: bool, interval: u64, site: usize) {
    if let Some(timer) = find(id) {
        timer.site.store(site, Relaxed);
        timer.interval.store(interval, Relaxed);
        timer.armed.store(armed as u32, Relaxed);
        timer.generation.store(generation::current(), Relaxed);
    }
}

/// Its clock.
pub fn clock(id: usize) -> Option<i32> {
    find(id).map(|timer| timer.clock.load(Relaxed))
}

/// Records timer_delete.
pub fn delete(id: usize) {
    if let Some(timer) = find(id) {
        let _ = timer.id.compare_exchange(id.wrapping_add(1), 0, Relaxed, Relaxed);
    }
}

impl TimerEntry {
    /// Takes the entry to record another timer in it, if it still is that of `id`.
    fn take(&self, id: usize) -> bool {
        self.id.compare_exchange(id, WRITING, Acquire, Relaxed).is_ok()
    }

    /// A timer that rang once is armed no more, says the kernel.
    fn armed(&self) -> Option<Timer> {
        let id = self.id.load(Acquire);
        let known = id != 0 && id != WRITING && self.armed.load(Relaxed) != 0;
        let own = self.generation.load(Relaxed) == generation::current();
        let timer = Timer {
            clock: self.clock.load(Relaxed),
            signal: self.signal.load(Relaxed),
            site: self.site.load(Relaxed),
            created: self.created.load(Relaxed),
            id: id.wrapping_sub(1),
            number: self.number.load(Relaxed).checked_sub(1),
            event: self.event.each_ref().map(|word| word.load(Relaxed)),
            interval: self.interval.load(Relaxed),
        };
        fence(Acquire);
        // Read as a whole only if no other timer was noted here meanwhile.
        let whole = self.id.load(Relaxed) == id;
        (known && own && whole && timer.number.is_none_or(is_armed)).then_some(timer)
    }
}

fn is_armed(number: usize) -> bool {
    kernel::timer_value(number).is_some_and(|[_, _, seconds, nanoseconds]| seconds != 0 || nanoseconds != 0)
}

/// The armed ones.
pub fn armed() -> impl Iterator<Item = Timer> {
    TIMERS.iter().filter_map(TimerEntry::armed)
}

/// Records alarm, which is setitimer with ITIMER_REAL.
pub fn arm_alarm(site: usize) {
    arm_interval(0, site);
    ALARM.store(true, Relaxed);
}

/// True when ITIMER_REAL was armed by alarm.
pub fn by_alarm() -> bool {
    ALARM.load(Relaxed)
}

/// Records setitimer.
pub fn arm_interval(which: i32, site: usize) {
    if which == 0 {
        ALARM.store(false, Relaxed);
    }
    if let Some(place) = INTERVAL.get(which as usize) {
        place.store(site, Relaxed);
    }
}

/// Return address of the call that armed the interval timer; 0 when no hook saw it.
pub fn interval_site(which: i32) -> usize {
    INTERVAL.get(which as usize).map_or(0, |place| place.load(Relaxed))
}
