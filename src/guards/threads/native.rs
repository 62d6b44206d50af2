//! Native threads that the program marked as restartable: their start routine is called again in a new thread.
use super::restart::{is_named, name_of, restart, restartable};
use crate::options::{self, Threads};
use forkguard_core::fork::{Snapshot, ThreadRecord};
use forkguard_core::gate;
use std::mem::MaybeUninit;
use std::sync::atomic::Ordering::Relaxed;

/// See [`super::at_end_of_fork`].
pub(super) fn at_end_of_fork() {
    if gate::is_guest() {
        return;
    }
    let all = matches!(options::get().threads, Threads::Consumers);
    let is_marked = |(_, thread): &(&Snapshot, &'static ThreadRecord)| thread.restartable && thread.start != 0;
    for (fork, thread) in restartable().filter(is_marked).filter(|(_, thread)| all || is_named(name_of(thread).as_str())) {
        restart(fork, thread, || Some(start(thread)));
    }
}

/// Starts a thread as it was started in the leader, through our own hook, which records it.
fn start(thread: &ThreadRecord) -> Result<(), i32> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let mut handle = 0;
    let check = |errno| if errno == 0 { Ok(()) } else { Err(errno) };
    // SAFETY: the attributes are initialised first; the routine and its argument are those that the program started the thread with and
    // declared as restartable.
    unsafe {
        check(libc::pthread_attr_init(attributes.as_mut_ptr()))?;
        if thread.detached {
            libc::pthread_attr_setdetachstate(attributes.as_mut_ptr(), libc::PTHREAD_CREATE_DETACHED);
        }
        let routine = std::mem::transmute::<usize, extern "C" fn(*mut libc::c_void) -> *mut libc::c_void>(thread.start);
        let argument = thread.slot.argument.load(Relaxed) as *mut libc::c_void;
        let result = libc::pthread_create(&mut handle, attributes.as_ptr(), routine, argument);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        check(result)
    }
}
