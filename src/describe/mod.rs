//! Turns what the registries and the kernel know into the report's types. Runs after the fork: in the leader for its report, in a
//! child that settled for its summary.
pub(crate) mod descriptors;
pub(crate) mod keep;
pub(crate) mod openmp;
mod seen;
mod shorten;

pub(crate) use shorten::{without_lists, without_sites};

use crate::entry::Arena;
use crate::entry::layouts;
use crate::sites::store::Kept;
use crate::sites::{self, native};
use forkguard_core::atfork::{self, Phase};
use forkguard_core::fixed::Text;
use forkguard_core::fork::shared_page;
use forkguard_core::fork::{self as core_fork, Door, Inner, LockRecord, ThreadRecord};
use forkguard_core::held::{ENTERED, Kind};
use forkguard_core::{descriptor, names, raw, signal, thread, timer};
use forkguard_report::event::*;
use seen::Seen;
use std::borrow::Cow::{self, Borrowed};
use std::ffi::CStr;
use std::sync::atomic::Ordering::Relaxed;

/// The process that reports, with a limit that its caller knows of.
pub(crate) fn process<'a>(arena: &'a Arena, mode: &'a str, limit: Option<&'static str>) -> Process<'a> {
    let mut limits = arena.list(4 + layouts::OBJECTS.len());
    limit.into_iter().for_each(|limit| limits.push(Borrowed(limit)));
    if shared_page::is_refused() {
        limits.push(Borrowed("memory shared with children is refused here: their waits are not seen from outside"));
    }
    if !raw::can_read_memory() {
        limits.push(Borrowed("process_vm_readv is forbidden here: no symbols, and locks are reported as recorded"));
    }
    if !native::can_find() {
        limits.push(Borrowed("this C library has no _dl_find_object: sites are addresses only"));
    }
    for name in layouts::unknown() {
        let text = format_args!("this C library lays its {name} out in a way that is not known: nobody looks into them");
        limits.push(Borrowed(arena.format(text)));
    }
    Process {
        forkguard: Borrowed(env!("CARGO_PKG_VERSION")),
        name: Borrowed(arena.text(own_name().as_str())),
        executable: Borrowed(arena.text(native::executable().as_str())),
        mode: Borrowed(mode),
        limits: Borrowed(limits.done()),
    }
}

/// This process's name in the kernel.
pub(crate) fn own_name() -> Text<16> {
    // The main thread's name is the process's.
    if raw::thread_id() == raw::process_id() { raw::own_thread_name() } else { thread_name(c"/proc/self/comm") }
}

fn thread_name(path: &CStr) -> Text<16> {
    let mut bytes = [0u8; 16];
    let read = raw::read_file(path, &mut bytes).len();
    let end = bytes[..read].iter().position(|&b| b == b'\n').unwrap_or(read);
    Text::from_bytes(&bytes[..end])
}

/// A site, by its word: the native frame that made the call, then the application's; None for an unknown address.
pub(crate) fn site<'a>(arena: &'a Arena, role: Role, thread: u32, word: usize) -> Option<Site<'a>> {
    let (address, outer) = sites::look(word);
    let calls = || [address].into_iter().chain(outer.clone().map(|kept| kept.address)).filter(|&address| address != 0);
    native::learn(calls().map(|address| address - 1));
    let mut frames = arena.list(1 + outer.clone().count());
    if address != 0 {
        frames.push(native::frame(arena, address - 1));
    }
    outer.for_each(|kept| match kept.address {
        0 => frames.push(frame(&kept)),
        address => frames.push(native::frame(arena, address - 1)),
    });
    let frames = frames.done();
    (!frames.is_empty()).then(|| Site { role, thread: (thread != 0).then_some(thread), frames: Borrowed(frames) })
}

/// Looks at the native code of a fork's sites together, each file opened once: [`site`] asks for them one by one.
fn learn_sites(inner: &Inner, descriptors: &[i32]) {
    let calls = |word| {
        let (address, outer) = sites::look(word);
        [address].into_iter().chain(outer.map(|kept| kept.address)).filter(|&address| address != 0).map(|address| address - 1)
    };
    let threads = inner.threads.as_slice().iter();
    let started = threads.clone().map(|thread| thread.start).filter(|&start| start != 0);
    let words = [inner.site].into_iter().chain(threads.map(|thread| thread.site));
    let words = words.chain(inner.locks.as_slice().iter().map(|lock| lock.entry.site));
    let words = words.chain(descriptors.iter().filter_map(|&fd| descriptor::record(fd)).map(|record| record.site));
    let words = words.chain(atfork::all().map(|registration| registration.site()));
    native::learn(words.flat_map(calls).chain(started));
}

