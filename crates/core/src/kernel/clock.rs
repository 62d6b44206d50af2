//! Clocks, sleeping and the timers of a process.
use super::syscall::{result_of, syscall};
use rustix::io::Errno;
use rustix::thread::{Timespec, nanosleep};

/// In the constructor: sets the address of the vDSO, 0 none. rustix itself would ask the kernel, which also names a vDSO that valgrind has
/// unmapped and taken out of the C library's auxiliary vector.
pub fn set_vdso(address: usize) {
    // rustix expects an environment, here an empty one, and the auxiliary vector behind it: pairs of a tag and a value.
    let mut vector = [0, libc::AT_SYSINFO_EHDR as usize, address, libc::AT_NULL as usize, 0];
    // SAFETY: the layout as above; rustix copies what it needs.
    unsafe { rustix::param::init(vector.as_mut_ptr().cast()) };
}

/// Nanoseconds of the monotonic clock.
pub fn monotonic() -> u64 {
    nanoseconds(rustix::time::ClockId::Monotonic)
}

/// The same by a system call: the vDSO reads pages that a forked child has yet to map.
pub fn monotonic_by_syscall() -> u64 {
    let mut time = [0u64; 2];
    // SAFETY: writes one timespec: two words.
    unsafe { syscall(libc::SYS_clock_gettime, [libc::CLOCK_MONOTONIC as usize, &raw mut time as usize, 0, 0, 0, 0]) };
    time[0] * 1_000_000_000 + time[1]
}

/// Nanoseconds since the system started: the clock by which the kernel records the start of a process.
pub fn boottime() -> u64 {
    nanoseconds(rustix::time::ClockId::Boottime)
}

/// Nanoseconds since the epoch.
pub fn wall_clock() -> u64 {
    nanoseconds(rustix::time::ClockId::Realtime)
}

/// The same in seconds, to the microsecond: as reports have it.
pub fn wall_clock_seconds() -> f64 {
    (wall_clock() / 1000) as f64 / 1e6
}

/// Nanoseconds between two ticks of the kernel, by which it sets the times of files.
pub fn tick() -> u64 {
    let resolution = rustix::time::clock_getres(rustix::time::ClockId::RealtimeCoarse);
    resolution.tv_sec as u64 * 1_000_000_000 + resolution.tv_nsec as u64
}

fn nanoseconds(clock: rustix::time::ClockId) -> u64 {
    let t = rustix::time::clock_gettime(clock);
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}

/// Sleeps so many nanoseconds, or until a signal.
pub fn sleep(nanoseconds: u64) {
    let _ = nanosleep(&timespec(nanoseconds));
}

/// Nanoseconds as a timespec.
pub(super) fn timespec(nanoseconds: u64) -> Timespec {
    Timespec { tv_sec: (nanoseconds / 1_000_000_000) as i64, tv_nsec: (nanoseconds % 1_000_000_000) as i64 }
}

/// Waits until another thread has done something, ten milliseconds at most: that thread may have ended in the middle of it.
pub fn wait_until(done: impl Fn() -> bool) {
    const STEP_NS: u64 = 50_000;
    const STEPS: u32 = 200;
    for _ in 0..STEPS {
        if done() {
            return;
        }
        sleep(STEP_NS);
    }
}

/// An interval timer as setitimer(2) takes it: the interval and the time that is left, each in seconds and microseconds.
pub type IntervalTimer = [usize; 4];

/// getitimer(2).
pub fn interval_timer(which: i32) -> IntervalTimer {
    let mut value = IntervalTimer::default();
    // SAFETY: writes one itimerval: four words.
    unsafe { syscall(libc::SYS_getitimer, [which as usize, &raw mut value as usize, 0, 0, 0, 0]) };
    value
}

/// setitimer(2).
pub fn set_interval_timer(which: i32, value: &IntervalTimer) -> Result<(), Errno> {
    // SAFETY: reads one itimerval: four words.
    result_of(unsafe { syscall(libc::SYS_setitimer, [which as usize, value.as_ptr() as usize, 0, 0, 0, 0]) }).map(drop)
}

/// True while the interval timer `which` (ITIMER_REAL 0, ITIMER_VIRTUAL 1, ITIMER_PROF 2) is armed.
pub fn interval_timer_armed(which: i32) -> bool {
    interval_timer(which)[2..] != [0, 0]
}

/// timer_gettime(2) by the kernel's own number: the interval and the time that is left, each in seconds and nanoseconds.
pub fn timer_value(number: usize) -> Option<[usize; 4]> {
    let mut value = [0usize; 4];
    // SAFETY: writes one itimerspec: four words.
    let result = unsafe { syscall(libc::SYS_timer_gettime, [number, &raw mut value as usize, 0, 0, 0, 0]) };
    result_of(result).ok().map(|_| value)
}
