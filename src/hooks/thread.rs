//! Threads: who starts which, and what they are called.
use crate::child::pythons_locks;
use crate::child::restarts::{self, StartedThread};
use crate::child::waits::{self, BlockingCall};
use crate::describe::openmp;
use crate::entry::{record, record_with_scratch};
use crate::guards;
use crate::leader::later_names;
use crate::sites;
use forkguard_core::registry::threads::{self, Slot};
use forkguard_core::{dispatch, gate};
use libc::{c_char, c_int, c_void, pthread_attr_t, pthread_t};
use std::mem::MaybeUninit;
use std::sync::atomic::Ordering::Relaxed;

/// glibc's struct _pthread_cleanup_buffer (pthread.h), which it keeps in a list.
#[repr(C)]
struct Cleanup {
    routine: unsafe extern "C" fn(*mut c_void),
    argument: *mut c_void,
    cancel_type: c_int,
    outer: *mut Cleanup,
}

unsafe extern "C" {
    fn pthread_attr_getdetachstate(attributes: *const pthread_attr_t, state: *mut c_int) -> c_int;
    fn _pthread_cleanup_push(buffer: *mut Cleanup, routine: unsafe extern "C" fn(*mut c_void), argument: *mut c_void);
    fn _pthread_cleanup_pop(buffer: *mut Cleanup, execute: c_int);
}

/// What a thread does first with its slot.
fn set_handle(slot: &Slot) {
    // SAFETY: always succeeds.
    slot.handle.store(unsafe { libc::pthread_self() } as usize, Relaxed);
}

unsafe extern "C" fn ended(_nothing: *mut c_void) {
    threads::end();
}

/// Where every recorded thread starts. Its record ends when the start routine returns or, by the buffer on this frame, when pthread_exit or
/// cancellation has unwound all frames of the routine; destructors of thread-specific data run later. (A key of our own would see the
/// end, too, but all keys are the program's.) It is unwound through: it has nothing to drop.
extern "C-unwind" fn started(slot: *mut c_void) -> *mut c_void {
    // SAFETY: the slot that the creating thread claimed for us.
    let slot = unsafe { &*slot.cast::<Slot>() };
    let mut cleanup = MaybeUninit::uninit();
    // SAFETY: the buffer lies on this frame until it is popped, or until glibc has unwound this frame and called it.
    unsafe { _pthread_cleanup_push(cleanup.as_mut_ptr(), ended, std::ptr::null_mut()) };
    // Before it is live: from then on it is known by its handle alone.
    set_handle(slot);
    if gate::awake() {
        threads::begin(slot);
    }
    let (start, argument) = (slot.start.load(Relaxed), slot.argument.load(Relaxed));
    // SAFETY: what the host gave to pthread_create; thrd_create's routine returns an int in the same register.
    let result = unsafe { std::mem::transmute::<usize, extern "C-unwind" fn(usize) -> *mut c_void>(start)(argument) };
    threads::end();
    // SAFETY: the innermost buffer is ours again: the routine has returned.
    unsafe { _pthread_cleanup_pop(cleanup.as_mut_ptr(), 0) };
    result
}

/// In the creating thread, afterwards.
fn created(thread: *const pthread_t, slot: &'static Slot, made: StartedThread, result: c_int) {
    if result != 0 {
        threads::release(slot);
    } else if gate::is_watched() {
        waits::after_start();
        // SAFETY: the real function just wrote it.
        let handle = unsafe { *thread } as usize;
        record_with_scratch(|scratch| restarts::report_restarted(scratch, handle, made));
    }
}

/// Claims a slot for a thread that is about to be created.
fn prepare(start: usize, argument: usize, detached: bool, caller: usize) -> Option<(&'static Slot, StartedThread)> {
    super::seccomp::before_process();
    if gate::is_watched() {
        pythons_locks::look_at_them();
    }
    record(|_| {
        dispatch::start_tracking();
        openmp::record_start(start);
        let slot = threads::claim()?;
        slot.start.store(start, Relaxed);
        slot.argument.store(argument, Relaxed);
        let made = guards::restarted_here().map_or_else(
            || sites::capture_thread(caller),
            |lost| {
                slot.set_name(lost.name.as_str().as_bytes());
                slot.restartable.store(u32::from(lost.restartable), Relaxed);
                sites::NewThread { site: lost.site, label: lost.label, code: lost.code }
            },
        );
        slot.site.store(made.site, Relaxed);
        slot.label.store(made.label, Relaxed);
        slot.code.store(made.code, Relaxed);
        slot.detached.store(u32::from(detached), Relaxed);
        if let Some(own) = threads::mine() {
            slot.creator.store(own.tid.load(Relaxed), Relaxed);
            slot.mask.inherit(&own.mask);
        }
        threads::start(slot);
        Some((slot, StartedThread { start, label: made.label, code: made.code, site: made.site }))
    })
    .flatten()
}

fn detached(attributes: *const pthread_attr_t) -> bool {
    let mut state = 0;
    // SAFETY: the host gave them to pthread_create.
    !attributes.is_null()
        && unsafe { pthread_attr_getdetachstate(attributes, &mut state) } == 0
        && state == libc::PTHREAD_CREATE_DETACHED
}

type Start = extern "C-unwind" fn(*mut c_void) -> *mut c_void;