/// Where a call was made, in one short text; empty when unknown.
pub(crate) fn place(arena: &Arena, address: usize) -> &str {
    if address == 0 {
        return "";
    }
    native::learn([address - 1].into_iter());
    let frame = native::frame(arena, address - 1);
    match (&frame.file, frame.line, &frame.module, &frame.function) {
        (Some(file), Some(line), ..) => arena.format(format_args!("{file}:{line}")),
        (_, _, Some(module), Some(function)) => arena.format(format_args!("{function} in {module}")),
        (_, _, Some(module), None) => arena.format(format_args!("{module}+{:#x}", frame.offset.unwrap_or(0))),
        _ => "",
    }
}

/// A site by return addresses, innermost first; None without one.
pub(crate) fn native_site<'a>(
    arena: &'a Arena,
    role: Role,
    thread: u32,
    calls: impl Iterator<Item = usize> + Clone,
) -> Option<Site<'a>> {
    native::learn(calls.clone().map(|address| address - 1));
    let mut frames = arena.list(calls.clone().count());
    calls.for_each(|address| frames.push(native::frame(arena, address - 1)));
    let frames = frames.done();
    (!frames.is_empty()).then(|| Site { role, thread: (thread != 0).then_some(thread), frames: Borrowed(frames) })
}

/// The interpreted frames that a word names, innermost first.
pub(crate) fn interpreted(word: usize) -> impl Iterator<Item = Frame<'static>> {
    sites::look(word).1.filter(|kept| kept.address == 0).map(|kept| frame(&kept))
}

/// The application's frame that a word names: the innermost.
fn application(word: usize) -> Option<Frame<'static>> {
    sites::look(word).1.next().filter(|kept| kept.address == 0).map(|kept| frame(&kept))
}

/// Where the lost threads stood at the fork, as far as this child read it.
pub(crate) fn stood<'a>(arena: &'a Arena, inner: &Inner) -> &'a [Site<'a>] {
    let threads = inner.threads.as_slice();
    let mut list = arena.list(threads.len());
    threads.iter().filter_map(|t| site(arena, Role::Stood, t.tid, t.stood)).for_each(|s| list.push(s));
    list.done()
}

/// A frame of an interpreter's.
fn frame(kept: &Kept) -> Frame<'static> {
    let text = |t: &'static str| (!t.is_empty()).then_some(Borrowed(t));
    Frame {
        language: Borrowed(kept.language.name()),
        function: text(kept.function),
        file: text(kept.file),
        line: (kept.line != 0).then_some(kept.line),
        module: None,
        offset: None,
        build_id: None,
    }
}

fn empty<'a>(kind: ForkKind, detail: Detail) -> Fork<'a> {
    Fork {
        kind,
        child: None,
        failed: None,
        detail,
        like: None,
        thread: raw::thread_id(),
        site: None,
        counts: Counts::default(),
        threads: Borrowed(&[]),
        locks: Borrowed(&[]),
        descriptors: Borrowed(&[]),
        signals: Borrowed(&[]),
        blocked: Borrowed(&[]),
        timers: Borrowed(&[]),
        atfork: Borrowed(&[]),
        memory: None,
        cost_us: Cost::default(),
        truncated: Truncated::default(),
    }
}

/// A process made by a way that runs no atfork handlers.
pub(crate) fn spawn<'a>(arena: &'a Arena, kind: ForkKind, caller: usize) -> Fork<'a> {
    let mut fork = empty(kind, Detail::Counts);
    fork.site = site(arena, Role::Fork, fork.thread, caller);
    fork.counts.threads = thread::live();
    fork.counts.descriptors = forkguard_core::descriptor::count();
    fork
}

/// A fork that is like the earlier one of this id; where it was called only if that differs.
pub(crate) fn like<'a>(arena: &'a Arena, inner: &Inner, earlier: &'a str, same_site: bool) -> Fork<'a> {
    let mut fork = empty(fork_kind(inner.door), Detail::Like);
    fork.like = Some(Borrowed(earlier));
    fork.thread = 0;
    fork.site = if same_site { None } else { site(arena, Role::Fork, inner.thread, inner.site) };
    fork.cost_us.prepare = inner.prepare_ns as f64 / 1000.0;
    fork
}

