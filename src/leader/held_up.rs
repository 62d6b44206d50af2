//! The report of a process that is held up by ends of pipes which nobody needs.
use super::outside::is_executed_child;
use crate::describe::pipes::Waiting;
use crate::entry::{Arena, Scratch};
use crate::findings::{self, pipe_inherited};
use crate::options::{self, Summary};
use crate::{describe, ledger};
use forkguard_core::fork::shared_page;
use forkguard_core::kernel;
use forkguard_core::registry::generation;
use forkguard_report::event::{Event, Finding, Role, Severity, State};

/// Reports once that a process is held up, by what this one does not read (`is_unread`) or otherwise, while this one waits at `site`; true when it
/// was reported now.
pub(super) fn report_held_up(arena: &Arena, scratch: &Scratch, held_up: &Waiting<'_>, is_unread: bool, site: usize) -> bool {
    let hit = pipe_inherited::hit(arena, held_up, is_unread, describe::site(arena, Role::Waits, kernel::thread_id(), site));
    if shared_page::is_held_up_again(held_up.process) || ledger::advance(hit.kind, hit.what, State::Hit).is_none() {
        return false;
    }
    let others = held_up.holders.iter().map(|holder| holder.process);
    let own = kernel::process_id();
    let reader = Some(held_up.process).filter(|&process| !is_executed_child(process));
    let child = reader.into_iter().chain(others).find(|&process| process != own).unwrap_or(own);
    let id = describe::fork_id(own, generation::last_sequence());
    let finding = findings::of_hit(arena, id.as_str(), Severity::Error, &hit);
    let finding = Finding { child: Some(child), ..finding };
    ledger::write_events(scratch, Some(id.as_str()), [Some(Event::Finding(finding.clone()))]);
    if options::get().summary != Summary::Never && !finding.suppressed {
        ledger::print_hit(arena, child, own, &finding);
    }
    true
}
