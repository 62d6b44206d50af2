//! What posix_spawn(3) does in the child before it execs: its file actions and attributes, as glibc lays them out (`spawn.h`,
//! `posix/spawn_int.h`).
use crate::child::withheld::Withheld;
use forkguard_core::kernel::read_value;

/// `posix_spawn_file_actions_t`: how many there are, and where.
#[derive(Clone, Copy)]
pub(super) struct FileActions {
    count: usize,
    address: usize,
}

/// Actions that are read.
const MOST: usize = 1024;
/// `struct __spawn_action`: the tag, and from the eighth byte on the descriptors.
const ACTION_SIZE: usize = 32;
const CLOSE: u32 = 0;
const DUP2: u32 = 1;
const OPEN: u32 = 2;
const CLOSE_FROM: u32 = 5;

impl FileActions {
    /// None for what does not look like it.
    pub(super) fn read(object: usize) -> Option<FileActions> {
        if object == 0 {
            return Some(FileActions { count: 0, address: 0 });
        }
        let ([allocated, count], address) = (read_value::<[u32; 2]>(object)?, read_value::<usize>(object + 8)?);
        (count <= allocated && count as usize <= MOST).then_some(FileActions { count: count as usize, address })
    }

    /// Tag and descriptors of each.
    fn each(self) -> impl DoubleEndedIterator<Item = (u32, i32, i32)> {
        let read = move |index: usize| read_value::<[u32; 4]>(self.address + index * ACTION_SIZE);
        (0..self.count).filter_map(read).map(|[tag, _, fd, other]| (tag, fd as i32, other as i32))
    }

    /// True for a descriptor that the program does not get, or that is placed there for it.
    pub(super) fn replaces(self, fd: i32) -> bool {
        self.each().any(|(tag, first, second)| match tag {
            CLOSE | OPEN => first == fd,
            DUP2 => second == fd,
            CLOSE_FROM => first <= fd,
            _ => false,
        })
    }

    /// The descriptor that becomes standard input.
    pub(super) fn input(self) -> i32 {
        let placed = self.each().rev().find_map(|(tag, first, second)| match tag {
            DUP2 => (second == 0).then_some(first),
            CLOSE | OPEN => (first == 0).then_some(-1),
            _ => None,
        });
        placed.unwrap_or(0)
    }
}

/// Signals that attributes reset, and the mask that they set.
#[derive(Clone, Copy)]
pub(super) struct SignalAttributes {
    defaults: u64,
    mask: Option<u64>,
}

impl SignalAttributes {
    /// Of a `posix_spawnattr_t`.
    pub(super) fn read(object: usize) -> SignalAttributes {
        let flags = if object == 0 { 0 } else { read_value::<u16>(object).map_or(0, i32::from) };
        let has = |flag: libc::c_int| flags & flag != 0;
        let set = |offset: usize| read_value::<usize>(object + offset).map(|set| set as u64);
        SignalAttributes {
            defaults: if has(libc::POSIX_SPAWN_SETSIGDEF) { set(8).unwrap_or(0) } else { 0 },
            mask: if has(libc::POSIX_SPAWN_SETSIGMASK) { set(136) } else { None },
        }
    }

    /// What of these signals does not reach the program.
    pub(super) fn change(self, signals: Withheld) -> Withheld {
        Withheld { blocked: signals.blocked & self.mask.unwrap_or(!0), ignored: signals.ignored & !self.defaults }
    }
}
