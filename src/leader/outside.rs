//! A child as /proc shows it: whether it lives, what it waits for, and where.
use crate::entry::Arena;
use crate::entry::arena::ArenaList;
use crate::sites::{self, StackOf, Start};
use forkguard_core::kernel;
use forkguard_core::kernel::other_process::{PARENT, STACK, START, STATE, read, stat};
use forkguard_loader::{belongs_to, is_in_c_library, link_map_of, path_of};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A wait for a futex that only the child's own process could end, by its only thread.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait {
    pub(super) address: usize,
    /// The program counter.
    pub(super) instruction: usize,
    stack: usize,
    /// How often it had given up the processor by itself.
    switches: u64,
}

/// What a child does.
pub(super) enum Activity {
    /// The child is gone, or another program by now.
    Gone,
    /// It has ended, or /proc does not show it.
    Unknown,
    /// It runs, or waits otherwise.
    Elsewhere,
    /// It waits for a futex.
    Waits(Wait),
}

#[derive(PartialEq, Eq)]
enum Life {
    Lives,
    /// Its leader has yet to wait for it.
    Ended,
}

/// The address at which this program's stack begins.
pub(super) fn own_stack_start() -> Option<u64> {
    static OWN: AtomicU64 = AtomicU64::new(0);
    if OWN.load(Relaxed) == 0 {
        let own = stat(&mut [0; 1024], "self")(STACK)?.parse().ok()?;
        OWN.store(own, Relaxed);
    }
    Some(OWN.load(Relaxed))
}

/// None for a process that is gone, or is not the one that was forked at that time: another one by the same number, or another program.
fn life(pid: u32, forked_at: u64) -> Option<Life> {
    const TICK_NS: u64 = 10_000_000;
    const NEAR_NS: u64 = 2_000_000_000;
    let mut bytes = [0; 1024];
    let word = stat(&mut bytes, pid);
    let number = |index| word(index)?.parse::<u64>().ok();
    let ours = number(PARENT)? == u64::from(kernel::process_id());
    let then = number(START)?.saturating_mul(TICK_NS).abs_diff(forked_at) < NEAR_NS;
    // An exec gives a process a new stack.
    let same_program = number(STACK) == own_stack_start();
    let ended = matches!(word(STATE), Some("Z" | "X"));
    (ours && then && (same_program || ended)).then_some(if ended { Life::Ended } else { Life::Lives })
}

/// True for a child of this process that runs another program.
pub(super) fn is_executed_child(pid: u32) -> bool {
    let mut bytes = [0; 1024];
    let word = stat(&mut bytes, pid);
    let number = |index| word(index)?.parse::<u64>().ok();
    number(PARENT) == Some(u64::from(kernel::process_id())) && number(STACK) != own_stack_start()
}

/// True for a process that was forked from this one, or from a child of its, and has executed nothing since.
pub(super) fn is_child_of_own_program(pid: u32) -> bool {
    let mut bytes = [0; 1024];
    let word = stat(&mut bytes, pid);
    word(STACK).and_then(|start| start.parse().ok()) == own_stack_start()
}

/// True for a child of this process that has not ended.
pub(super) fn lives(pid: u32) -> bool {
    let mut bytes = [0; 1024];
    let word = stat(&mut bytes, pid);
    let is_own = word(PARENT).and_then(|parent| parent.parse().ok()) == Some(kernel::process_id());
    is_own && !matches!(word(STATE), Some("Z" | "X"))
}

/// What a child does that was forked at that time (nanoseconds since boot). Unless `always`, whether it lives is asked only of one that waits.
pub(super) fn observe(pid: u32, forked_at: u64, always: bool) -> Activity {
    let mut bytes = [0; 256];
    let call = read(&mut bytes, pid, "syscall");
    let wait = futex(call);
    if wait.is_none() && !call.is_empty() && !always {
        return Activity::Elsewhere;
    }
    match life(pid, forked_at) {
        None => return Activity::Gone,
        Some(Life::Ended) => return Activity::Unknown,
        Some(Life::Lives) => {}
    }
    let Some(wait) = wait else { return if call.is_empty() { Activity::Unknown } else { Activity::Elsewhere } };
    let mut bytes = [0; 4096];
    let status = read(&mut bytes, pid, "status");
    let value = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    match (value("Threads:"), value("voluntary_ctxt_switches:")) {
        (Some(1), Some(switches)) => Activity::Waits(Wait { switches, ..wait }),
        _ => Activity::Elsewhere,
    }
}

