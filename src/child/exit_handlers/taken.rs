//! What an exit handler may take from the leader: its files, its System V objects, its processes.
use crate::describe::descriptors;
use crate::entry::Arena;
use crate::sites::SiteId;
use forkguard_core::fixed::Text;
use forkguard_core::fork::{self as core_fork, Snapshot};
use forkguard_core::kernel::other_process::{self, PARENT, STATE, stat};
use forkguard_core::kernel::{self, SystemV};
use forkguard_core::registry::{made, started};
use libc::AT_FDCWD;

/// What a call is about to take away.
#[derive(Clone, Copy)]
pub(crate) enum Taken {
    /// The file of this name (the address of the host's text, or of ours) below a directory.
    File {
        directory: i32,
        path: usize,
    },
    SystemV(SystemV),
    /// One process, by a signal that ends it.
    Process(u32),
    /// This process's own group.
    Group,
}

impl Taken {
    /// False for most that the leader has not made, at little cost.
    pub(super) fn may_be_leaders(self) -> bool {
        match self {
            Taken::File { path, .. } => made::may_be_inherited(kernel::read_text::<256>(path).as_str().as_bytes()),
            Taken::SystemV(object) => made::may_be_inherited(object.name().as_str().as_bytes()),
            Taken::Process(_) | Taken::Group => true,
        }
    }

    /// True for what a process made, and still has, from which this one was forked since.
    pub(super) fn is_leaders(self) -> bool {
        match self {
            Taken::File { directory, path } => {
                is_made_by_leader(directory, kernel::read_text::<256>(path).as_str()) && kernel::is_file(directory, path)
            }
            Taken::SystemV(object) => made::is_inherited(object.name().as_str().as_bytes()) && object.exists(),
            Taken::Process(process) => was_there_before(process),
            Taken::Group => is_in_own_group(kernel::parent_id()),
        }
    }

    /// True for a file that was made before the fork, by its time of birth.
    pub(super) fn is_older(self, fork: &Snapshot) -> bool {
        let Taken::File { directory, path } = self else { return false };
        // In this order the fork seems earlier, not later, if this thread has to pause in between.
        let now = kernel::wall_clock();
        let forked_at = now.saturating_sub(kernel::monotonic().saturating_sub(fork.entered));
        // The clock of file systems is behind by a tick; the clocks above were read one after the other.
        const BETWEEN_NS: u64 = 1_000_000;
        let margin = kernel::tick() + BETWEEN_NS;
        kernel::born_at(directory, path).is_some_and(|born| born + margin < forked_at)
    }
    /// True for what a signal ends.
    pub(super) fn is_process(self) -> bool {
        matches!(self, Taken::Process(_) | Taken::Group)
    }

    /// What it is, in words.
    pub(super) fn name(self, arena: &Arena) -> &str {
        match self {
            Taken::File { directory, path } => full_path(arena, directory, path),
            _ => arena.text(self.text().as_str()),
        }
    }

    /// The same in short.
    pub(super) fn text(self) -> Text<128> {
        match self {
            Taken::File { path, .. } => kernel::read_text(path),
            Taken::SystemV(object) => Text::of(format_args!("{}", object.name().as_str())),
            Taken::Process(process) => {
                let mut name = [0; 32];
                let name = other_process::read(&mut name, process, "comm").trim_end();
                Text::of(format_args!("process {process} (\"{name}\")"))
            }
            Taken::Group => Text::of(format_args!("its process group, which its leader is in")),
        }
    }

    /// Where the leader made this file, or the directory that it lies in.
    pub(super) fn made_by_leader_at(self) -> Option<SiteId> {
        let Taken::File { directory, path } = self else { return None };
        let path = kernel::read_text::<256>(path);
        if directory == AT_FDCWD || path.as_str().starts_with('/') {
            return directory_made_at(path.as_str());
        }
        let below = kernel::open_directory::<256>(directory);
        directory_made_at(Text::<512>::of(format_args!("{}/{}", below.as_str(), path.as_str())).as_str())
    }

    /// Where the leader made it; `name` is what it is.
    pub(super) fn made_at(self, name: &str) -> Option<SiteId> {
        match self {
            Taken::File { .. } => directory_made_at(name),
            Taken::SystemV(object) => made::site(object.name().as_str().as_bytes()),
            Taken::Process(process) => started::site(process),
            Taken::Group => None,
        }
    }
}

/// The path of what is removed, below a directory's descriptor, too.
fn full_path(arena: &Arena, directory: i32, path: usize) -> &str {
    let path = kernel::read_text::<256>(path);
    let directory = if path.as_str().starts_with('/') { None } else { descriptors::describe(arena, directory) };
    match directory.as_ref().and_then(|directory| directory.path.as_deref()) {
        Some(directory) => arena.format(format_args!("{directory}/{}", path.as_str())),
        None => arena.format(format_args!("{}", path.as_str())),
    }
}

/// Where the innermost directory of this path was made that is known, or the one that it is.
fn directory_made_at(path: &str) -> Option<SiteId> {
    std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(parent, _)| parent))
        .find_map(|path| made::site(path.as_bytes()).or_else(|| made::site(other_name(path).as_str().as_bytes())))
}

/// True for what a process made from which this one was forked since.
fn is_made_by_leader(directory: i32, path: &str) -> bool {
    let is_inherited =
        |path: &str| made::is_inherited(path.as_bytes()) || made::is_inherited(other_name(path).as_str().as_bytes());
    if directory == AT_FDCWD || path.starts_with('/') {
        return is_inherited(path);
    }
    let below = kernel::open_directory::<256>(directory);
    !below.is_empty() && is_inherited(Text::<512>::of(format_args!("{}/{path}", below.as_str())).as_str())
}

/// The path by its other name: below the working directory, or from the root.
fn other_name(path: &str) -> Text<512> {
    let working = kernel::working_directory::<256>();
    let below = path.strip_prefix(working.as_str()).and_then(|rest| rest.strip_prefix('/'));
    match below.filter(|_| !working.is_empty()) {
        Some(below) => Text::of(format_args!("{below}")),
        None => Text::of(format_args!("{}/{path}", working.as_str())),
    }
}

/// True for a process that lives since before this one was forked, other than those that this one was forked from.
fn was_there_before(process: u32) -> bool {
    let mut bytes = [0; 1024];
    let word = stat(&mut bytes, process);
    let lives = !matches!(word(STATE), None | Some("Z" | "X"));
    let is_own_child = word(PARENT).and_then(|parent| parent.parse().ok()) == Some(kernel::process_id());
    let is_above = core_fork::ancestors().any(|fork| fork.leader == process);
    lives && !is_own_child && !is_above && other_process::is_older(process, kernel::process_id())
}

fn is_in_own_group(process: u32) -> bool {
    kernel::group_of(process).is_some_and(|group| Some(group) == kernel::group_of(0))
}
