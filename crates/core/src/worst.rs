//! The worst moment for a fork, for tests: another thread is made to stand with a chosen lock until the fork is done. The inverse of
//! `safe_point`, whose marks it uses.
//!
//! A forking thread arms the lock. From then on no other thread gives it back: one that has taken it, or is about to release it, stands
//! until the fork is done, or for [`STAND_NS`] at most. Locks inside the C library cross no symbol, so a thread that enters a function which
//! takes one is stepped instruction by instruction (the processor's trap flag), and stands behind the first that takes a lock.
use crate::glibc::LockKind;
use crate::kernel::{self, KernelAction};
use crate::registry::held::{Entry, HOLDS};
use crate::registry::threads::{self, Slot, SlotState};
use crate::safe_point;
use core::arch::{asm, naked_asm};
use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering::*};

/// The longest that a thread stands: what forks may wait for it.
pub const STAND_NS: u64 = 2_000_000_000;

/// Not zero where locks are recorded for it.
static ON: AtomicU8 = AtomicU8::new(0);

/// In the constructor: from the second thread on, who takes which lock is told to the library.
pub fn switch_on() {
    ON.store(1, Relaxed);
}

/// True where it is told.
#[inline(always)]
pub fn is_on() -> bool {
    ON.load(Relaxed) != 0
}

/// Kernel id of the thread that is about to fork; 0 none.
static ARMED: AtomicU32 = AtomicU32::new(0);
/// Until then, by the monotonic clock: a fork may not come about.
static UNTIL: AtomicU64 = AtomicU64::new(0);
/// Kernel id of the thread that stands with the lock; 0 none.
static STANDING: AtomicU32 = AtomicU32::new(0);

/// Addresses at which threads have taken the chosen lock; with [`BY_TRY`].
const PLACES: usize = 64;
static TAKEN: [AtomicUsize; PLACES] = [const { AtomicUsize::new(0) }; PLACES];

/// In [`TAKEN`]: by a call that tries only. (No lock lies at an odd address.)
const BY_TRY: usize = 1;

/// A thread has taken the chosen lock at this address; `tries`: by a call that tries only.
pub fn note(address: usize, tries: bool) {
    let entry = address | if tries { BY_TRY } else { 0 };
    if !is_noted(address) {
        let _ = TAKEN.iter().any(|place| place.compare_exchange(0, entry, Relaxed, Relaxed).is_ok());
    }
}

/// It has given it back: another lock may come to lie there.
pub fn forget(address: usize) {
    for entry in [address, address | BY_TRY] {
        TAKEN.iter().for_each(|place| _ = place.compare_exchange(entry, 0, Relaxed, Relaxed));
    }
}

/// True for an address at which a thread has taken the chosen lock.
pub fn is_noted(address: usize) -> bool {
    TAKEN.iter().any(|place| place.load(Relaxed) & !BY_TRY == address)
}

/// True where it was taken by a call that tries only.
pub fn is_noted_by_try(address: usize) -> bool {
    TAKEN.iter().any(|place| place.load(Relaxed) == address | BY_TRY)
}

/// True while a fork waits for another thread to take the chosen lock, or is under way with it taken.
pub fn is_armed() -> bool {
    safe_point::settle_order();
    let forker = ARMED.load(SeqCst);
    forker != 0 && forker != kernel::thread_id() && kernel::monotonic() < UNTIL.load(Relaxed)
}

/// True for the thread that armed it.
pub fn is_armed_here() -> bool {
    let forker = ARMED.load(Relaxed);
    forker != 0 && forker == kernel::thread_id()
}

/// For the thread that is about to fork, and will have done so by that time of the monotonic clock; false while another one is.
pub fn arm(until: u64) -> bool {
    let armed = is_armed_here() || ARMED.compare_exchange(0, kernel::thread_id(), SeqCst, Relaxed).is_ok();
    if armed {
        UNTIL.store(until, Relaxed);
        safe_point::order_all();
    }
    armed
}

/// The fork is done, or needs the lock itself: whoever stands goes on. Gives who stood, or held the lock.
pub fn disarm() -> Option<u32> {
    let holder = holder();
    if ARMED.compare_exchange(kernel::thread_id(), 0, SeqCst, Relaxed).is_ok() {
        kernel::wake_all(&ARMED);
    }
    holder
}