/// The wait that a system call is, by its number, its six arguments, stack pointer and program counter.
fn futex(call: &str) -> Option<Wait> {
    let mut words = call.split_ascii_whitespace();
    if words.next()?.parse() != Ok(libc::SYS_futex) {
        return None;
    }
    let mut hex = || usize::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
    let [address, operation, _, timeout, _, _, stack, instruction] =
        [hex()?, hex()?, hex()?, hex()?, hex()?, hex()?, hex()?, hex()?];
    let operation = operation as i32;
    let waits = matches!(operation & libc::FUTEX_CMD_MASK, libc::FUTEX_WAIT | libc::FUTEX_WAIT_BITSET);
    let own = operation & libc::FUTEX_PRIVATE_FLAG != 0;
    (waits && own && timeout == 0).then_some(Wait { address, instruction, stack, switches: 0 })
}

/// True when the child has the same code before and at this address as this process, which can then tell whose it is.
fn is_shared(pid: u32, address: usize) -> bool {
    let before = address.saturating_sub(16);
    let mut own = [0u8; 32];
    kernel::read_memory(before, &mut own) && kernel::bytes_of(pid, before) == Some(own)
}

/// Frames of a child's stack that are read.
const FRAMES: usize = 32;

/// The addresses behind the calls that led to a child's wait, innermost first: none of this library, and of the C library's own calls the first and
/// the last. Empty where the child has other code than this process.
pub(super) fn wait_frames<'a>(arena: &'a Arena, pid: u32, wait: &Wait) -> &'a [usize] {
    let mut frames = arena.list(FRAMES);
    add_frames(&mut frames, pid, wait.instruction, wait.stack);
    let library = link_map_of(wait.instruction);
    if frames.as_slice().iter().all(|&address| link_map_of(address) == library)
        && let Some((caller, stack)) = library_caller(pid, wait)
    {
        add_frames(&mut frames, pid, caller, stack);
    }
    let frames = frames.done();
    match frames.iter().take_while(|&&address| is_in_libc(address)).count() {
        inner @ 3.. => arena.join([&frames[..1], &frames[inner - 1..]]),
        _ => frames,
    }
}

/// The addresses behind the calls that led to where a child is in the kernel, innermost first; none of this library. Empty for one that runs.
pub(super) fn native_frames(arena: &Arena, pid: u32) -> &[usize] {
    let mut frames = arena.list(FRAMES);
    let mut bytes = [0; 256];
    let mut words = read(&mut bytes, pid, "syscall").split_ascii_whitespace().rev();
    let mut hex = || usize::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
    if let (Some(instruction), Some(stack)) = (hex(), hex()) {
        add_frames(&mut frames, pid, instruction, stack);
    }
    frames.done()
}

/// True for an address in the C library, or in a part of it: the dynamic linker, and before glibc 2.34 its functions and the resolver's threads.
pub(super) fn is_in_libc(address: usize) -> bool {
    let is_part = |path: &str| ["/ld-linux", "/libdl.", "/libdl-", "/libanl"].iter().any(|part| path.contains(part));
    is_in_c_library(address) || path_of(address).is_some_and(|path| is_part(path.as_str()))
}

/// Adds a place of a child's code and the calls that led there.
fn add_frames(frames: &mut ArenaList<'_, usize>, pid: u32, instruction: usize, stack: usize) {
    let mut add = |address| {
        let shared = is_shared(pid, address);
        if shared && !sites::is_own(address) {
            frames.push(address);
        }
        shared
    };
    if add(instruction) {
        sites::sleeper_addresses(StackOf::Child(pid), Start::of_sleeper(instruction, stack), &mut add);
    }
}

/// The innermost call on the child's stack that leads from another library into the one that waits, and the stack pointer behind it. (Go has no
/// unwind tables.) That the call goes there tells it from what earlier calls left on the stack.
fn library_caller(pid: u32, wait: &Wait) -> Option<(usize, usize)> {
    const PAGE: usize = 4096;
    const PAGES: usize = 16;
    let library = link_map_of(wait.instruction)?;
    let leads_there = |after: usize| {
        let target = sites::call_target(StackOf::Child(pid), after);
        target.is_some_and(|target| belongs_to(target, library))
    };
    let mut start = wait.stack & !7;
    for _ in 0..PAGES {
        let end = (start & !(PAGE - 1)) + PAGE;
        let mut page = [0u8; PAGE];
        let page = &mut page[..end - start];
        if !kernel::read_memory_of(pid, start, page) {
            return None;
        }
        let words = page.as_chunks::<8>().0.iter().map(|word| usize::from_ne_bytes(*word)).enumerate();
        let outer = |word: &usize| link_map_of(*word).is_some_and(|from| from != library);
        let mut calls = words.filter(|(_, word)| outer(word) && is_shared(pid, *word) && leads_there(*word));
        if let Some((index, caller)) = calls.next() {
            return Some((caller, start + 8 * index + 8));
        }
        start = end;
    }
    None
}
