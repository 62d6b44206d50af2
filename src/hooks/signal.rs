//! Signals: who set which handler.
use crate::child::signals;
use crate::entry::record;
use crate::guards::signals_keep;
use crate::sites;
use forkguard_core::registry::signals::SignalSetting;
use forkguard_core::registry::{self, threads};
use forkguard_core::{flags, kernel};
use libc::{c_int, sighandler_t};
use std::sync::atomic::Ordering::Relaxed;

/// The mask that a call of sigprocmask leads to.
fn mask_after(how: c_int, set: usize) -> Option<u64> {
    let (now, set) = (kernel::blocked_signals(), kernel::read_value::<usize>(set)? as u64);
    match how {
        libc::SIG_BLOCK => Some(now | set),
        libc::SIG_UNBLOCK => Some(now & !set),
        libc::SIG_SETMASK => Some(set),
        _ => None,
    }
}

macro_rules! masks {
    ($(fn $name:ident;)*) => {
        $(pass! {
            /// As the C library's: a child that has not settled may unblock what its leader blocked.
            fn $name, flags::SETTLING; |registers| {
                let [how, set, ..] = registers.argument;
                if let Some(mask) = record(|_| mask_after(how as c_int, set)).flatten() {
                    signals::before_mask(mask);
                }
            }
        })*
    };
}

masks! {
    fn sigprocmask;
    fn pthread_sigmask;
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
