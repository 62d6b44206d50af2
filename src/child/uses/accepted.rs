//! Connections that the leader had accepted before the fork. A child that uses one was forked to serve it. One that lives on without using it, while
//! the leader has answered on it and closed it, keeps the client from seeing its end.
use super::certainty::certainty;
use super::concern::{Concern, descriptor_id};
use super::watch;
use crate::describe::descriptors;
use crate::entry::{Scratch, record_with_scratch};
use crate::findings::{Hazard, Hit, socket_inherited};
use crate::ledger::{self, Output};
use forkguard_core::fixed::Text;
use forkguard_core::fork::{self as core_fork, shared_page};
use forkguard_core::registry::descriptors::unseen;
use forkguard_report::event::{FindingKind, Severity, State};
use shared_page::accepted;

/// In the id of the finding that a child holds one.
fn held_id(fd: i32) -> Text<64> {
    Text::of(format_args!("{}-held", descriptor_id(fd).as_str()))
}

pub(super) fn before_first_use(fd: i32) {
    watch::mark_used(fd);
    if shared_page::set_flag_as_child(accepted::SERVED) & accepted::REPORTED != 0 {
        record_with_scratch(|scratch| {
            let (kind, because) = (FindingKind::SocketInherited, "the child serves it after all");
            ledger::report_state(scratch, kind, format_args!("{}", held_id(fd).as_str()), State::Resolved, None, because);
        });
    }
}

/// The child waits for something before it has settled.
pub(crate) fn begin_wait() {
    if shared_page::set_flag_as_child(accepted::WAITED) & accepted::WAITED == 0 {
        record_with_scratch(report_held);
    }
}

/// The child settles.
pub(crate) fn settle(scratch: &Scratch) {
    if shared_page::set_flag_as_child(accepted::WAITED) & accepted::WAITED == 0 {
        report_held(scratch);
    }
}

/// At the first wait: what the leader closes later, the leader reports.
fn report_held(scratch: &Scratch) {
    let flags = shared_page::set_flag_as_child(accepted::WAITED);
    if flags & accepted::CLOSED == 0 || flags & (accepted::SERVED | accepted::REPORTED) != 0 {
        return;
    }
    let mut held = unseen().filter(|&fd| Concern::of_number(fd) == Some(Concern::Accepted));
    if let Some(fd) = held.find(|&fd| certainty(fd).is_none())
        && shared_page::set_flag_as_child(accepted::REPORTED) & accepted::REPORTED == 0
    {
        report(scratch, fd);
    }
}

fn report(scratch: &Scratch, fd: i32) {
    ledger::report_hit(scratch, Severity::Error, Output::Stderr, FindingKind::SocketInherited, None, |arena| {
        let descriptor = descriptors::describe(arena, fd)?;
        let what = arena.text(descriptor_id(fd).as_str());
        Some(Hit {
            kind: FindingKind::SocketInherited,
            what: arena.text(held_id(fd).as_str()),
            subject: socket_inherited::subject(arena, &descriptor)?,
            sites: arena.join([descriptor.site.as_slice()]),
            hazard: Some(Hazard { fork: core_fork::birth()?, kind: FindingKind::SocketInherited, what }),
        })
    });
}