/// The other thread that has the chosen lock, and will have it until it is disarmed.
pub fn holder() -> Option<u32> {
    let standing = STANDING.load(SeqCst);
    let own = kernel::thread_id();
    if standing != 0 {
        return Some(standing);
    }
    let holds = |entry: Entry| entry.kind != LockKind::Libc && entry.flags & HOLDS != 0 && is_noted(entry.address);
    // One in the middle of a call may be about to give it back, having looked before it was armed.
    let is_holder = |slot: &&Slot| slot.passing.load(SeqCst) == 0 && slot.held.entries().any(holds);
    others(own).find(is_holder).map(|slot| slot.tid.load(Relaxed))
}

fn others(own: u32) -> impl Iterator<Item = &'static Slot> {
    threads::slots().iter().filter(move |slot| slot.state() == SlotState::Live && slot.tid.load(Relaxed) != own)
}

/// True where there is another thread, be it one that is about to start.
pub fn has_others() -> bool {
    others(kernel::thread_id()).next().is_some() || threads::is_starting()
}

/// Waits until another thread has the lock, at most until that time of the monotonic clock. False: none had it.
pub fn await_holder(until: u64) -> bool {
    const LOOK_NS: u64 = 1_000_000;
    while holder().is_none() {
        if kernel::monotonic() >= until {
            return false;
        }
        kernel::wait_for_change(&STANDING, 0, LOOK_NS);
    }
    true
}

/// This thread has the lock: it stands until the fork is done.
pub fn stand() {
    let (own, until) = (kernel::thread_id(), kernel::monotonic() + STAND_NS);
    if STANDING.compare_exchange(0, own, SeqCst, Relaxed).is_err() {
        return;
    }
    kernel::wake_all(&STANDING);
    loop {
        let (forker, now) = (ARMED.load(SeqCst), kernel::monotonic());
        if forker == 0 || now >= until {
            break;
        }
        kernel::wait_for_change(&ARMED, forker, until - now);
    }
    STANDING.store(0, SeqCst);
}

/// In a forked child nobody stands.
pub(crate) fn init_child() {
    if ARMED.load(Relaxed) != 0 {
        ARMED.store(0, Relaxed);
        STANDING.store(0, Relaxed);
    }
    if STEPPED.load(Relaxed) != 0 {
        STEPPED.store(0, Relaxed);
        let _ = kernel::set_signal_action(libc::SIGTRAP, &KernelAction::default());
    }
}

/// Kernel id of the thread that is stepped; 0 none.
static STEPPER: AtomicU32 = AtomicU32::new(0);
/// Not zero once the handler is set.
static STEPPED: AtomicU32 = AtomicU32::new(0);
/// Instructions that were stepped.
static STEPS: AtomicU32 = AtomicU32::new(0);
/// The instruction that is being stepped takes a lock if it succeeds.
static TAKES: AtomicU32 = AtomicU32::new(0);
/// A lock of the C library's at which no thread stands: fork takes it itself.
static SPARED: AtomicUsize = AtomicUsize::new(0);
/// Whether an address is code of the C library or the loader: `fn(usize) -> bool`.
static IS_LIBRARY: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());

/// A function that takes no lock within so many instructions takes none that it keeps.
const MOST_STEPS: u32 = 20_000;
const TRAP_FLAG: i64 = 0x100;
const ZERO_FLAG: i64 = 0x40;

/// From here on this thread is stepped until it takes a lock of the C library's other than the `spared` one, and stands there. Nothing is done
/// where the program itself handles or blocks SIGTRAP, or another thread is stepped.
#[inline(never)]
pub fn step(is_library: fn(usize) -> bool, spared: usize) {
    let own = kernel::thread_id();
    let is_blocked = kernel::blocked_signals() & 1 << (libc::SIGTRAP - 1) != 0;
    if is_blocked || !is_armed() || STEPPER.compare_exchange(0, own, SeqCst, Relaxed).is_err() {
        return;
    }
    IS_LIBRARY.store(is_library as *mut (), Relaxed);
    SPARED.store(spared, Relaxed);
    if !handles_traps() {
        return STEPPER.store(0, SeqCst);
    }
    STEPS.store(0, Relaxed);
    TAKES.store(0, Relaxed);
    // SAFETY: sets the trap flag; the handler of SIGTRAP is in place and SIGTRAP is not blocked.
    unsafe { asm!("pushfq", "or qword ptr [rsp], 0x100", "popfq") };
}