/// A fork, by its counts only; in a storm not even who called it and where.
pub(crate) fn counts<'a>(arena: &'a Arena, inner: &Inner, called: bool) -> Fork<'a> {
    let mut fork = empty(fork_kind(inner.door), Detail::Counts);
    if called {
        fork.thread = inner.thread;
        fork.site = site(arena, Role::Fork, inner.thread, inner.site);
    } else {
        fork.thread = 0;
    }
    if inner.prepared {
        let (threads, locks) = (&inner.threads, &inner.locks);
        let known = threads.as_slice().len() as u32 + threads.missed();
        fork.counts.threads = if thread::untracked() > 0 { known.max(inner.kernel_threads) } else { known };
        fork.counts.locks = locks.as_slice().iter().filter(|l| !l.own).count() as u32 + locks.missed();
        fork.counts.descriptors = inner.descriptors;
        fork.cost_us.prepare = inner.prepare_ns as f64 / 1000.0;
    }
    fork
}

/// A fork, with what its child lacks: what needs no look at the kernel's tables.
pub(crate) fn losses<'a>(arena: &'a Arena, inner: &Inner) -> Fork<'a> {
    let mut fork = counts(arena, inner, true);
    let threads = threads(arena, inner, &Seen::threads(arena, inner));
    fork.locks = Borrowed(locks(arena, inner, threads));
    fork.threads = Borrowed(threads);
    fork.blocked = Borrowed(blocked_names(arena, inner.blocked));
    fork.timers = Borrowed(timers(arena, inner));
    fork
}

/// A fork, with everything that is known of it. `blocked`: the signals that the child starts, or still goes on, without.
pub(crate) fn fork<'a>(arena: &'a Arena, inner: &Inner, blocked: u64) -> Fork<'a> {
    let leader = inner.leader == raw::process_id();
    let seen = Seen::all(arena, inner);
    let mut fork = counts(arena, inner, true);
    fork.detail = Detail::Full;
    let threads = threads(arena, inner, &seen);
    fork.counts.threads = fork.counts.threads.max(threads.len() as u32);
    fork.locks = Borrowed(locks(arena, inner, threads));
    fork.threads = Borrowed(threads);
    fork.truncated.threads = inner.threads.missed();
    fork.truncated.locks = inner.locks.missed();
    let (numbers, missed) = seen.descriptors;
    fork.descriptors = Borrowed(descriptors::all(arena, numbers));
    fork.truncated.descriptors = missed;
    fork.signals = Borrowed(signals(arena, leader));
    fork.blocked = Borrowed(blocked_names(arena, blocked));
    fork.timers = Borrowed(timers(arena, inner));
    fork.atfork = Borrowed(handlers(arena));
    fork.truncated.atfork = atfork::missed();
    fork.memory = seen.memory;
    fork
}

fn path_of_thread(tid: u32) -> Text<64> {
    let mut path = Text::new();
    let _ = std::fmt::Write::write_fmt(&mut path, format_args!("/proc/self/task/{tid}/comm"));
    path
}

/// In the leader a thread that had not begun to run at the fork may have by now.
fn tid_of(thread: &ThreadRecord, leader: bool) -> u32 {
    let same = || thread.slot.start.load(Relaxed) == thread.start && thread.slot.site.load(Relaxed) == thread.site;
    if leader && thread.tid == 0 && same() { thread.slot.tid.load(Relaxed) } else { thread.tid }
}

/// What the kernel or the program called a thread that this process lost.
pub(crate) fn name_of_lost(thread: &ThreadRecord) -> Text<16> {
    name_of(thread, thread.tid, false)
}

/// A thread's name: as it was set, else as the kernel has it, else (a lost one) the process's.
fn name_of(thread: &ThreadRecord, tid: u32, leader: bool) -> Text<16> {
    if !thread.name.is_empty() {
        return thread.name;
    }
    let kernel = if leader { path_of_thread(tid).as_cstr().map(thread_name) } else { None };
    kernel.filter(|n| !n.is_empty()).unwrap_or_else(own_name)
}

/// What the kernel calls a thread of this process.
pub(crate) fn kernel_name(tid: u32) -> Text<16> {
    path_of_thread(tid).as_cstr().map(thread_name).unwrap_or_default()
}

