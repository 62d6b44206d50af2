//! How long a call may wait, by its arguments.
use forkguard_core::kernel;

/// How long a call may wait.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitLength {
    /// Less than about a second, or not at all.
    Short,
    /// Longer, or for ever.
    Long,
}

impl WaitLength {
    /// A sleep of one second until a time of day is a little shorter by the time it begins.
    pub(crate) fn of(nanoseconds: u64) -> WaitLength {
        if nanoseconds < 900_000_000 { WaitLength::Short } else { WaitLength::Long }
    }

    /// Of a timeout in milliseconds; a negative one never comes.
    pub(crate) fn of_milliseconds(timeout: usize) -> WaitLength {
        u64::try_from(timeout as i32).map_or(WaitLength::Long, |timeout| WaitLength::of(timeout * 1_000_000))
    }

    /// Of a timeval or timespec, whose second word counts units of so many nanoseconds; without one the call waits for ever.
    pub(crate) fn of_timeout(address: usize, unit: u64) -> WaitLength {
        match kernel::read_value::<[usize; 2]>(address).filter(|_| address != 0) {
            Some([seconds, rest]) => {
                WaitLength::of((seconds as u64).saturating_mul(1_000_000_000).saturating_add(rest as u64 * unit))
            }
            None => WaitLength::Long,
        }
    }

    /// Of a time of day.
    pub(crate) fn until(clock: usize, address: usize) -> WaitLength {
        let now = match clock as i32 {
            libc::CLOCK_REALTIME => kernel::wall_clock(),
            libc::CLOCK_MONOTONIC => kernel::monotonic(),
            _ => return WaitLength::Long,
        };
        let time =
            kernel::read_value::<[usize; 2]>(address).map_or(now, |[seconds, rest]| seconds as u64 * 1_000_000_000 + rest as u64);
        WaitLength::of(time.saturating_sub(now))
    }
}
