//! Objects of System V that processes share by number (sysvipc(7)).
use super::syscall::syscall;
use crate::fixed::Text;

/// One of them, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SystemV {
    /// Of shmget(2).
    Memory(i32),
    /// Of semget(2).
    Semaphores(i32),
    /// Of msgget(2).
    Queue(i32),
}

impl SystemV {
    /// What it is, in words.
    pub fn name(self) -> Text<48> {
        match self {
            SystemV::Memory(id) => Text::of(format_args!("System V shared memory {id}")),
            SystemV::Semaphores(id) => Text::of(format_args!("System V semaphores {id}")),
            SystemV::Queue(id) => Text::of(format_args!("System V message queue {id}")),
        }
    }

    /// False once it was removed, and of one that this process may not read.
    pub fn exists(self) -> bool {
        // Larger than what the kernel tells of any (shmctl(2), semctl(2), msgctl(2)).
        let mut state = [0u64; 32];
        let (at, stat) = (state.as_mut_ptr().addr(), libc::IPC_STAT as usize);
        let (number, args) = match self {
            SystemV::Memory(id) => (libc::SYS_shmctl, [id as usize, stat, at, 0, 0, 0]),
            SystemV::Semaphores(id) => (libc::SYS_semctl, [id as usize, 0, stat, at, 0, 0]),
            SystemV::Queue(id) => (libc::SYS_msgctl, [id as usize, stat, at, 0, 0, 0]),
        };
        // SAFETY: writes the state, which there is room for.
        unsafe { syscall(number, args) >= 0 }
    }
}
