//! Names of threads as the program set them and as the kernel has them.
use super::program::{own_name, read_name};
use super::site::interpreted_frames;
use crate::entry::Arena;
use forkguard_core::fixed::Text;
use forkguard_core::fork::{Snapshot, ThreadRecord, birth, shared_page};
use forkguard_core::kernel;
use forkguard_loader::program_path;
use std::sync::atomic::Ordering::Relaxed;

/// What the kernel calls threads that nobody named: by this process, or by its program.
pub(crate) struct Nameless {
    process: Text<16>,
    program: Text<16>,
}

impl Nameless {
    /// As the process is called now.
    pub(crate) fn now() -> Nameless {
        let path = program_path();
        let file = path.as_str().rsplit('/').next().unwrap_or_default();
        // The kernel keeps 15 bytes.
        Nameless { process: own_name(), program: Text::from_bytes(&file.as_bytes()[..file.len().min(15)]) }
    }

    /// True for the name of a thread that has none of its own.
    pub(crate) fn is(&self, name: &str) -> bool {
        [&self.process, &self.program].iter().any(|own| own.as_str() == name)
    }

    /// A thread in words: by its name, if it has one.
    pub(crate) fn thread<'a>(&self, arena: &'a Arena, name: &str, tid: u32) -> &'a str {
        match self.is(name) {
            true => arena.format(format_args!("an unnamed thread (tid {tid})")),
            false => arena.format(format_args!("thread \"{name}\" (tid {tid})")),
        }
    }

    /// The same in a list of threads.
    pub(crate) fn quoted<'a>(&self, arena: &'a Arena, name: &str) -> &'a str {
        if self.is(name) { "unnamed" } else { arena.format(format_args!("\"{name}\"")) }
    }
}

/// The kernel's name of a thread of this process.
pub(crate) fn kernel_name(tid: u32) -> Text<16> {
    Text::<64>::of(format_args!("/proc/self/task/{tid}/comm")).as_cstr().map(read_name).unwrap_or_default()
}

/// The name of a thread that this process lost, as the program set it, else the process's.
pub(crate) fn name_of_lost(thread: &ThreadRecord) -> Text<16> {
    recorded_name(thread, thread.tid, false)
}

/// A thread's name: as it was set, else as the kernel has it (in the leader) or has it by now, else the process's.
pub(super) fn recorded_name(thread: &ThreadRecord, tid: u32, leader: bool) -> Text<16> {
    if !thread.name.is_empty() {
        return thread.name;
    }
    let kernel = if leader { kernel_name(tid) } else { later_name(thread) };
    if kernel.is_empty() { own_name() } else { kernel }
}

/// The name that a lost thread has in the leader by now, if it had none at the fork; empty when it has none.
pub(crate) fn later_name(thread: &ThreadRecord) -> Text<16> {
    if !is_unnamed(thread) {
        return Text::new();
    }
    let told = shared_page::later_name(thread.slot.identity());
    let leader = birth().map(|fork| fork.leader).filter(|&leader| leader == kernel::parent_id());
    match leader.filter(|_| told.is_empty() && thread.tid != 0) {
        Some(leader) => {
            let path = Text::<64>::of(format_args!("/proc/{leader}/task/{}/comm", thread.tid));
            path.as_cstr().map(read_name).unwrap_or_default()
        }
        None => told,
    }
}

/// True for a thread that had no name and ran no code of its language before the fork: Ruby's give themselves their names.
pub(crate) fn is_unnamed(thread: &ThreadRecord) -> bool {
    let had_begun = || thread.label != 0 || thread.code != 0 || interpreted_frames(thread.stack_at_fork).next().is_some();
    thread.name.is_empty() && !had_begun()
}

/// The lost thread of a finding, by what stands for it in the finding's id.
pub(crate) fn lost_thread<'s>(fork: &'s Snapshot, what: &str) -> Option<&'s ThreadRecord> {
    let mut lost = fork.threads.as_slice().iter().filter(|thread| thread.tid != fork.thread);
    match what.strip_prefix(NOT_BEGUN) {
        Some(index) => lost.nth(index.parse().ok()?).filter(|thread| thread.tid == 0),
        None => {
            let tid: u32 = what.parse().ok()?;
            lost.find(|thread| thread.tid == tid)
        }
    }
}

/// What stands before its place among the lost threads in the id of one that had not begun to run.
pub(crate) const NOT_BEGUN: &str = "new-";

/// A thread's id; in the leader a thread that had not begun to run at the fork may have one by now.
pub(super) fn current_tid(thread: &ThreadRecord, leader: bool) -> u32 {
    let same = || thread.slot.start.load(Relaxed) == thread.start && thread.slot.site.load(Relaxed) == thread.site;
    if leader && thread.tid == 0 && same() { thread.slot.tid.load(Relaxed) } else { thread.tid }
}
