//! The native stack of the calling thread: return addresses by the unwind tables that every library carries (.eh_frame).
//!
//! The C library's own unwinder may take a lock (registered frames, older loaders) and trusts what the tables say: a library that lives in
//! other people's processes may do neither. This walk takes none, allocates nothing, and reads stack and tables
//! fault-proof: a stack that is not as the tables say (a coroutine's, code without tables) ends the walk.
use super::eh_frame;
use super::frame_pointer;
use super::stack_of::{StackOf, Window};
use super::unwind_rule::{Frame, rule};
use forkguard_loader::find_object;
use std::mem::offset_of;

/// Frames that are walked, this library's own included, and how far from each other the first and the last may lie.
const DEPTH: usize = 48;
const SPAN: usize = 64 << 20;

/// Where a walk begins: a place in a function that does not return before the walk is over.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    at: usize,
    sp: usize,
    /// 0 unknown.
    bp: usize,
}

impl Start {
    /// Where a call was made from: its return address, the stack pointer and rbp that its caller goes on with.
    pub(crate) fn of_call(caller: usize, sp: usize, bp: usize) -> Start {
        Start { at: caller - 1, sp, bp }
    }

    /// Where a thread sleeps or a call was made, as far as the kernel or the stack says: by the address behind the instruction, and the stack pointer.
    pub(crate) fn of_sleeper(instruction: usize, sp: usize) -> Start {
        Start::of_call(instruction, sp, 0)
    }

    /// Here, in the function that this is inlined into.
    #[inline(always)]
    pub(crate) fn here() -> Start {
        let (at, sp, bp): (usize, usize, usize);
        // SAFETY: reads registers.
        unsafe {
            std::arch::asm!("lea {}, [rip]", "mov {}, rsp", "mov {}, rbp", out(reg) at, out(reg) sp, out(reg) bp, options(nomem, nostack))
        };
        Start { at, sp, bp }
    }
}

/// Calls `each` with the return addresses behind `caller`, which the walk must meet or begin at: innermost first.
pub(super) fn return_addresses(start: Start, caller: usize, each: &mut dyn FnMut(usize) -> bool) {
    let mut met = start.at == caller - 1;
    walk(start, StackOf::Thread, AtSignal::Ends, &mut |frame| {
        let go_on = !met || each(frame.address);
        met |= frame.address == caller;
        go_on
    });
}

/// Calls `each` with the return addresses on another thread's stack, innermost first.
pub(crate) fn sleeper_addresses(stack: StackOf, start: Start, each: &mut dyn FnMut(usize) -> bool) {
    walk(start, stack, AtSignal::GoesOn, &mut |frame| each(frame.address));
}

/// Where the function begins that the walk leads to and that returns to one of the `restorers`, as signal handlers do.
pub(super) fn signal_handler(start: Start, restorers: &[usize]) -> Option<usize> {
    let (mut inner, mut found) = (start.at, None);
    walk(start, StackOf::Thread, AtSignal::Ends, &mut |frame| {
        let returned = restorers.contains(&frame.address);
        if returned {
            found = function_start(inner);
        }
        inner = frame.address - 1;
        !returned
    });
    found
}

/// True when a function led to this call whose beginning is one of those.
pub(super) fn is_within(start: Start, is_one: impl Fn(usize) -> bool) -> bool {
    let mut found = false;
    walk(start, StackOf::Thread, AtSignal::Ends, &mut |frame| {
        found = function_start(frame.address - 1).is_some_and(&is_one);
        !found
    });
    found
}

/// Where the function begins that an address lies in.
pub(super) fn function_start(at: usize) -> Option<usize> {
    let (start, _) = eh_frame::search(find_object(at)?.eh_frame, at)?;
    Some(start)
}

/// What a walk does where a signal handler began.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AtSignal {
    Ends,
    /// With what the signal interrupted, which made no call.
    GoesOn,
}

/// Calls `each` with the calling frames, innermost first, for as long as it says so.
fn walk(start: Start, of: StackOf, at_signal: AtSignal, each: &mut dyn FnMut(&Frame) -> bool) {
    let Start { mut at, mut sp, mut bp } = start;
    let mut bottom = sp;
    let mut stack = Window::new(of);
    for _ in 0..DEPTH {
        let Some(rule) = rule(at) else { return };
        if rule.is_signals() {
            let Some(frame) = interrupted(sp, &mut stack).filter(|_| at_signal == AtSignal::GoesOn) else { return };
            if !each(&frame) {
                return;
            }
            // A handler may have a stack of its own.
            (at, sp, bp, bottom) = (frame.address, frame.sp, frame.bp, frame.sp);
            continue;
        }
        if bp == 0 && rule.needs_bp() {
            let Some(found) = frame_pointer::find(&mut stack, rule, at, sp) else { return };
            bp = found;
        }
        let Some(frame) = rule.apply(sp, bp, &mut stack) else { return };
        if frame.sp <= sp || frame.sp - bottom > SPAN || frame.address == 0 || !each(&frame) {
            return;
        }
        // A call ends before its return address.
        (at, sp, bp) = (frame.address - 1, frame.sp, frame.bp);
    }
}

/// What a signal interrupted, by the registers that the kernel put on the stack of its handler: `context` is what the handler was given (ucontext_t).
fn interrupted(context: usize, stack: &mut Window) -> Option<Frame> {
    let register = |number: i32| context + offset_of!(libc::ucontext_t, uc_mcontext.gregs) + 8 * number as usize;
    let (bp, sp) = (stack.read(register(libc::REG_RBP))?, stack.read(register(libc::REG_RSP))?);
    Some(Frame { address: stack.read(register(libc::REG_RIP))?, sp, bp })
}
