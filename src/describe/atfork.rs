//! Handlers of pthread_atfork.
use super::site::site;
use crate::entry::Arena;
use forkguard_core::registry::atfork::{self, Phase};
use forkguard_report::event::{Atfork, Role};
use std::borrow::Cow::Borrowed;

/// All that are registered, and what the last fork spent in them.
pub(super) fn handlers(arena: &Arena) -> &[Atfork<'_>] {
    let mut list = arena.list(atfork::CAPACITY);
    for registration in atfork::all() {
        let site = site(arena, Role::Registered, 0, registration.site());
        let library = site.as_ref().and_then(|s| s.frames.first()?.module.clone()).unwrap_or(Borrowed("unknown"));
        list.push(Atfork {
            library,
            site,
            prepare_us: registration.spent_us(Phase::Prepare),
            parent_us: registration.spent_us(Phase::Parent),
            child: registration.handler(Phase::Child) != 0,
        });
    }
    list.done()
}
