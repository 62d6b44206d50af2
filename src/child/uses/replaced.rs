//! A child opens a connection of its own to the peer of one that it inherited and has not used: its pool discarded the inherited one
//! (SQLAlchemy's `engine.dispose(close=False)`), or was replaced.
use super::concern::Concern;
use super::one_way;
use super::pending::{self, REPLACED};
use crate::describe::descriptors;
use crate::entry::record;
use forkguard_core::registry::descriptors::{Record, add_mark, connected, is_unseen, mark, record as record_of};
use forkguard_core::{flags, gate};
use std::sync::atomic::Ordering::Relaxed;

/// This process has just connected `fd`.
pub(crate) fn has_connected(fd: i32) {
    if flags::WATCH_USES.load(Relaxed) != 0 && gate::owns_registries() {
        record(|_| replace_with(fd));
    }
}

fn replace_with(own: i32) {
    let Some(record) = record_of(own) else { return };
    let is_replaced = |(fd, old): &(i32, Record)| {
        old.marks & mark::REPLACED == 0
            && Concern::of(*fd, old).is_some_and(|concern| concern.hazard(*fd).is_some())
            && is_same_peer((*fd, old), (own, &record))
    };
    let inherited = connected().filter(|&fd| is_unseen(fd) && !one_way::is_used(fd)).filter_map(|fd| Some((fd, record_of(fd)?)));
    for (fd, _) in inherited.filter(is_replaced) {
        add_mark(fd, mark::REPLACED);
        pending::change_once_settled(REPLACED, fd);
    }
}

/// True for two connections to one address.
pub(super) fn is_same_peer((one, of_one): (i32, &Record), (other, of_other): (i32, &Record)) -> bool {
    let name = |fd, record| descriptors::peer_name(fd, record);
    let key = |record: &Record| (record.family, record.port, record.address);
    key(of_one) == key(of_other)
        && name(one, of_one).is_some_and(|peer| name(other, of_other).is_some_and(|same| same.as_str() == peer.as_str()))
}
