//! Signals: who set which handler.
use crate::child::signals;
use crate::entry::record;
use crate::findings::signals_blocked;
use crate::guards::signals_keep;
use crate::sites;
use forkguard_core::registry::mask::BlockingCall;
use forkguard_core::registry::signals::SignalSetting;
use forkguard_core::registry::{self, threads};
use forkguard_core::{flags, kernel};
use libc::{c_int, sighandler_t, sigset_t};
use std::sync::atomic::Ordering::Relaxed;

/// The mask that a call of sigprocmask makes of `now`.
fn mask_after(how: c_int, now: u64, set: u64) -> Option<u64> {
    match how {
        libc::SIG_BLOCK => Some(now | set),
        libc::SIG_UNBLOCK => Some(now & !set),
        libc::SIG_SETMASK => Some(set),
        _ => None,
    }
}

/// A child that has not settled may unblock what its leader blocked.
fn before_mask(how: c_int, set: *const sigset_t) {
    let after = |set: usize| mask_after(how, kernel::blocked_signals(), set as u64);
    if let Some(mask) = record(|_| kernel::read_value::<usize>(set as usize).and_then(after)).flatten() {
        signals::before_mask(mask);
    }
}

/// After this thread has changed its mask: records who blocked signals that servers are steered by.
fn masked(how: c_int, set: u64, caller: usize) {
    let Some(slot) = threads::mine() else { return };
    let before = slot.mask.signals();
    let after = mask_after(how, before, set).unwrap_or(before);
    let signals = signals_blocked::steering(after & !before);
    if after != before {
        let site = if signals != 0 { sites::capture(caller) } else { 0 };
        slot.mask.change(after, BlockingCall { signals, site });
    }
}

macro_rules! masks {
    ($(fn $name:ident = $proof:path;)*) => {
        $(hook! {
            /// As the C library's.
            fn $name(how: c_int, set: *const sigset_t, old: *mut sigset_t) -> c_int = $proof;
            |caller| {
                if flags::is_settling() {
                    before_mask(how, set);
                }
                // `old` may be the same memory as `set`, which is read before the call, its address checked by it.
                // SAFETY: the host gave a valid set or null; its first word is the signals that exist.
                let signals = unsafe { set.cast::<u64>().as_ref() }.copied();
                let result = real(how, set, old);
                if let (0, Some(signals)) = (result, signals) {
                    record(|_| masked(how, signals, caller));
                }
                result
            }
        })*
    };
}

masks! {
    fn sigprocmask = libc::sigprocmask;
    fn pthread_sigmask = libc::pthread_sigmask;
}

fn recorded(signal: c_int, handler: usize, caller: usize) {
    if signals_keep::is_being_restored(signal) {
        return;
    }
    let set = record(|_| {
        let set = sites::capture_handler(caller);
        let thread = threads::mine().map_or(0, |s| s.tid.load(Relaxed));
        registry::signals::record(signal, SignalSetting { handler, site: set.site, code: set.code, thread, inherited: false });
        set
    });
    if let Some(set) = set {
        signals_keep::disposition_changed(signal, handler, set);
    }
}

hook! {
    /// sigaction(2).
    fn sigaction(signal: c_int, new: *const libc::sigaction, old: *mut libc::sigaction) -> c_int = libc::sigaction;
    |caller| {
        // `old` may be the same memory as `new`: its handler is read before the call, its address checked by it.
        // SAFETY: the host gave sigaction a valid pointer or null.
        let handler = unsafe { new.as_ref() }.map(|action| action.sa_sigaction);
        let result = real(signal, new, old);
        if let (0, Some(handler)) = (result, handler) {
            recorded(signal, handler, caller);
        }
        result
    }
}

macro_rules! simple {
    ($(fn $name:ident $(= $proof:path)?;)*) => {
        $(hook! {
            /// signal(2) in one of its old names.
            fn $name(signal: c_int, handler: sighandler_t) -> sighandler_t $(= $proof)?;
            |caller| {
                let result = real(signal, handler);
                if result != libc::SIG_ERR {
                    recorded(signal, handler, caller);
                }
                result
            }
        })*
    };
}

simple! {
    fn signal = libc::signal;
    fn bsd_signal;
    fn ssignal;
    fn sysv_signal;
    fn __sysv_signal;
    fn sigset;
}
