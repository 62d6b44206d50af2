//! Calls in which a server waits for work: a forked child that reaches one has settled. One test of a flag ever after.
//! (accept stands in `socket.rs`, which notes its result too; what reads and writes in `io.rs`.)
use super::*;
use crate::child::{self, SETTLING};

macro_rules! waits {
    ($(fn $name:ident;)*) => {
        $(pass! {
            /// As the C library's; see the module.
            fn $name, SETTLING; |_registers| {
                note_at_length(|at| child::settled(stringify!($name), at));
            }
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
    fn waitpid;
    fn waitid;
    fn wait3;
    fn wait4;
    fn msgrcv;
}
