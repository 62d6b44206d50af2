//! Processes and threads by their ids.
use super::syscall::syscall;
use crate::fixed::Text;
use core::mem::MaybeUninit;
use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions};

/// Kernel id of this thread.
pub fn thread_id() -> u32 {
    rustix::thread::gettid().as_raw_nonzero().get() as u32
}

/// This process.
pub fn process_id() -> u32 {
    rustix::process::getpid().as_raw_nonzero().get() as u32
}

/// Its parent; 0 when that lies outside the pid namespace.
pub fn parent_id() -> u32 {
    rustix::process::getppid().map_or(0, |p| p.as_raw_nonzero().get() as u32)
}

/// The session of a process (getsid(2)), of this one for 0; None of one that is gone.
pub fn session_of(process: u32) -> Option<u32> {
    let session = rustix::process::getsid(Pid::from_raw(process as i32)).ok()?;
    Some(session.as_raw_nonzero().get() as u32)
}

/// The process group of a process (getpgid(2)), of this one for 0; None of one that is gone.
pub fn group_of(process: u32) -> Option<u32> {
    let group = rustix::process::getpgid(Pid::from_raw(process as i32)).ok()?;
    Some(group.as_raw_nonzero().get() as u32)
}

/// True for a child of which waitpid would report something at once: its end, or a stop when this process traces it.
pub fn may_be_waited_for(child: u32) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let pid = Pid::from_raw(child as i32);
    pid.is_some_and(|pid| matches!(rustix::process::waitid(WaitId::Pid(pid), options), Ok(Some(_))))
}

/// True when wait(2) would end at once.
pub fn may_any_be_waited_for() -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(rustix::process::waitid(WaitId::All, options), Ok(None))
}

/// True for a pidfd of a child that has ended and was not waited for (waitid(2), P_PIDFD: Linux 5.4).
pub fn is_pidfd_of_ended(fd: i32, child: u32) -> bool {
    let mut information = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    let address = information.as_mut_ptr() as usize;
    // SAFETY: `information` outlives the call, and the kernel fills it or leaves it as it is.
    let result = unsafe { syscall(libc::SYS_waitid, [libc::P_PIDFD as usize, fd as usize, address, options as usize, 0, 0]) };
    // SAFETY: all of its bytes are set; a siginfo of a child has the pid.
    result == 0 && unsafe { information.assume_init().si_pid() } as u32 == child
}

/// True for a child of this process that has not been waited for, or a process that it traces.
pub fn is_child(process: u32) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let pid = Pid::from_raw(process as i32);
    pid.is_some_and(|pid| !matches!(rustix::process::waitid(WaitId::Pid(pid), options), Err(Errno::CHILD)))
}

/// True while the kernel knows a thread of this process by this id.
pub fn thread_exists(tid: u32) -> bool {
    // SAFETY: takes integers; signal 0 is never sent.
    unsafe { syscall(libc::SYS_tgkill, [process_id() as usize, tid as usize, 0, 0, 0, 0]) != -(libc::ESRCH as isize) }
}

/// True while there is a process of this id, if only a zombie.
pub fn process_exists(pid: u32) -> bool {
    Pid::from_raw(pid as i32).is_none_or(|pid| rustix::process::test_kill_process(pid) != Err(Errno::SRCH))
}

/// The name of this thread (PR_GET_NAME).
pub fn own_thread_name() -> Text<16> {
    let mut bytes = [0u8; 16];
    // SAFETY: writes 16 bytes.
    unsafe { syscall(libc::SYS_prctl, [libc::PR_GET_NAME as usize, bytes.as_mut_ptr() as usize, 0, 0, 0, 0]) };
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    Text::from_bytes(&bytes[..end])
}
