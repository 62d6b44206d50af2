//! The frame pointer of a function on a stack of which only the stack pointer is known: the kernel tells no other register of a thread that sleeps.
//!
//! The function has called another one and keeps its frame by rbp, as code without optimization does, and all code whose frame has no fixed size. Where
//! its code shows the size, the frame is there. Else it is looked for: above the stack pointer must lie the return address of a call that led to the
//! function, and behind that another such frame, and so on. What earlier calls left on the stack has the first, but seldom all of it.
use super::code::{self, Call};
use super::eh_frame;
use super::stack_of::Window;
use super::unwind_rule::{Rule, rule};
use forkguard_core::kernel::read_memory;
use forkguard_loader::find_object;
use std::ops::Range;

/// Bytes in which the frame is looked for.
const LARGEST_FRAME: usize = 16 << 10;
/// Frames behind it that are looked at.
const CALLERS: usize = 8;

/// The frame pointer of the function around `at`, which has this rule there, and has called another one with this stack pointer.
#[cold]
pub(super) fn find(stack: &mut Window, own: Rule, at: usize, sp: usize) -> Option<usize> {
    let search = Search { own, at, sp, function: function(at)? };
    let by_size = search.by_size().into_iter().flatten().find(|&bp| search.is_frame(stack, bp, Match::Strict));
    let mut look = |how| (sp..sp + LARGEST_FRAME).step_by(8).find(|&bp| search.is_frame(stack, bp, how));
    by_size.or_else(|| look(Match::Direct)).or_else(|| look(Match::Strict)).or_else(|| look(Match::Loose))
}

fn function(at: usize) -> Option<Range<usize>> {
    eh_frame::function(find_object(at)?.eh_frame, at)
}

/// How the calls on the stack must fit together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Match {
    /// Every call leads to the function inside of it, and the first one by name.
    Direct,
    /// The same, but the first may be one by a pointer.
    Strict,
    /// There are calls.
    Loose,
}

struct Search {
    own: Rule,
    at: usize,
    sp: usize,
    function: Range<usize>,
}

impl Search {
    /// The frame pointers that the size of the frame allows, as the function's first instructions tell it.
    fn by_size(&self) -> [Option<usize>; 2] {
        let size = allocated(self.function.start, self.at);
        let lowest = find_object(self.at).and_then(|found| eh_frame::row(found.eh_frame, self.at)).map_or(0, |row| row.lowest);
        let below = (-lowest).saturating_sub(16).max(0) as usize;
        // Registers are kept by push before it, or inside of what it allocates.
        [Some(self.sp + size + below), Some(self.sp + size)]
    }

    fn is_frame(&self, stack: &mut Window, bp: usize, how: Match) -> bool {
        let returns_to = stack.read(self.own.return_slot(bp)).filter(|&after| may_be_code(after));
        if !returns_to.is_some_and(|after| leads(stack, after, &self.function, how)) {
            return false;
        }
        let Some(frame) = self.own.apply(self.sp, bp, stack) else { return false };
        Some(frame.address) == returns_to && frame.sp > self.sp && has_callers(stack, frame.address - 1, frame.sp, frame.bp, how)
    }
}

/// True when the calls behind a frame fit together, as far as that can be told.
fn has_callers(stack: &mut Window, mut at: usize, mut sp: usize, mut bp: usize, how: Match) -> bool {
    let how = if how == Match::Loose { how } else { Match::Strict };
    for _ in 0..CALLERS {
        let Some(rule) = rule(at) else { return false };
        if rule.ends() || bp == 0 && rule.needs_bp() {
            return true;
        }
        let Some(frame) = rule.apply(sp, bp, stack) else { return false };
        if frame.address == 0 {
            return true;
        }
        let Some(function) = function(at) else { return false };
        if frame.sp <= sp || !leads(stack, frame.address, &function, how) {
            return false;
        }
        (at, sp, bp) = (frame.address - 1, frame.sp, frame.bp);
    }
    true
}

/// Below it nothing is mapped, above it is the kernel.
fn may_be_code(address: usize) -> bool {
    (0x1_0000..1 << 47).contains(&address)
}

/// True when before `after` stands a call that led to the function, or when a signal's handler returns there.
fn leads(stack: &Window, after: usize, function: &Range<usize>, how: Match) -> bool {
    match code::call_before(stack.of(), after) {
        None => rule(after - 1).is_some_and(Rule::is_signals),
        Some(Call::ByPointer) => how != Match::Direct,
        Some(Call::To(target)) => {
            let target = if code::is_own(target) { code::hooked_by(target).unwrap_or(target) } else { target };
            target == function.start || how == Match::Loose || jumps_into(stack, target, function)
        }
    }
}

/// True when the function that begins at `from` jumps into the other one: to its begin by its last call, or into a part of itself that lies elsewhere
/// because it is seldom needed.
fn jumps_into(stack: &Window, from: usize, function: &Range<usize>) -> bool {
    const PIECE: usize = 256;
    /// Bytes of `jmp`, and of a jump on a condition, with where they jump to.
    const LONGEST: usize = 6;
    let Some(own) = self::function(from) else { return false };
    let mut bytes = [0u8; PIECE + LONGEST - 1];
    own.clone().step_by(PIECE).any(|piece| {
        // With a byte behind the function's end, where the shorter jump may stand.
        let bytes = &mut bytes[..(own.end + 1 - piece).min(PIECE + LONGEST - 1)];
        read_memory(piece, bytes)
            && bytes.windows(LONGEST).enumerate().any(|(index, code)| {
                let target = match *code {
                    [0x0f, 0x80..=0x8f, ref by @ ..] => code::relative(piece + index + 6, by),
                    [0xe9, ref by @ .., _] => code::relative(piece + index + 5, by),
                    _ => None,
                };
                target.is_some_and(|to| code::behind_import(stack.of(), to).is_some_and(|to| function.contains(&to)))
            })
    })
}

/// How many bytes the function that begins at `start` takes from the stack pointer at once (`sub`) in its first instructions, before `at`; 0 none.
fn allocated(start: usize, at: usize) -> usize {
    let mut bytes = [0u8; 96];
    let bytes = &mut bytes[..(at - start).min(96)];
    let sub = |code: &[u8]| match *code {
        [0x48, 0x83, 0xec, size, ..] => Some(size as i8 as usize),
        [0x48, 0x81, 0xec, ref size @ ..] => size.try_into().map(u32::from_ne_bytes).ok().map(|size| size as usize),
        _ => None,
    };
    let found = read_memory(start, bytes).then(|| bytes.windows(7).find_map(sub)).flatten();
    found.filter(|&size| size < LARGEST_FRAME).unwrap_or(0)
}