hook! {
    /// pthread_create(3).
    fn pthread_create(thread: *mut pthread_t, attributes: *const pthread_attr_t, start: Start, argument: *mut c_void) -> c_int;
    |caller| {
        guards::before_wait();
        sites::starts_thread();
        let Some((slot, made)) = prepare(start as usize, argument as usize, detached(attributes), caller) else {
            return real(thread, attributes, start, argument);
        };
        guards::before_thread_start(slot);
        let result = real(thread, attributes, started, (slot as *const Slot).cast_mut().cast());
        created(thread, slot, made, result);
        result
    }
}
hook! {
    /// thrd_create(3).
    fn thrd_create(thread: *mut pthread_t, start: Start, argument: *mut c_void) -> c_int;
    |caller| {
        let Some((slot, made)) = prepare(start as usize, argument as usize, false, caller) else {
            return real(thread, start, argument);
        };
        let result = real(thread, started, (slot as *const Slot).cast_mut().cast());
        created(thread, slot, made, result);
        result
    }
}
lock! {
    /// pthread_join(3).
    fn pthread_join(thread: pthread_t, value: *mut *mut c_void) -> c_int = libc::pthread_join, waits BlockingCall::Join;
    |_caller| { real(thread, value) }
}
lock! {
    /// thrd_join(3).
    fn thrd_join(thread: pthread_t, value: *mut c_int) -> c_int, waits BlockingCall::Join;
    |_caller| { real(thread, value) }
}
/// A thread ends that does not run in [`started`]: the main thread, or one that no hook saw start.
fn end_unstarted() {
    record(|_| {
        if threads::mine().is_some_and(|slot| slot.start.load(Relaxed) == 0) {
            threads::end();
        }
    });
}

pass! {
    /// pthread_exit(3).
    fn pthread_exit, ALWAYS; |_registers| { end_unstarted() }
}
pass! {
    /// thrd_exit(3).
    fn thrd_exit, ALWAYS; |_registers| { end_unstarted() }
}
pass! {
    /// prctl(2), variadic: PR_SET_NAME names this thread, PR_SET_SECCOMP may forbid what we do.
    fn prctl, ALWAYS; |registers| {
        let [option, mode, program, ..] = registers.argument;
        super::seccomp::before_prctl(option, mode, program);
        if registers.argument[0] == libc::PR_SET_NAME as usize && gate::awake() {
            let named = record(|_| {
                let name: [u8; 16] = read_name(registers.argument[1])?;
                let slot = threads::mine()?;
                takes_name(slot, &name)
            });
            named.flatten().into_iter().for_each(later_names::has_name);
        }
    }
}

/// The gate of what is noted in every process.
static ALWAYS: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(1);

/// Notes a name; the thread, if it had another one. (Before glibc 2.34 pthread_setname_np itself calls prctl.)
fn takes_name(thread: &'static threads::Slot, name: &[u8]) -> Option<&'static threads::Slot> {
    let before = thread.name();
    thread.set_name(name);
    (thread.name().as_str() != before.as_str()).then_some(thread)
}

/// At most 16 bytes at an address that prctl will check for itself; a name may end just before memory that is not mapped.
fn read_name(address: usize) -> Option<[u8; 16]> {
    let mut name = [0u8; 16];
    for (i, byte) in name.iter_mut().enumerate() {
        *byte = forkguard_core::kernel::read_value(address + i)?;
        if *byte == 0 {
            break;
        }
    }
    Some(name)
}

// Cold functions that need no return address: redhook's own form of a hook.
redhook::hook! {
    unsafe fn pthread_setname_np(thread: pthread_t, name: *const c_char) -> c_int => note_name {
        // SAFETY: the host's own arguments.
        let result = unsafe { redhook::real!(pthread_setname_np)(thread, name) };
        if result == 0 {
            let named = record(|_| {
                // SAFETY: the real function just read it as a C string.
                let name = unsafe { std::ffi::CStr::from_ptr(name) };
                let slot = threads::slot_for_handle(thread as usize)?;
                takes_name(slot, name.to_bytes())
            });
            named.flatten().into_iter().for_each(later_names::has_name);
        }
        result
    }
}
redhook::hook! {
    unsafe fn pthread_detach(thread: pthread_t) -> c_int => note_detach {
        // Before the call: afterwards the thread may be gone and its handle another's.
        record(|_| {
            if let Some(slot) = threads::slot_for_handle(thread as usize) {
                slot.detached.store(1, Relaxed);
            }
        });
        // SAFETY: the host's own argument.
        unsafe { redhook::real!(pthread_detach)(thread) }
    }
}
redhook::hook! {
    unsafe fn thrd_detach(thread: pthread_t) -> c_int => note_thrd_detach {
        record(|_| {
            if let Some(slot) = threads::slot_for_handle(thread as usize) {
                slot.detached.store(1, Relaxed);
            }
        });
        // SAFETY: the host's own argument.
        unsafe { redhook::real!(thrd_detach)(thread) }
    }
}

/// In the constructor: makes redhook look its functions up now, not under a lock of the host's later.
pub(crate) fn resolve_redhooks() {
    let _ = redhook::real!(pthread_setname_np);
    let _ = redhook::real!(pthread_detach);
    let _ = redhook::real!(thrd_detach);
}