fn hex(arena: &Arena, address: usize) -> Option<Cow<'_, str>> {
    (address != 0).then(|| Borrowed(arena.format(format_args!("{address:#x}"))))
}

/// `of` is the leader, this process or the one that forked it.
fn thread<'a>(arena: &'a Arena, thread: &ThreadRecord, kernel_name: &'a Text<16>, forking: bool, of: u32) -> Thread<'a> {
    let leader = of == raw::process_id();
    let tid = tid_of(thread, leader);
    let (name, class) = sites::label(thread.label);
    Thread {
        tid,
        name: Borrowed(if name.is_empty() { kernel_name.as_str() } else { name }),
        class: (!class.is_empty()).then_some(Borrowed(class)),
        forking,
        recorded: true,
        detached: thread.detached,
        fork_safe: thread.fork_safe,
        creator: (thread.creator != 0).then_some(thread.creator),
        start: application(thread.code).or_else(|| (thread.start != 0).then(|| native::frame(arena, thread.start))),
        site: site(arena, Role::Started, thread.creator, thread.site),
        stood: site(arena, Role::Stood, tid, thread.stood),
        // A child cannot tell a thread's end from its leader's.
        ended: !forking && (thread.ending || leader && tid != 0 && !raw::thread_exists(tid)),
        holds: thread.holds,
        waits_for: hex(arena, thread.waits_for),
    }
}

/// Threads that a child lost, in the leader.
pub(crate) fn lost_threads<'a>(arena: &'a Arena, records: &[ThreadRecord]) -> &'a [Thread<'a>] {
    let mut list = arena.list(records.len());
    let named = records.iter().zip(seen::names(arena, records, raw::process_id()));
    named.for_each(|(record, name)| list.push(thread(arena, record, name, false, raw::process_id())));
    list.done()
}

fn threads<'a>(arena: &'a Arena, inner: &Inner, seen: &Seen<'a>) -> &'a [Thread<'a>] {
    let recorded = inner.threads.as_slice();
    let mut list = arena.list(recorded.len() + seen.unrecorded.len());
    let named = recorded.iter().zip(seen.names);
    named.for_each(|(record, name)| list.push(thread(arena, record, name, record.tid == inner.thread, inner.leader)));
    seen.unrecorded.iter().for_each(|(tid, name)| list.push(unrecorded(name, *tid, *tid == inner.thread)));
    list.done()
}

/// One that only the kernel knows.
fn unrecorded<'a>(name: &'a Text<16>, tid: u32, forking: bool) -> Thread<'a> {
    Thread {
        tid,
        name: Borrowed(name.as_str()),
        forking,
        recorded: false,
        detached: false,
        fork_safe: false,
        creator: None,
        class: None,
        start: None,
        site: None,
        stood: None,
        ended: false,
        holds: 0,
        waits_for: None,
    }
}

fn parse(name: &CStr) -> Option<u32> {
    name.to_str().ok()?.parse().ok()
}

fn locks<'a>(arena: &'a Arena, inner: &Inner, threads: &[Thread<'a>]) -> &'a [Lock<'a>] {
    let records = inner.locks.as_slice();
    let mut list = arena.list(records.len());
    for lock in records.iter().filter(|l| l.broken_in_child() && still_inside(l)) {
        let libc = lock.entry.kind == Kind::Libc;
        let holder = threads.iter().find(|t| t.tid == lock.holder);
        list.push(Lock {
            address: if libc { None } else { hex(arena, lock.entry.address) },
            kind: lock_kind(lock),
            name: if libc {
                Some(Borrowed(libc_name(lock.entry.address)))
            } else {
                symbol(arena, lock.entry.address).map(Borrowed)
            },
            holder: lock.holder,
            holder_name: holder.map_or(Borrowed(""), |t| Borrowed(arena.text(&t.name))),
            own: lock.own,
            signal: lock.signal,
            shared: !libc && raw::is_shared(lock.entry.address) == Some(true),
            site: site(arena, Role::Taken, lock.holder, lock.entry.site),
        });
    }
    list.done()
}

/// A lock whose release is not seen counts when the kernel shows its holder's stack below the call: then the thread has been inside
/// since before the fork. (It can be asked in the leader only, and of a thread that sleeps: who waits for what does.)
fn still_inside(lock: &LockRecord) -> bool {
    lock.entry.flags & ENTERED == 0 || raw::stack_pointer(lock.holder).is_some_and(|sp| sp < lock.entry.frame)
}

/// The name that a hook of `hooks/libc_locks.rs` put into the entry.
pub(crate) fn libc_name(address: usize) -> &'static str {
    // SAFETY: entries of this kind carry the address of a C string in this library's own read-only data.
    unsafe { CStr::from_ptr(address as *const _) }.to_str().unwrap_or("")
}

