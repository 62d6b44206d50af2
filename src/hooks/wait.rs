//! Calls in which a server waits for work: a forked child that reaches one has settled, and a leader has time to look at its children.
//! One test of a flag ever after. (accept stands in `socket.rs`, which notes its result too; what reads and writes in `io.rs`.)
use super::*;
use crate::child::uses::LOOKING;
use crate::child::{self, SETTLING};
use crate::cures::threads::python::{before_wait, is_pending};
use crate::leader;
use std::sync::atomic::{AtomicU8, Ordering::*};

/// Not zero while such a call means something to this process.
pub(crate) static IDLE: AtomicU8 = AtomicU8::new(0);

/// From now on it does.
pub(crate) fn watch_waits() {
    IDLE.store(1, SeqCst);
}

/// `call` is about to wait.
pub(crate) fn begins(call: &'static str) {
    before_wait();
    if SETTLING.load(Relaxed) != 0 {
        note_at_length(|at| child::settled(call, at));
    }
    if leader::is_due() {
        note_at_length(leader::look);
    }
    // Cleared before it is asked whether that is right: what changes meanwhile sets it.
    IDLE.store(0, SeqCst);
    if SETTLING.load(SeqCst) != 0 || LOOKING.load(SeqCst) != 0 || leader::watches() || is_pending() {
        watch_waits();
    }
}

macro_rules! waits {
    ($(fn $name:ident;)*) => {
        $(pass! {
            /// As the C library's; see the module.
            fn $name, IDLE; |_registers| { begins(stringify!($name)) }
        })*
    };
}

waits! {
    fn poll;
    fn __poll_chk;
    fn ppoll;
    fn __ppoll_chk;
    fn select;
    fn pselect;
    fn sigwait;
    fn sigwaitinfo;
    fn sigtimedwait;
    fn sigsuspend;
    fn pause;
    fn sleep;
    fn usleep;
    fn nanosleep;
    fn clock_nanosleep;
    fn wait;
    fn waitid;
    fn wait3;
    fn msgrcv;
}
