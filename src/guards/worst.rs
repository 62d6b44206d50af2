//! FORKGUARD_WORST: the worst moment for a fork, for tests. With `list` the report tells who takes which lock; with a lock's identity a fork
//! waits until another thread holds that lock, which then keeps it until the fork is done. `forkguard check --worst` does both.
//!
//! It is the inverse of [`super::safe_point`], and no guard: it shows each time what may happen once in many starts. No other moments are shown
//! than those that there may be: a thread of Python's that has the GIL stands only where it may give it back.
use crate::describe::{self, libc_locks, own_fork_id};
use crate::entry::{record, record_with_scratch};
use crate::ledger;
use crate::options::{self, Worst};
use crate::sites::{self, SiteId, store};
use forkguard_core::fixed::Text;
use forkguard_core::glibc::LockKind;
use forkguard_core::registry::held::{Entry, HOLDS, MADE};
use forkguard_core::registry::{semaphores, threads};
use forkguard_core::{gate, kernel, worst};
use forkguard_loader::{MemoryAccess, find_object, is_in_c_library, next_libraries, path_of};
use forkguard_report::event::{Event, LockTaken, Role, WorstMoment};
use std::borrow::Cow::Borrowed;
use std::ffi::CStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

/// In the constructor; false where nobody asks for it.
pub(super) fn prepare() -> bool {
    let is_asked_for = options::get().worst != Worst::Off;
    if is_asked_for {
        worst::switch_on();
    }
    is_asked_for
}

/// What a lock is known by in another run of the program: where it lies in a library, else where it was taken.
struct Identity(u64);

impl Identity {
    const fn new() -> Identity {
        Identity(0xcbf2_9ce4_8422_2325)
    }