/// What a lock is called: by the program, else by the symbol that its address lies in.
pub(crate) fn symbol(arena: &Arena, address: usize) -> Option<&str> {
    let given = names::of_lock(address).map(|name| arena.text(name.as_str()));
    given.or_else(|| native::data_symbol(arena, address).map(|name| arena.text(&name)))
}

/// What kind of lock a record is of.
pub(crate) fn lock_kind(lock: &LockRecord) -> LockKind {
    match (lock.entry.kind, lock.owner_checking()) {
        (Kind::Mutex, 1) => LockKind::RecursiveMutex,
        (Kind::Mutex, 2) => LockKind::ErrorcheckMutex,
        (Kind::Mutex, _) => LockKind::Mutex,
        (Kind::C11Mutex, _) => LockKind::C11Mutex,
        (Kind::Read, _) => LockKind::RwlockRead,
        (Kind::Write, _) => LockKind::RwlockWrite,
        (Kind::Spin, _) => LockKind::SpinLock,
        (Kind::Semaphore, _) => LockKind::Semaphore,
        (Kind::Libc, _) => LockKind::Libc,
    }
}

/// A signal's name.
pub(crate) fn signal_name(arena: &Arena, number: i32) -> Cow<'_, str> {
    match number {
        ..=31 => Borrowed(signal::name(number)),
        _ => Borrowed(arena.format(format_args!("SIGRTMIN+{}", number - 34))),
    }
}

/// Signals that are not at their default. 32 and 33 are glibc's own.
fn signals(arena: &Arena, leader: bool) -> &[Signal<'_>] {
    let mut list = arena.list(signal::COUNT);
    for number in (1..=signal::COUNT as i32).filter(|n| !matches!(n, 9 | 19 | 32 | 33)) {
        let Some(action) = raw::signal_action(number).filter(|a| a.handler != libc::SIG_DFL) else { continue };
        let setter = signal::setter(number, action.handler).filter(|s| leader || s.inherited);
        let caught = action.handler != libc::SIG_IGN;
        let code = setter.and_then(|s| application(s.code));
        let mut earlier = arena.list(signal::REMEMBERED);
        // What set it outside the application's code (the interpreter at its start) is no news.
        let others = signal::earlier(number).filter(|s| s.handler > libc::SIG_IGN && application(s.site).is_some());
        others.filter_map(|s| site(arena, Role::Set, s.thread, s.site)).for_each(|s| earlier.push(s));
        list.push(Signal {
            signal: signal_name(arena, number),
            number: number as u32,
            disposition: if caught { Disposition::Handler } else { Disposition::Ignore },
            handler: caught.then(|| code.unwrap_or_else(|| native::frame(arena, action.handler))),
            site: setter.and_then(|s| site(arena, Role::Set, s.thread, s.site)),
            earlier: Borrowed(earlier.done()),
        });
    }
    list.done()
}

fn blocked_names(arena: &Arena, mask: u64) -> &[Cow<'_, str>] {
    let mut list = arena.list(signal::COUNT);
    (1..=signal::COUNT as i32)
        .filter(|n| mask & 1 << (n - 1) != 0 && !matches!(n, 32 | 33))
        .for_each(|n| list.push(signal_name(arena, n)));
    list.done()
}

const INTERVAL_CLOCKS: [(&str, i32); 3] = [("real", libc::SIGALRM), ("virtual", libc::SIGVTALRM), ("prof", libc::SIGPROF)];

/// The clock of one of setitimer's.
pub(crate) fn interval_clock(which: i32) -> Cow<'static, str> {
    Borrowed(INTERVAL_CLOCKS[which as usize % INTERVAL_CLOCKS.len()].0)
}

