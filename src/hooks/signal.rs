//! Signals: who set which handler.
use super::*;
use crate::sites;
use forkguard_core::signal::{self, Set};
use forkguard_core::thread;
use libc::{c_int, sighandler_t};
use std::sync::atomic::Ordering::Relaxed;

fn noted(signal: c_int, handler: usize, caller: usize) {
    note(|_| {
        let (site, code) = sites::capture_handler(caller);
        signal::note(
            signal,
            Set { handler, site, code, thread: thread::mine().map_or(0, |s| s.tid.load(Relaxed)), inherited: false },
        );
    });
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
            noted(signal, handler, caller);
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
                    noted(signal, handler, caller);
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
