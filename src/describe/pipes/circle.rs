//! Processes that wait for each other in a circle: each in a call without a limit of time that only others of the circle could end.
//!
//! It is certain, because each of them was asleep in the same wait before all were looked at, and still is afterwards without having run.
use super::wait::Wait;
use crate::describe::descendants;
use crate::entry::Arena;
use crate::entry::arena::ArenaList;
use forkguard_core::fork::birth;
use forkguard_core::kernel::other_process::{OpenFile, Sleeper, each_child, each_descriptor, each_process, open_file, parent_of};
use forkguard_core::kernel::{self, FileNumber};
use forkguard_core::registry::pipes::{self, PipeRecord};

/// Processes that are looked at; where there are more, nothing is found.
const PROCESSES: usize = 128;

/// One process of a circle.
#[derive(Clone, Copy)]
pub(crate) struct Waiting<'a> {
    pub(crate) process: u32,
    pub(crate) wait: Wait,
    /// None of this process itself.
    pub(crate) sleeper: Option<Sleeper>,
    /// Who has the end open that the process waits for.
    pub(crate) holders: &'a [Holder],
    /// What is recorded of that end.
    pub(crate) end: Option<PipeRecord>,
}

/// A process that has the end of a pipe open, and its number there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) process: u32,
    pub(crate) fd: i32,
}

/// An end of a pipe or of a pair of sockets.
#[derive(Clone, Copy)]
pub(super) struct End {
    number: FileNumber,
    /// Of a pipe: the end that is written to.
    writes: Option<bool>,
}

impl End {
    /// The other end than the one that a process waits by.
    pub(super) fn awaited(process: u32, wait: Wait) -> Option<End> {
        let input = matches!(wait, Wait::Input(_));
        let file = open_file(process, wait.descriptor()?)?;
        match file {
            // A pipe that is open for both has a name, by which anybody may open it.
            OpenFile { is_pipe: true, reads, writes, .. } if reads != writes => {
                Some(End { number: file.number, writes: Some(input) })
            }
            OpenFile { is_socket: true, .. } => {
                Some(End { number: pipes::find(file.number, false)?.record().other, writes: None })
            }
            _ => None,
        }
    }

    fn is(&self, file: &OpenFile) -> bool {
        file.number == self.number && self.writes.is_none_or(|writes| if writes { file.writes } else { file.reads })
    }

    pub(super) fn record(&self) -> Option<PipeRecord> {
        Some(pipes::find(self.number, self.writes == Some(true))?.record())
    }
}

/// The processes of a circle that this one closes by its wait, itself first; None when one of them may go on.
pub(crate) fn circle<'a>(arena: &'a Arena, own: Wait) -> Option<&'a [Waiting<'a>]> {
    if kernel::kernel_threads() > 1 {
        return None;
    }
    let kin = kin(arena)?;
    let mut circle = arena.list::<Waiting<'a>>(PROCESSES);
    let mut awaited = arena.list::<End>(PROCESSES);
    add(&mut circle, arena, kin, kernel::process_id(), own, None, &mut awaited)?;
    let mut next = 0;
    while let Some(&waiting) = circle.as_slice().get(next) {
        next += 1;
        for &process in others(arena, waiting)? {
            if !circle.as_slice().iter().any(|known| known.process == process) {
                let (wait, sleeper) = Wait::of(process)?;
                add(&mut circle, arena, kin, process, wait, Some(sleeper), &mut awaited)?;
            }
        }
    }
    let circle = circle.done();
    let slept_on = |waiting: &Waiting<'_>| {
        waiting.sleeper.is_none() || Wait::of(waiting.process) == waiting.sleeper.map(|s| (waiting.wait, s))
    };
    let is_closed = circle.iter().all(slept_on) && !is_held_outside(kin, awaited.as_slice());
    // This process does not sleep: one of the others may have ended its wait before it fell asleep itself.
    (is_closed && !is_over(own)).then_some(circle)
}

/// True for a wait of this process that would end at once.
fn is_over(own: Wait) -> bool {
    match own {
        Wait::Input(fd) => kernel::has_input_within(fd, 0),
        Wait::Output(fd) => kernel::has_room(fd),
        // A child that has ended does not sleep.
        Wait::Child(_) => false,
    }
}

/// Adds a process; None where it is not clear who could end its wait.
fn add<'a>(
    circle: &mut ArenaList<'a, Waiting<'a>>,
    arena: &'a Arena,
    kin: &[u32],
    process: u32,
    wait: Wait,
    sleeper: Option<Sleeper>,
    awaited: &mut ArenaList<'a, End>,
) -> Option<()> {
    let (holders, end) = match wait {
        Wait::Child(_) => (&[][..], None),
        _ => {
            let end = End::awaited(process, wait)?;
            awaited.push(end);
            (holders(arena, kin, end)?, end.record())
        }
    };
    circle.push(Waiting { process, wait, sleeper, holders, end });
    (circle.as_slice().len() < PROCESSES).then_some(())
}

/// The processes that could end a wait; None where it ends by itself, or they are not known.
fn others<'a>(arena: &'a Arena, waiting: Waiting<'a>) -> Option<&'a [u32]> {
    let mut list = arena.list(PROCESSES);
    match waiting.wait {
        Wait::Child(Some(child)) if parent_of(child) == Some(waiting.process) => list.push(child),
        Wait::Child(Some(_)) => return None,
        Wait::Child(None) => each_child(waiting.process, |child| list.push(child)).then_some(())?,
        _ => waiting.holders.iter().for_each(|holder| list.push(holder.process)),
    }
    (1..PROCESSES).contains(&list.as_slice().len()).then(|| list.done())
}

/// This process, its leader while that lives, and all that descend from it.
pub(super) fn kin(arena: &Arena) -> Option<&[u32]> {
    let leader = birth().map(|fork| fork.leader).filter(|&leader| leader == kernel::parent_id());
    descendants(arena, leader.unwrap_or_else(kernel::process_id), PROCESSES)
}

/// Those of the kin that have an end open; None where one of them may not be asked.
pub(super) fn holders<'a>(arena: &'a Arena, kin: &[u32], end: End) -> Option<&'a [Holder]> {
    let mut list = arena.list(PROCESSES);
    for &process in kin {
        let holds = |fd: &i32| open_file(process, *fd).is_some_and(|file| end.is(&file));
        each_descriptor(process, |fd| Some(fd).filter(holds).into_iter().for_each(|fd| list.push(Holder { process, fd })))
            .then_some(())?;
    }
    (list.as_slice().len() < PROCESSES).then(|| list.done())
}

/// True when a process that is no kin has one of the ends open.
pub(super) fn is_held_outside(kin: &[u32], ends: &[End]) -> bool {
    let mut held = false;
    each_process(|process| {
        if !held && !kin.contains(&process) {
            each_descriptor(process, |fd| {
                held |= open_file(process, fd).is_some_and(|file| ends.iter().any(|end| end.is(&file)))
            });
        }
    });
    held
}
