//! A client's socket for datagrams. Its port is made when the first of its processes sends: who sends later and reads then takes what may be
//! an answer to another one.
use super::concern::{Concern, Use};
use super::shared::{self, Call};
use super::watch;
use crate::describe::descriptors;
use forkguard_core::registry::descriptors::{is_used, set_used};

pub(super) fn before_use(call: Call, fd: i32, usage: Use) {
    match usage {
        Use::Output if is_used(fd) => {}
        Use::Output if descriptors::has_port(fd) => set_used(fd),
        Use::Input if is_used(fd) => shared::before_first_use(call, fd, Concern::Datagrams),
        // It sends first, or reads as a server does.
        _ => watch::mark_used(fd),
    }
}