    /// Adds bytes (FNV-1a).
    fn add(mut self, bytes: &[u8]) -> Identity {
        bytes.iter().for_each(|&byte| self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        self
    }

    fn add_number(self, number: u64) -> Identity {
        self.add(&number.to_le_bytes())
    }

    /// Adds a place in a library.
    fn add_place(self, address: usize) -> Identity {
        let start = find_object(address).map_or(0, |library| library.start);
        let path = path_of(address).unwrap_or_default();
        self.add(path.as_str().as_bytes()).add_number((address - start) as u64)
    }

    fn of_function(name: &str) -> Identity {
        Identity::new().add_number(LockKind::Libc as u64).add(name.as_bytes())
    }

    fn of_lock(entry: &Entry, site: SiteId) -> Identity {
        let own = Identity::new().add_number(entry.kind as u64);
        match find_object(entry.address) {
            Some(_) => own.add_place(entry.address),
            None => own.add_site(site),
        }
    }

    /// Adds what leads to a lock: the innermost frames.
    fn add_site(self, site: SiteId) -> Identity {
        const FRAMES: usize = 3;
        let own = self.add_place(store::address_of(site));
        sites::frames_of(site).take(FRAMES).fold(own, |own, frame| match frame.address {
            0 => own.add(frame.file.as_bytes()).add(frame.function.as_bytes()).add_number(u64::from(frame.line)),
            address => own.add_place(address),
        })
    }
}

/// A thread goes into a function that takes a lock of the C library's. One that has the interpreter's lock keeps that: no thread of the
/// interpreter forks meanwhile.
pub(crate) fn enters(name: &'static CStr, caller: usize) {
    if !gate::awake() || gate::is_guest() || sites::holds_interpreter() || sites::holds_gvl() {
        return;
    }
    let name = libc_locks::family(name.to_str().unwrap_or_default());
    let identity = Identity::of_function(name);
    match options::get().worst {
        Worst::List => tell(&identity, LockKind::Libc, Some(name), 0, || sites::capture_always(caller)),
        Worst::Lock(chosen, _) if chosen == identity.0 && worst::is_armed_here() => give_way(),
        Worst::Lock(chosen, _) if chosen == identity.0 => worst::step(is_in_c_library, lock_of_streams()),
        _ => {}
    }
}

/// The C library's lock of the list of all streams, which fork takes.
fn lock_of_streams() -> usize {
    static LOCK: OnceLock<usize> = OnceLock::new();
    *LOCK.get_or_init(|| {
        let function = next_libraries(MemoryAccess::FAULT_PROOF).find_map(|library| library.find(c"_IO_list_lock"));
        // SAFETY: it lies amid the C library's code.
        function.map_or(0, |function| unsafe { worst::lock_taken_by(function) })
    })
}

/// A lock is about to be taken. What the fork itself needs (a handler of pthread_atfork takes it) it gets.
pub(crate) fn before_take(address: usize) {
    if worst::is_armed_here() && worst::is_noted(address) {
        give_way();
    }
}

/// A lock was taken, if the thread has it now. `tries`: by a call that its callers make before one that waits, with or without the GIL.
pub(crate) fn taken(address: usize, caller: usize, tries: bool) {
    // Those of its virtual machine MRI makes anew in a child.
    if sites::is_in_ruby(caller) {
        return;
    }
    let Some(entry) = threads::mine().and_then(|slot| slot.held.last(address)).filter(is_lock) else { return };
    let Some(site) = record(|_| sites::capture_always(caller)) else { return };
    let identity = Identity::of_lock(&entry, site);
    match options::get().worst {
        Worst::List => tell(&identity, entry.kind, None, address, || site),
        Worst::Lock(chosen, _) if chosen == identity.0 => {
            worst::note(address, tries);
            stand(address);
        }
        _ => {}
    }
}

/// What other threads may have to wait for: no token of its own thread's, no signal, nothing of the interpreter's.
fn is_lock(entry: &Entry) -> bool {
    let token = || entry.kind == LockKind::Semaphore && (entry.flags & MADE != 0 || semaphores::is_signal(entry.address));
    entry.flags & HOLDS != 0 && !sites::is_interpreters_own(entry.address) && !token()
}

/// A lock is about to be given back.
pub(crate) fn before_release(address: usize) {
    if worst::is_noted(address) {
        stand(address);
        worst::forget(address);
    }
}

/// Stands with the lock while another thread forks; one that has Ruby's GVL gives no other a chance to. Python's own locks are taken and given back where the GIL may change hands; in between
/// other locks that a thread takes with the GIL no thread of Python's forks.
fn stand(address: usize) {
    let needed = sites::holds_interpreter();
    if worst::is_armed() && !sites::holds_gvl() && (!needed || worst::is_noted_by_try(address)) {
        sites::without_interpreter(&worst::stand);
    }
}

/// Locks that the report knows, by identity, each with the first two threads that took it.
struct Known {
    identity: AtomicU64,
    threads: [AtomicU32; 2],
}

static KNOWN: [Known; 256] = [const { Known { identity: AtomicU64::new(0), threads: [const { AtomicU32::new(0) }; 2] } }; 256];

/// True for what is not known yet.
fn is_news(identity: &Identity, thread: u32) -> bool {
    let claim = |known: &&Known| {
        let own = known.identity.compare_exchange(0, identity.0, Relaxed, Relaxed);
        own.is_ok() || own == Err(identity.0)
    };
    let Some(known) = KNOWN.iter().find(claim) else { return false };
    if known.threads.iter().any(|known| known.load(Relaxed) == thread) {
        return false;
    }
    known.threads.iter().any(|place| place.compare_exchange(0, thread, Relaxed, Relaxed).is_ok())
}

/// Writes that this thread takes a lock, if that is news.
fn tell(identity: &Identity, kind: LockKind, name: Option<&str>, address: usize, site: impl FnOnce() -> SiteId) {
    let thread = kernel::thread_id();
    if !is_news(identity, thread) {
        return;
    }
    let site = record(|_| site()).unwrap_or(0);
    let lock = identity.text();
    record_with_scratch(|scratch| {
        ledger::begin_report(scratch);
        let (arena, birth) = (scratch.arena(), own_fork_id());
        let (label, name_set) =
            threads::mine().map_or(("", Text::new()), |slot| (sites::label(slot.label.load(Relaxed)).0, slot.name()));
        let kernel_name = describe::kernel_name(thread);
        let names = [label, name_set.as_str(), kernel_name.as_str()];
        let taken = LockTaken {
            lock: Borrowed(lock.as_str()),
            kind: describe::kind_of(kind, 0),
            name: name.or_else(|| describe::symbol(&arena, address)).map(Borrowed),
            thread,
            thread_name: Borrowed(names.into_iter().find(|name| !name.is_empty()).unwrap_or_default()),
            site: describe::site(&arena, Role::Taken, thread, site),
        };
        ledger::write_events(scratch, birth.as_ref().map(Text::as_str), [Some(Event::LockTaken(taken))]);
    });
}

impl Identity {
    fn text(&self) -> Text<16> {
        Text::of(format_args!("{:016x}", self.0))
    }
}

/// The wait of the thread that is about to fork: for one at a time.
struct Wait {
    /// Its kernel id; 0 none.
    thread: AtomicU32,
    ns: AtomicU64,
    gave_way: AtomicBool,
}

static WAIT: Wait = Wait { thread: AtomicU32::new(0), ns: AtomicU64::new(0), gave_way: AtomicBool::new(false) };

/// No thread had the lock in time: no further fork of this process waits.
static GIVEN_UP: AtomicBool = AtomicBool::new(false);

/// Waits for the lock's holder. Gives when that began and ends.
fn arm() -> Option<(u64, u64)> {
    let Worst::Lock(_, ms) = options::get().worst else { return None };
    if !gate::awake() || gate::is_guest() || GIVEN_UP.load(Relaxed) || !worst::has_others() {
        return None;
    }
    let start = kernel::monotonic();
    let until = start + u64::from(ms) * 1_000_000;
    worst::arm(until + worst::STAND_NS).then_some((start, until))
}

/// See [`super::safe_point::before_python_fork`]. Once this thread has the GIL again, whoever has the lock has it without the GIL.
pub(super) fn before_python_fork() {
    before_interpreters_fork(sites::without_interpreter);
}

/// The same for Ruby and its GVL.
pub(super) fn before_ruby_fork() {
    before_interpreters_fork(sites::without_gvl);
}

fn before_interpreters_fork(without_interpreter: fn(&dyn Fn())) {
    let Some((start, until)) = arm() else { return };
    loop {
        without_interpreter(&|| _ = worst::await_holder(until));
        if worst::holder().is_some() || kernel::monotonic() >= until {
            return end_wait(start);
        }
    }
}

/// See [`super::wait_before_fork`].
pub(super) fn wait_before_fork() {
    // Not asked for without need: a sandbox may forbid the call.
    let has_waited = WAIT.thread.load(Relaxed);
    if has_waited != 0 && has_waited == kernel::thread_id() {
        return;
    }
    if let Some((start, until)) = arm() {
        worst::await_holder(until);
        end_wait(start);
    }
}

fn end_wait(start: u64) {
    WAIT.ns.store(kernel::monotonic() - start, Relaxed);
    WAIT.gave_way.store(false, Relaxed);
    WAIT.thread.store(kernel::thread_id(), Relaxed);
    let is_held = worst::holder().is_some();
    GIVEN_UP.fetch_or(!is_held, Relaxed);
    // A safe point is waited for now: whoever has the lock must get to give it back.
    if !is_held || super::safe_point::is_asked_for() {
        worst::disarm();
    }
}

/// The fork needs the lock itself.
fn give_way() {
    WAIT.gave_way.store(true, Relaxed);
    worst::disarm();
}

/// See [`super::after_fork`].
pub(super) fn after_fork() {
    let is_own = || WAIT.thread.compare_exchange(kernel::thread_id(), 0, Relaxed, Relaxed).is_ok();
    if WAIT.thread.load(Relaxed) == 0 || !is_own() {
        return;
    }
    let is_armed = worst::is_armed_here();
    let holder = worst::disarm().filter(|_| is_armed);
    let Worst::Lock(lock, _) = options::get().worst else { return };
    let (lock, waited_us) = (Identity(lock).text(), WAIT.ns.load(Relaxed) as f64 / 1000.0);
    record_with_scratch(|scratch| {
        let birth = own_fork_id();
        let taken_by_fork = WAIT.gave_way.load(Relaxed);
        let moment = WorstMoment { lock: Borrowed(lock.as_str()), holder, taken_by_fork, waited_us };
        ledger::write_events(scratch, birth.as_ref().map(Text::as_str), [Some(Event::WorstMoment(moment))]);
    });
}
