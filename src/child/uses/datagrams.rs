//! A client's socket for datagrams. Its port is made when the first of its processes sends: who sends later and reads then takes what may be
//! an answer to another one. One of netlink's has an address from the start: what the child asks there may be answered to its leader.
use super::concern::{Concern, Use, is_netlink_socket};
use super::shared::{self, Call};
use super::watch;
use crate::describe::descriptors;
use forkguard_core::registry::descriptors::{is_used, set_used};

pub(super) fn before_use(call: Call, fd: i32, usage: Use) {
    match usage {
        Use::Output if is_used(fd) => {}
        Use::Output if is_netlink_socket(fd) || descriptors::has_port(fd) => set_used(fd),
        Use::Input if is_used(fd) => shared::before_first_use(call, fd, Concern::Datagrams),
        // It sends first, or reads as a server does.
        _ => watch::mark_used(fd),
    }
}
