//! The locks that a thread's `with` blocks hold, since 3.13: `threading.Lock` takes no function of the C library there. What a block calls at its
//! end lies among the values of its frame for as long as the thread is inside of it, and the code's table of handlers says how many of
//! those values are alive.
use super::layout::Blocks;
use super::reader::{Frame, Reader};
use crate::{Bytes, Memory};

/// Blocks in each other that are looked at.
const DEEPEST: usize = 16;
/// Handlers of a function that are looked at.
const MOST_HANDLERS: usize = 1 << 10;
/// Bytes that an object has for its reference count and its class.
const HEAD: usize = 16;

/// A lock object of `_thread` that is one byte, and takes a semaphore for its waiters only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ByteLock {
    /// Where that byte lies (PyMutex).
    pub address: usize,
    /// `RLock`: its owner follows (_PyRecursiveMutex).
    pub recursive: bool,
}

impl ByteLock {
    /// The byte, or None for memory that is not there.
    pub fn is_locked(self, memory: impl Memory) -> Option<bool> {
        memory.value(self.address).map(|byte: u8| byte & 1 != 0)
    }

    /// The pthread_t of the thread that a recursive one names as its owner.
    pub fn owner(self, memory: impl Memory) -> Option<usize> {
        if self.recursive { memory.value(self.address.wrapping_add(8)).filter(|&owner| owner != 0) } else { None }
    }
}

/// One entry of a code object's table, in code units.
struct Handler {
    start: usize,
    end: usize,
    target: usize,
    /// How many values are alive where it applies.
    depth: usize,
    /// It also gets the place of the exception, as those of `with` do.
    with_place: bool,
}

impl<M: Memory> Reader<'_, M> {
    /// Calls `each` with the locks whose `with` blocks a frame is inside of, and those blocks' lines, outermost first.
    pub fn with_locks(&self, frame: Frame, mut each: impl FnMut(ByteLock, Option<u32>)) -> Option<()> {
        let blocks = self.layout.blocks?;
        let mut targets = [0; DEEPEST + 1];
        let depth = self.blocks_around(blocks, frame, &mut targets)?;
        let variables: i32 = self.memory.value(frame.code.wrapping_add(blocks.variables))?;
        let values = frame.locals.wrapping_add(usize::try_from(variables).ok()? * 8);
        for (depth, &target) in targets.iter().enumerate().take(depth + 1).filter(|(_, target)| **target != 0) {
            if let Some(lock) =
                self.object_of_block(blocks, values.wrapping_add(depth * 8)).and_then(|object| self.byte_lock(object))
            {
                each(lock, self.line(Frame { position: i32::try_from(target.checked_mul(2)?).ok()?, ..frame }));
            }
        }
        Some(())
    }

    /// How many values are alive in a frame, and for the depths of those that belong to a `with` block where its handler begins.
    fn blocks_around(&self, blocks: Blocks, frame: Frame, targets: &mut [usize; DEEPEST + 1]) -> Option<usize> {
        let unit = usize::try_from(frame.position).ok()? / 2;
        let table: usize = self.memory.value(frame.code.wrapping_add(blocks.handlers))?;
        self.is(table, self.types.bytes)?;
        let length: usize = self.memory.value(table.wrapping_add(16))?;
        let mut bytes = Bytes::new(self.memory, table.wrapping_add(32), length.min(1 << 16));
        let mut alive = 0;
        for _ in 0..MOST_HANDLERS {
            let Some(handler) = handler(&mut bytes).filter(|handler| handler.start <= unit) else { break };
            if unit < handler.end {
                alive = handler.depth.min(DEEPEST);
            }
            let is_block = handler.with_place && handler.depth <= DEEPEST && self.is_of_block(blocks, frame.code, handler.target);
            if is_block {
                targets[handler.depth] = handler.target;
            }
        }
        (alive > 0).then_some(alive)
    }

    fn is_of_block(&self, blocks: Blocks, code: usize, target: usize) -> bool {
        let start = code.wrapping_add(self.layout.bytecode).wrapping_add(target.wrapping_mul(2));
        let opcode = |index: usize| self.memory.value::<u8>(start.wrapping_add(index * 2));
        opcode(0) == Some(blocks.handler[0]) && opcode(1) == Some(blocks.handler[1])
    }

    /// The object of a `with` block, whose values end at an address.
    fn object_of_block(&self, blocks: Blocks, end: usize) -> Option<usize> {
        let last = self.memory.value::<usize>(end.wrapping_sub(8))? & !3;
        if !blocks.bound {
            return Some(last);
        }
        // PyCFunctionObject: what it is of, and what it is bound to.
        self.is(last, self.types.builtin)?;
        self.memory.value(last.wrapping_add(24))
    }

    /// The lock that an object is, by name and size of its class.
    pub fn byte_lock(&self, object: usize) -> Option<ByteLock> {
        let is_object = object != 0 && object.is_multiple_of(8);
        let class: usize = if is_object { self.memory.value(object.wrapping_add(8))? } else { return None };
        let [name, size]: [usize; 2] = self.memory.value(class.wrapping_add(24))?;
        let mut text = [0; 14];
        let recursive = match size {
            24 => false,
            40 => true,
            _ => return None,
        };
        let expected: &[u8] = if recursive { b"_thread.RLock\0" } else { b"_thread.lock\0" };
        let text = &mut text[..expected.len()];
        let is_one = class.is_multiple_of(8) && self.memory.read(name, text) && text == expected;
        is_one.then_some(ByteLock { address: object.wrapping_add(HEAD), recursive })
    }

    /// The lock object whose byte lies at an address.
    pub fn byte_lock_at(&self, address: usize) -> Option<ByteLock> {
        self.byte_lock(address.checked_sub(HEAD)?)
    }
}

/// The next entry of a table: numbers of six bits a byte, the highest first; the first byte of an entry has the highest bit set.
fn handler(bytes: &mut impl Iterator<Item = u8>) -> Option<Handler> {
    let mut number = || {
        let mut value = 0usize;
        loop {
            let byte = bytes.next()?;
            value = value.checked_mul(64)? | usize::from(byte & 63);
            if byte & 64 == 0 {
                return Some(value);
            }
        }
    };
    let (start, length, target, last) = (number()?, number()?, number()?, number()?);
    Some(Handler { start, end: start.checked_add(length)?, target, depth: last >> 1, with_place: last & 1 != 0 })
}
