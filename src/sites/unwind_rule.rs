//! From a place in the code to its caller's frame: what the unwind tables say of it, in one word, and remembered.
use super::eh_frame::{self, BP, FrameAddress, Row, SP, Saved};
use super::stack_of::Window;
use forkguard_loader::find_object;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The calling frame's registers.
pub(super) struct Frame {
    pub(super) address: usize,
    pub(super) sp: usize,
    /// 0 unknown.
    pub(super) bp: usize,
}

/// How to get from a place in the code to its caller's frame, in one word: flags, and two offsets from bit 8 and 32 on.
#[derive(Clone, Copy)]
pub(super) struct Rule(u64);

impl Rule {
    /// The walk ends here.
    const END: Rule = Rule(1);
    /// A signal handler returns to it.
    const SIGNALS: Rule = Rule(2);
    /// The frame's address counts from rbp, not from the stack pointer,
    const BY_BP: u64 = 4;
    /// or is in memory there.
    const IN_MEMORY: u64 = 8;
    /// rbp is saved: at an offset from the frame's address,
    const BP_SAVED: u64 = 16;
    /// or from where rbp points to.
    const AT_BP: u64 = 32;
    /// The caller's rbp is not known.
    const BP_LOST: u64 = 64;

    fn of(row: Row) -> Rule {
        if row.is_signals {
            return Rule::SIGNALS;
        }
        let (by, offset) = match row.frame {
            FrameAddress::From(SP, offset @ 8..0x80_0000) => (0, offset),
            FrameAddress::From(BP, offset @ 8..0x80_0000) => (Rule::BY_BP, offset),
            FrameAddress::InMemory(offset @ -0x80_0000..0x80_0000) => (Rule::BY_BP | Rule::IN_MEMORY, offset),
            _ => return Rule::END,
        };
        let (kept, saved) = match row.bp {
            Saved::Same => (0, 0),
            Saved::At(offset) => (Rule::BP_SAVED, offset),
            Saved::AtBp(offset) => (Rule::BP_SAVED | Rule::AT_BP, offset),
            Saved::Unknown => (Rule::BP_LOST, 0),
        };
        match i32::try_from(saved) {
            Ok(saved) if row.return_address == Saved::At(-8) => {
                let offset = u64::from(offset as u32 & 0xff_ffff);
                Rule(by | kept | offset << 8 | u64::from(saved.cast_unsigned()) << 32)
            }
            _ => Rule::END,
        }
    }

    pub(super) fn ends(self) -> bool {
        self.0 & (Rule::END.0 | Rule::SIGNALS.0) != 0
    }

    /// True where a signal's handler returns to.
    pub(super) fn is_signals(self) -> bool {
        self.0 & Rule::SIGNALS.0 != 0
    }

    pub(super) fn needs_bp(self) -> bool {
        !self.ends() && self.0 & (Rule::BY_BP | Rule::AT_BP) != 0
    }

    /// Where the return address lies if rbp is `bp`; of a function that aligns its stack, a copy of it.
    pub(super) fn return_slot(self, bp: usize) -> usize {
        bp.wrapping_add_signed(if self.0 & Rule::IN_MEMORY != 0 { 8 } else { self.offset() - 8 })
    }

    fn offset(self) -> isize {
        (self.0 as u32).cast_signed() as isize >> 8
    }

    pub(super) fn apply(self, sp: usize, bp: usize, stack: &mut Window) -> Option<Frame> {
        if self.ends() {
            return None;
        }
        let base = if self.0 & Rule::BY_BP != 0 { bp } else { sp };
        let above = base.checked_add_signed(self.offset())?;
        let above = if self.0 & Rule::IN_MEMORY != 0 { stack.read(above)? } else { above };
        let saved = (self.0 >> 32) as u32 as i32 as isize;
        let from = if self.0 & Rule::AT_BP != 0 { bp } else { above };
        // In the order of the addresses: one piece of the stack holds both.
        let bp = match self.0 & (Rule::BP_SAVED | Rule::BP_LOST) {
            0 => bp,
            Rule::BP_SAVED => stack.read(from.wrapping_add_signed(saved))?,
            _ => 0,
        };
        Some(Frame { address: stack.read(above.checked_sub(8)?)?, sp: above, bp })
    }
}

/// Rules by the code that they are for: a key mixed with the rule, and the rule. Halves of two writers do not fit together.
static RULES: [[AtomicU64; 2]; 1024] = [const { [const { AtomicU64::new(0) }; 2] }; 1024];

/// The rule for an address of code; None outside of all libraries.
pub(super) fn rule(at: usize) -> Option<Rule> {
    let found = find_object(at)?;
    let entry = &RULES[(at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) % RULES.len()];
    // Another library may come to lie at the same addresses.
    let key = at as u64 ^ (found.link_map as u64).rotate_left(20) ^ (found.eh_frame as u64).rotate_left(40);
    let [mixed, known] = [entry[0].load(Relaxed), entry[1].load(Relaxed)];
    if known != 0 && mixed ^ known == key {
        return Some(Rule(known));
    }
    let rule = eh_frame::row(found.eh_frame, at).map_or(Rule::END, Rule::of);
    entry[0].store(key ^ rule.0, Relaxed);
    entry[1].store(rule.0, Relaxed);
    Some(rule)
}
