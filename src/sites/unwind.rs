//! The native stack of the calling thread: return addresses by the unwind tables that every library carries (.eh_frame).
//!
//! The C library's own unwinder may take a lock (registered frames, older loaders) and trusts what the tables say: a library that lives in
//! other people's processes may do neither. This walk takes none, allocates nothing, and reads stack and tables
//! fault-proof: a stack that is not as the tables say (a coroutine's, code without tables) ends the walk.
use super::code::calls;
use super::eh_frame::{self, BP, Row, SP, Saved};
use super::stack_of::StackOf;
use forkguard_loader::find_object;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

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
    walk(start, StackOf::Thread, &mut |frame| {
        let go_on = !met || each(frame.address);
        met |= frame.address == caller;
        go_on
    });
}

/// Calls `each` with the return addresses on another thread's stack, innermost first.
pub(crate) fn sleeper_addresses(stack: StackOf, start: Start, each: &mut dyn FnMut(usize) -> bool) {
    walk(start, stack, &mut |frame| each(frame.address));
}

/// Where the function begins that the walk leads to and that returns to `restorer`, as the C library's signal handlers do.
pub(super) fn signal_handler(start: Start, restorer: usize) -> Option<usize> {
    let (mut inner, mut found) = (start.at, None);
    walk(start, StackOf::Thread, &mut |frame| {
        if frame.address == restorer {
            found = function_start(inner);
        }
        inner = frame.address - 1;
        frame.address != restorer
    });
    found
}

/// Where the function begins that an address lies in.
pub(super) fn function_start(at: usize) -> Option<usize> {
    let (start, _) = eh_frame::search(find_object(at)?.eh_frame, at)?;
    Some(start)
}

/// Calls `each` with the calling frames, innermost first, for as long as it says so.
fn walk(start: Start, of: StackOf, each: &mut dyn FnMut(&Frame) -> bool) {
    let Start { mut at, mut sp, mut bp } = start;
    let bottom = sp;
    let mut stack = Window { of, start: 0, words: [0; WINDOW] };
    for _ in 0..DEPTH {
        let Some(rule) = rule(at) else { return };
        if bp == 0 && rule.needs_bp() {
            let Some(found) = stack.frame_of(at, sp) else { return };
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

/// Words of the stack that are read at once.
const WINDOW: usize = 64;

/// A piece of the stack.
struct Window {
    of: StackOf,
    start: usize,
    words: [usize; WINDOW],
}

impl Window {
    fn read(&mut self, address: usize) -> Option<usize> {
        let index = address.wrapping_sub(self.start) / 8;
        if !address.is_multiple_of(8) {
            return None;
        }
        if index < WINDOW && self.start != 0 {
            return Some(self.words[index]);
        }
        self.start = address;
        // SAFETY: plain words, viewed as bytes.
        let bytes = unsafe { std::slice::from_raw_parts_mut(self.words.as_mut_ptr().cast::<u8>(), WINDOW * 8) };
        if !self.of.read(address, bytes) {
            // Where the stack begins there is less above.
            self.start = 0;
            return self.of.word(address);
        }
        Some(self.words[0])
    }

    /// The frame pointer of the function around `at`, where the registers are not known: it lies below the return address of a call of that
    /// function.
    fn frame_of(&mut self, at: usize, sp: usize) -> Option<usize> {
        const LARGEST_FRAME: usize = 16 << 10;
        let function = function_start(at)?;
        (sp..sp + LARGEST_FRAME).step_by(8).find(|frame| self.read(frame + 8).is_some_and(|after| calls(after, function)))
    }
}

/// The calling frame's registers.
struct Frame {
    address: usize,
    sp: usize,
    bp: usize,
}

/// How to get from a place in the code to its caller's frame, in one word.
#[derive(Clone, Copy)]
struct Rule(u64);

impl Rule {
    /// The walk ends here.
    const END: Rule = Rule(1);
    const BY_BP: u64 = 2;
    const BP_SAVED: u64 = 4;

    /// From the offset of the frame's address (CFA) to a register, and of the saved rbp to that.
    fn new(by_bp: bool, offset: i64, saved_bp: Option<i64>) -> Rule {
        let (Ok(offset @ 8..0x100_0000), Ok(saved)) = (u32::try_from(offset), i32::try_from(saved_bp.unwrap_or(0))) else {
            return Rule::END;
        };
        let by = if by_bp { Rule::BY_BP } else { 0 };
        let kept = if saved_bp.is_some() { Rule::BP_SAVED } else { 0 };
        Rule(by | kept | u64::from(offset) << 8 | u64::from(saved.cast_unsigned()) << 32)
    }

    fn of(row: Row) -> Option<Rule> {
        let (register @ (BP | SP), offset) = row.frame? else { return None };
        let saved_bp = match row.bp {
            Saved::Same => None,
            Saved::At(offset) => Some(offset),
            Saved::Unknown => return None,
        };
        (row.return_address == Saved::At(-8)).then(|| Rule::new(register == BP, offset, saved_bp))
    }

    fn needs_bp(self) -> bool {
        self.0 & (Rule::END.0 | Rule::BY_BP) == Rule::BY_BP
    }

    fn apply(self, sp: usize, bp: usize, stack: &mut Window) -> Option<Frame> {
        if self.0 & Rule::END.0 != 0 {
            return None;
        }
        let base = if self.0 & Rule::BY_BP != 0 { bp } else { sp };
        let above = base.checked_add((self.0 >> 8) as usize & 0xff_ffff)?;
        let saved = (self.0 >> 32) as u32 as i32 as isize;
        // In the order of the addresses: one piece of the stack holds both.
        let bp = if self.0 & Rule::BP_SAVED != 0 { stack.read(above.wrapping_add_signed(saved))? } else { bp };
        Some(Frame { address: stack.read(above - 8)?, sp: above, bp })
    }
}

/// Rules by the code that they are for: a key mixed with the rule, and the rule. Halves of two writers do not fit together.
static RULES: [[AtomicU64; 2]; 1024] = [const { [const { AtomicU64::new(0) }; 2] }; 1024];

/// The rule for an address of code; None outside of all libraries.
fn rule(at: usize) -> Option<Rule> {
    let found = find_object(at)?;
    let entry = &RULES[(at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) % RULES.len()];
    // Another library may come to lie at the same addresses.
    let key = at as u64 ^ (found.link_map as u64).rotate_left(20) ^ (found.eh_frame as u64).rotate_left(40);
    let [mixed, known] = [entry[0].load(Relaxed), entry[1].load(Relaxed)];
    if known != 0 && mixed ^ known == key {
        return Some(Rule(known));
    }
    let rule = eh_frame::row(found.eh_frame, at).and_then(Rule::of).unwrap_or(Rule::END);
    entry[0].store(key ^ rule.0, Relaxed);
    entry[1].store(rule.0, Relaxed);
    Some(rule)
}
