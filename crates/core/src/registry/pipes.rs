//! Pipes and pairs of sockets that this process or one of its leaders made, by the kernel's numbers: known also once their ends are closed,
//! because a child that still holds one of them keeps the pipe open.
use super::generation;
use crate::flags;
use crate::kernel::FileNumber;
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering::*};

/// Pipes that are remembered; a further one takes the place of the oldest.
const REMEMBERED: usize = 256;

/// One pipe; of `pipe` the end that is read comes first.
struct Entry {
    device: AtomicU64,
    inodes: [AtomicU64; 2],
    site: AtomicUsize,
    thread: AtomicU32,
    /// The process's generation when it was made.
    generation: AtomicU32,
    /// How many forks that process had begun when it was made, and when it closed each end.
    made_after: AtomicU64,
    closed_after: [AtomicU64; 2],
}

static PIPES: [Entry; REMEMBERED] = [const {
    Entry {
        device: AtomicU64::new(0),
        inodes: [AtomicU64::new(0), AtomicU64::new(0)],
        site: AtomicUsize::new(0),
        thread: AtomicU32::new(0),
        generation: AtomicU32::new(0),
        made_after: AtomicU64::new(0),
        closed_after: [AtomicU64::new(0), AtomicU64::new(0)],
    }
}; REMEMBERED];
static MADE: AtomicUsize = AtomicUsize::new(0);
/// Not zero once one was left to children: see [`any_left_to_heirs`].
#[unsafe(link_section = "forkguard_words")]
static LEFT: AtomicU8 = AtomicU8::new(0);
const OPEN: u64 = u64::MAX;

/// One end, by the place of its pipe and which of the two it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct End {
    place: usize,
    index: usize,
}

/// What is recorded of one end.
#[derive(Clone, Copy, Debug)]
pub struct PipeRecord {
    /// Return address of the call that made the pipe.
    pub site: usize,
    /// Kernel id of the thread that made it.
    pub thread: u32,
    /// Forks between this process and the one that made it; 0: this one.
    pub generations: u32,
    /// The file of the other end.
    pub other: FileNumber,
    /// Forks whose child got this end from the process that made it.
    pub inheritors: u64,
    /// That process has closed the end, as far as this one knows.
    pub closed: bool,
}

impl End {
    /// As a word that is not 0.
    pub fn word(self) -> u64 {
        (self.place << 1 | self.index) as u64 + 1
    }

    /// What [`End::word`] made.
    pub fn of_word(word: u64) -> Option<End> {
        let word = usize::try_from(word.checked_sub(1)?).ok()?;
        (word >> 1 < REMEMBERED).then_some(End { place: word >> 1, index: word & 1 })
    }

    /// The other end.
    pub fn other(self) -> End {
        End { index: 1 - self.index, ..self }
    }

    /// The process that made it closes it.
    pub fn close(self) {
        let pipe = &PIPES[self.place];
        if pipe.generation.load(Relaxed) == generation::current() {
            pipe.closed_after[self.index].store(generation::last_sequence(), Relaxed);
            // Who reads such a pipe to its end is looked at while its maker waits.
            if self.index == 1 && pipe.is_left() {
                LEFT.store(1, Relaxed);
                flags::watch_waits();
            }
        }
    }

    /// What is recorded of it.
    pub fn record(self) -> PipeRecord {
        let pipe = &PIPES[self.place];
        let closed = pipe.closed_after[self.index].load(Relaxed);
        let generations = generation::current().wrapping_sub(pipe.generation.load(Relaxed));
        let last = if closed == OPEN { generation::last_sequence() } else { closed };
        PipeRecord {
            site: pipe.site.load(Relaxed),
            thread: pipe.thread.load(Relaxed),
            generations,
            other: FileNumber { device: pipe.device.load(Relaxed), inode: pipe.inodes[1 - self.index].load(Relaxed) },
            inheritors: last.saturating_sub(pipe.made_after.load(Relaxed)),
            closed: closed != OPEN,
        }
    }
}

/// Records a new pipe; its first end.
pub fn record([one, other]: [FileNumber; 2], site: usize, thread: u32) -> End {
    let place = MADE.fetch_add(1, Relaxed) % REMEMBERED;
    let pipe = &PIPES[place];
    pipe.device.store(one.device, Relaxed);
    pipe.inodes[0].store(one.inode, Relaxed);
    pipe.inodes[1].store(other.inode, Relaxed);
    pipe.site.store(site, Relaxed);
    pipe.thread.store(thread, Relaxed);
    pipe.generation.store(generation::current(), Relaxed);
    pipe.made_after.store(generation::last_sequence(), Relaxed);
    pipe.closed_after.iter().for_each(|closed| closed.store(OPEN, Relaxed));
    End { place, index: 0 }
}

/// True once one was made.
pub fn any() -> bool {
    MADE.load(Relaxed) != 0
}

/// True once this process has closed the end that is written to of a pipe that a child of its has, too.
pub fn any_left_to_heirs() -> bool {
    LEFT.load(Relaxed) != 0 && PIPES.iter().take(MADE.load(Relaxed)).any(Entry::is_left)
}

impl Entry {
    /// True when this process has closed the end that is written to, and a child of its has it.
    fn is_left(&self) -> bool {
        let closed = self.closed_after[1].load(Relaxed);
        self.generation.load(Relaxed) == generation::current() && closed != OPEN && closed > self.made_after.load(Relaxed)
    }
}

/// The end that is open as this file: of a pipe, whose ends are one file, the one that is written to if `writes`.
pub fn find(file: FileNumber, writes: bool) -> Option<End> {
    let is_it =
        |pipe: &Entry, index: usize| pipe.device.load(Relaxed) == file.device && pipe.inodes[index].load(Relaxed) == file.inode;
    let order = if writes { [1, 0] } else { [0, 1] };
    (0..REMEMBERED.min(MADE.load(Relaxed)))
        .find_map(|place| order.into_iter().find(|&index| is_it(&PIPES[place], index)).map(|index| End { place, index }))
}
