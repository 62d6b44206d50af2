//! How long a process has been there, what it takes of processor and memory.
use forkguard_process::Stat;
use forkguard_process::sharing::{Sizes, rollup};
use std::fs;
use std::time::Duration;

/// Ticks of the kernel's clock in a second: what /proc counts processor time and starts in (USER_HZ).
const TICKS: u64 = 100;

/// A process as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) stat: Stat,
    /// None where that may not be read.
    pub(super) memory: Option<Sizes>,
}

impl Figures {
    /// None for a process that is gone, or has ended.
    pub(super) fn of(pid: u32) -> Option<Figures> {
        Some(Figures { stat: Stat::of(pid)?, memory: rollup(pid).ok() })
    }

    /// How long it has been there; `uptime` is that of the system.
    pub(super) fn age(&self, uptime: Duration) -> Duration {
        uptime.saturating_sub(Duration::from_millis(self.stat.start * 1000 / TICKS))
    }

    /// Memory that is its own alone, in kilobytes.
    pub(super) fn private(&self) -> Option<u64> {
        self.memory.map(|memory| memory.uss)
    }

    /// Its proportional share of memory, in kilobytes.
    pub(super) fn pss(&self) -> Option<u64> {
        self.memory.map(|memory| memory.pss)
    }
}

/// Since the system began.
pub(super) fn uptime() -> Duration {
    let text = fs::read_to_string("/proc/uptime").unwrap_or_default();
    let seconds = text.split(' ').next().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs_f64(seconds.unwrap_or(0.0))
}

/// Percent of one processor: ticks in a length of time.
pub(super) fn percent(ticks: u64, time: Duration) -> f64 {
    let seconds = time.as_secs_f64();
    if seconds > 0.0 { ticks as f64 * 100.0 / TICKS as f64 / seconds } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_and_a_share() {
        let stat = Stat { name: "sh".to_owned(), state: 'S', parent: 1, ticks: 0, start: 5000 };
        assert_eq!(Figures { stat, memory: None }.age(Duration::from_secs(60)), Duration::from_secs(10));
        assert_eq!(percent(50, Duration::from_secs(2)), 25.0);
    }
}
