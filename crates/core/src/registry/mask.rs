//! A thread's signal mask, as far as hooks saw it change, and where it was changed.
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering::*};

/// Calls of which it is remembered what they blocked.
pub const REMEMBERED: usize = 2;

/// The signals that a call has blocked and that are blocked still (bit n: signal n + 1), and its site.
#[derive(Clone, Copy)]
pub struct BlockingCall {
    /// The signals.
    pub signals: u64,
    /// Return address of the call.
    pub site: usize,
}

/// No call.
pub const NO_CALL: BlockingCall = BlockingCall { signals: 0, site: 0 };

/// A thread's mask; written by that thread, and by the one that starts it.
pub struct Mask {
    signals: AtomicU64,
    /// The oldest call first: what blocks all signals for a moment, as Perl's fork does, is not why one stays blocked.
    calls: [(AtomicU64, AtomicUsize); REMEMBERED],
}

impl Mask {
    pub(super) const fn new() -> Mask {
        Mask { signals: AtomicU64::new(0), calls: [const { (AtomicU64::new(0), AtomicUsize::new(0)) }; REMEMBERED] }
    }

    /// The blocked signals.
    pub fn signals(&self) -> u64 {
        self.signals.load(Relaxed)
    }

    /// The calls that blocked them.
    pub fn calls(&self) -> [BlockingCall; REMEMBERED] {
        self.calls.each_ref().map(|(signals, site)| BlockingCall { signals: signals.load(Relaxed), site: site.load(Relaxed) })
    }

    /// Records that the mask is `after` now, by a call that blocked what `call` says (no signals: nothing that matters).
    pub fn change(&self, after: u64, call: BlockingCall) {
        self.signals.store(after, Relaxed);
        for (signals, _) in &self.calls {
            signals.store(signals.load(Relaxed) & after, Relaxed);
        }
        let [first, last] = &self.calls;
        let (signals, site) = if first.0.load(Relaxed) == 0 { first } else { last };
        if call.signals != 0 {
            signals.store(call.signals, Relaxed);
            site.store(call.site, Relaxed);
        }
    }

    /// Records that a new thread has the mask of the one that starts it.
    pub fn inherit(&self, starter: &Mask) {
        self.signals.store(starter.signals(), Relaxed);
        for ((signals, site), call) in self.calls.iter().zip(starter.calls()) {
            signals.store(call.signals, Relaxed);
            site.store(call.site, Relaxed);
        }
    }
}
