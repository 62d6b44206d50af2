//! A child as /proc shows it: whether it lives, what it waits for, and where.
use forkguard_core::kernel;
use forkguard_core::kernel::other_process::{PARENT, STACK, START, STATE, read, stat};
use forkguard_loader::{belongs_to, link_map_of};
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
fn own_stack_start() -> Option<u64> {
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

/// Bytes that a child has at an address.
fn bytes_of<const N: usize>(pid: u32, address: usize) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    kernel::read_memory_of(pid, address, &mut bytes).then_some(bytes)
}

/// True when the child has the same code before and at this address as this process, which can then tell whose it is.
fn is_shared(pid: u32, address: usize) -> bool {
    let before = address.saturating_sub(16);
    let mut own = [0u8; 32];
    kernel::read_memory(before, &mut own) && bytes_of(pid, before) == Some(own)
}

/// The addresses at which a child waits, innermost first: the instruction, and the call of the library that it is in. None where the child has other
/// code than this process.
pub(super) fn wait_frames(pid: u32, wait: &Wait) -> [Option<usize>; 2] {
    let inner = Some(wait.instruction).filter(|&instruction| is_shared(pid, instruction));
    [inner, inner.and_then(|_| library_caller(pid, wait))]
}

/// The innermost call on the child's stack that leads from another library into the one that waits. (Go has no unwind tables.) That
/// the call goes there tells it from what earlier calls left on the stack.
fn library_caller(pid: u32, wait: &Wait) -> Option<usize> {
    const PAGE: usize = 4096;
    const PAGES: usize = 16;
    let library = link_map_of(wait.instruction)?;
    let mut start = wait.stack & !7;
    for _ in 0..PAGES {
        let end = (start & !(PAGE - 1)) + PAGE;
        let mut page = [0u8; PAGE];
        let page = &mut page[..end - start];
        if !kernel::read_memory_of(pid, start, page) {
            return None;
        }
        let words = page.as_chunks::<8>().0.iter().map(|word| usize::from_ne_bytes(*word));
        let outer = |word: &usize| link_map_of(*word).is_some_and(|from| from != library);
        if let Some(caller) = words.filter(outer).find(|&word| is_shared(pid, word) && calls_into(pid, word, library)) {
            return Some(caller);
        }
        start = end;
    }
    None
}

/// True when the instruction before `after` calls through an import that leads into the library.
fn calls_into(pid: u32, after: usize, library: usize) -> bool {
    let import = || {
        let word = |bytes: &[u8]| bytes.try_into().map(i32::from_ne_bytes).ok();
        let relative = |to: usize, by: i32| to.wrapping_add_signed(by as isize);
        let code: [u8; 6] = bytes_of(pid, after.checked_sub(6)?)?;
        if code[..2] == [0xff, 0x15] {
            return Some(relative(after, word(&code[2..])?));
        }
        // A call of a stub of the PLT: endbr64 and bnd or none, then a jump through the import.
        let stub = (code[1] == 0xe8).then_some(relative(after, word(&code[2..])?))?;
        let code: [u8; 16] = bytes_of(pid, stub)?;
        let jump = code[..11].windows(2).position(|two| two == [0xff, 0x25])?;
        Some(relative(stub + jump + 6, word(&code[jump + 2..jump + 6])?))
    };
    let target = import().and_then(|import| bytes_of(pid, import)).map(usize::from_ne_bytes);
    target.is_some_and(|target| belongs_to(target, library))
}