/// The timers that were armed at a fork.
pub(crate) fn timers<'a>(arena: &'a Arena, inner: &Inner) -> &'a [Timer<'a>] {
    let mut list = arena.list(40);
    for (which, (clock, number)) in INTERVAL_CLOCKS.iter().enumerate().filter(|(i, _)| inner.interval_timers & 1 << i != 0) {
        list.push(Timer {
            call: Borrowed(if which == 0 && timer::by_alarm() { "alarm" } else { "setitimer" }),
            clock: Borrowed(clock),
            signal: Some(signal_name(arena, *number)),
            site: site(arena, Role::Armed, 0, inner.interval_sites[which]),
        });
    }
    for timer in inner.timers.as_slice() {
        list.push(Timer {
            call: Borrowed("timer_create"),
            clock: clock_name(arena, timer.clock),
            signal: (timer.signal != 0).then(|| signal_name(arena, timer.signal)),
            site: site(arena, Role::Armed, 0, timer.site),
        });
    }
    list.done()
}

/// A clock's name.
pub(crate) fn clock_name(arena: &Arena, clock: i32) -> Cow<'_, str> {
    match clock {
        libc::CLOCK_REALTIME => Borrowed("real"),
        libc::CLOCK_MONOTONIC => Borrowed("monotonic"),
        libc::CLOCK_BOOTTIME => Borrowed("boot"),
        libc::CLOCK_PROCESS_CPUTIME_ID => Borrowed("process-cpu"),
        libc::CLOCK_THREAD_CPUTIME_ID => Borrowed("thread-cpu"),
        other => Borrowed(arena.format(format_args!("clock {other}"))),
    }
}

fn handlers(arena: &Arena) -> &[Atfork<'_>] {
    let mut list = arena.list(atfork::CAPACITY);
    for registration in atfork::all() {
        let site = site(arena, Role::Registered, 0, registration.site());
        let library = site.as_ref().and_then(|s| s.frames.first()?.module.clone()).unwrap_or(Borrowed("unknown"));
        list.push(Atfork {
            library,
            site,
            prepare_us: registration.spent_us(Phase::Prepare),
            parent_us: registration.spent_us(Phase::Parent),
            child: registration.handler(Phase::Child) != 0,
        });
    }
    list.done()
}

/// Resident kilobytes above which the leader does not let the kernel walk its pages: that would cost it more than its report.
const WALKED: u64 = 64 << 10;

/// The leader's memory: always what statm has, the rest while the walk is cheap.
fn leader_memory() -> Option<Memory> {
    let mut bytes = [0u8; 128];
    let text = std::str::from_utf8(raw::read_file(c"/proc/self/statm", &mut bytes)).ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    let rss = pages * 4;
    if rss <= WALKED { own_memory() } else { Some(Memory { rss, pss: None, shared: None, private: None }) }
}

/// All of this process's memory: the kernel walks every page for it.
pub(crate) fn own_memory() -> Option<Memory> {
    let mut bytes = [0u8; 2048];
    let text = std::str::from_utf8(raw::read_file(c"/proc/self/smaps_rollup", &mut bytes)).ok()?;
    let field = |name: &str| -> Option<u64> {
        text.lines().find_map(|l| l.strip_prefix(name)?.trim().strip_suffix("kB")?.trim().parse().ok())
    };
    let sum = |names: [&str; 2]| Some(field(names[0])? + field(names[1])?);
    Some(Memory {
        rss: field("Rss:")?,
        pss: field("Pss:"),
        shared: sum(["Shared_Clean:", "Shared_Dirty:"]),
        private: sum(["Private_Clean:", "Private_Dirty:"]),
    })
}

/// `LEADER.SEQUENCE`.
pub(crate) fn fork_id(leader: u32, sequence: u64) -> Text<32> {
    Text::of(format_args!("{leader}.{sequence}"))
}

/// The id of the fork that made this process; None when no handler of ours saw one.
pub(crate) fn own_fork_id() -> Option<Text<32>> {
    let fork = core_fork::birth()?.facts();
    Some(fork_id(fork.leader, fork.sequence))
}

/// Which kind a snapshot's door stands for.
pub(crate) fn fork_kind(door: Door) -> ForkKind {
    match door {
        Door::Fork => ForkKind::Fork,
        Door::Daemon => ForkKind::Daemon,
        Door::Forkpty => ForkKind::Forkpty,
        Door::Internal => ForkKind::Internal,
    }
}

/// The last part of the id of a finding about a lock.
pub(crate) fn lock_id(lock: &LockRecord) -> Text<64> {
    let (address, holder) = (lock.entry.address, lock.holder);
    match lock.entry.kind {
        Kind::Libc => Text::of(format_args!("{}-{holder}", libc_name(address))),
        _ => Text::of(format_args!("{address:#x}-{holder}")),
    }
}