/// This thread is not stepped any more.
#[inline(never)]
pub fn end_steps() {
    if STEPPER.load(Relaxed) == kernel::thread_id() {
        // SAFETY: clears the trap flag.
        unsafe { asm!("pushfq", "and qword ptr [rsp], -257", "popfq") };
        STEPPER.store(0, SeqCst);
    }
}

/// False where the program has a handler of its own.
fn handles_traps() -> bool {
    let own = on_trap as *const () as usize;
    match kernel::signal_action(libc::SIGTRAP) {
        Some(action) if action.handler == own => true,
        Some(action) if action.handler == libc::SIG_DFL => {
            const SA_RESTORER: u64 = 0x0400_0000;
            let flags = (libc::SA_SIGINFO | libc::SA_ONSTACK) as u64 | SA_RESTORER;
            let restorer = return_from_handler as *const () as usize;
            STEPPED.store(1, Relaxed);
            kernel::set_signal_action(libc::SIGTRAP, &KernelAction { handler: own, flags, restorer, mask: 0 }).is_ok()
        }
        _ => false,
    }
}

#[unsafe(naked)]
extern "C" fn return_from_handler() {
    naked_asm!("mov eax, {call}", "syscall", call = const libc::SYS_rt_sigreturn)
}

/// The handler of SIGTRAP: once for each instruction.
extern "C" fn on_trap(_signal: i32, _information: *mut libc::siginfo_t, context: *mut libc::ucontext_t) {
    // SAFETY: the kernel's own, of this thread.
    let registers = unsafe { &mut (*context).uc_mcontext.gregs };
    let flags = registers[libc::REG_EFL as usize];
    let takes = TAKES.swap(0, Relaxed) != 0 && flags & ZERO_FLAG != 0;
    if takes {
        stand();
    }
    if takes || !is_armed() || STEPS.fetch_add(1, Relaxed) >= MOST_STEPS {
        registers[libc::REG_EFL as usize] &= !TRAP_FLAG;
        STEPPER.store(0, SeqCst);
        return;
    }
    let (next, expected) = (registers[libc::REG_RIP as usize] as usize, registers[libc::REG_RAX as usize] as u32);
    // SAFETY: this thread is about to execute what lies there.
    let lock = if expected == 0 && is_in_library(next) { unsafe { static_lock(next) } } else { None };
    if lock.is_some_and(|lock| lock != SPARED.load(Relaxed)) {
        TAKES.store(1, Relaxed);
    }
}

/// The variable that an instruction tries to take as a lock: `lock cmpxchg`, with or without a REX prefix, relative to the instruction pointer. (What it
/// expects is zero: the lock is free. Locks that lie elsewhere are those of streams and of malloc, of which fork takes care.)
///
/// # Safety
/// Nine bytes at the address can be read.
unsafe fn static_lock(instruction: usize) -> Option<usize> {
    const RELATIVE: u8 = 0b00_000_101;
    // SAFETY: the caller's promise.
    let code = unsafe { *(instruction as *const [u8; 9]) };
    let (mode, length) = match code {
        [0xf0, 0x0f, 0xb1, mode, ..] => (mode, 8),
        [0xf0, 0x40..=0x4f, 0x0f, 0xb1, mode, ..] => (mode, 9),
        _ => return None,
    };
    let distance = i32::from_le_bytes(*code[..length].last_chunk()?);
    (mode & 0b11_000_111 == RELATIVE).then(|| (instruction + length).wrapping_add_signed(distance as isize))
}

/// The lock that a function of the C library's takes first, by its code; 0 where that shows none.
///
/// # Safety
/// The function is at least 64 bytes long, or followed by others.
pub unsafe fn lock_taken_by(function: usize) -> usize {
    // SAFETY: the caller's promise.
    (function..function + 64).find_map(|address| unsafe { static_lock(address) }).unwrap_or(0)
}

fn is_in_library(address: usize) -> bool {
    let function = IS_LIBRARY.load(Relaxed);
    // SAFETY: null, or the function that `step` was given.
    let function = unsafe { core::mem::transmute::<*mut (), Option<fn(usize) -> bool>>(function) };
    function.is_some_and(|is_library| is_library(address))
}
