//! FORKGUARD_SIGNALS_KEEP: a handler that the application set before the fork survives a reset by somebody else in the child.
//!
//! The kernel gets it back at once, so that no signal meets the default meanwhile. CPython has a table of its own of Python's handlers, too:
//! the main thread sets it by `_signal.signal`, between two instructions of its code.
use super::signals::{self, name};
use crate::describe;
use crate::entry::{Scratch, record, record_with_scratch};
use crate::findings::handler_dropped;
use crate::ledger::{log_action, report_state};
use crate::options;
use crate::sites::{self, python_handlers as python};
use forkguard_core::registry::signals::{COUNT, SignalSetting};
use forkguard_core::registry::{self, generation};
use forkguard_core::{flags, kernel};
use forkguard_loader::{AtomicIdentity, Identity};
use forkguard_report::event::{FindingKind, Guard, Role, State};
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// The reason why the finding of the inherited handler is resolved.
pub(super) const RESTORED_REASON: &str = "forkguard put the application's handler back";

/// The application's own setting of a signal.
struct SavedHandler {
    /// The site of the call, 0 none, and of the code that runs.
    site: AtomicUsize,
    code: AtomicUsize,
    /// Python's object, of which a reference is held; 0 for a native handler.
    object: AtomicUsize,
    /// The process's generation when it was set.
    generation: AtomicU32,
    /// The kernel's action: handler, flags, restorer, mask.
    action: [AtomicUsize; 4],
    /// The library of the handler.
    library: AtomicIdentity,
}

static SAVED: [SavedHandler; COUNT + 1] = [const {
    SavedHandler {
        site: AtomicUsize::new(0),
        code: AtomicUsize::new(0),
        object: AtomicUsize::new(0),
        generation: AtomicU32::new(0),
        action: [const { AtomicUsize::new(0) }; 4],
        library: AtomicIdentity::new(),
    }
}; COUNT + 1];

/// Signals whose handler CPython's main thread is still to set, those whose handler was restored in this process, and those of them whose
/// inherited handler the leader reported (bit n: signal n + 1).
#[unsafe(link_section = "forkguard_words")]
static PENDING: AtomicU64 = AtomicU64::new(0);
#[unsafe(link_section = "forkguard_words")]
static RESTORED: AtomicU64 = AtomicU64::new(0);
#[unsafe(link_section = "forkguard_words")]
static REPORTED: AtomicU64 = AtomicU64::new(0);
/// The signal that the main thread sets right now; 0 none.
#[unsafe(link_section = "forkguard_words")]
static RESTORING: AtomicI32 = AtomicI32::new(0);

fn bit(number: i32) -> u64 {
    1 << (number - 1)
}

/// See [`super::in_child`].
pub(super) fn reset_in_child() {
    if RESTORED.load(Relaxed) != 0 {
        RESTORED.store(0, Relaxed);
        REPORTED.store(0, Relaxed);
    }
}

/// True for the signal whose handler this very call restores.
pub(crate) fn is_being_restored(number: i32) -> bool {
    RESTORING.load(Relaxed) == number
}

/// After a call of this thread's has given a signal this disposition.
pub(crate) fn disposition_changed(number: i32, handler: usize, set: sites::Handler) {
    let chosen = matches!(number, 1..=64) && options::get().signals_keep & bit(number) != 0;
    if !chosen || !options::guards() {
        return;
    }
    let saved = &SAVED[number as usize];
    PENDING.fetch_and(!bit(number), Relaxed);
    match (handler > libc::SIG_IGN, Setter::of(set.site)) {
        (true, Setter::Application | Setter::Native) => _ = record(|_| saved.save(number, set)),
        // A handler that cannot be restored must not be replaced by the one before it.
        (true, Setter::OtherLanguage) => _ = record(|_| saved.forget()),
        (true, Setter::Package) => _ = record(|_| saved.is_native().then(|| saved.forget())),
        (false, _) => saved.reset(number, set),
    }
}

/// The code that sets a handler.
enum Setter {
    Application,
    /// Python code of a package or of the standard library.
    Package,
    /// A language whose handlers cannot be restored.
    OtherLanguage,
    Native,
}

impl Setter {
    fn of(site: usize) -> Setter {
        match describe::interpreted_frames(site).next() {
            None => Setter::Native,
            Some(frame) if frame.language != "python" => Setter::OtherLanguage,
            Some(_) if signals::is_by_application(site) => Setter::Application,
            Some(_) => Setter::Package,
        }
    }
}

/// True when application code resets its own handler, be it through the language's library.
fn is_applications_reset(site: usize) -> bool {
    describe::interpreted_frames(site).find(|frame| frame.party().is_some()).is_some_and(|frame| frame.is_application())
}

impl SavedHandler {
    fn save(&self, number: i32, set: sites::Handler) {
        let Some(action) = kernel::signal_action(number) else { return };
        self.retain(set.object);
        self.library.set(Identity::around(action.handler));
        let words = [action.handler, action.flags as usize, action.restorer, action.mask as usize];
        self.action.iter().zip(words).for_each(|(saved, word)| saved.store(word, Relaxed));
        self.code.store(set.code, Relaxed);
        self.site.store(set.site, Relaxed);
        self.generation.store(generation::current(), Relaxed);
    }

    /// Forgets a handler that does not exist any more: nor does its object, which is not released.
    fn abandon(&self) {
        self.object.store(0, Relaxed);
        self.site.store(0, Relaxed);
    }

    fn forget(&self) {
        self.retain(0);
        self.site.store(0, Relaxed);
    }

    /// Retains this object of Python's instead of the one before.
    fn retain(&self, object: usize) {
        let before = self.object.load(Relaxed);
        if before == object {
            return;
        }
        if object != 0 {
            python::retain(object);
        }
        self.object.store(object, Relaxed);
        // An object of an unloaded interpreter is gone with it.
        if before != 0 && self.library.still_loaded() {
            python::release_soon(before);
        }
    }

    fn action(&self) -> kernel::KernelAction {
        let [handler, flags, restorer, mask] = [0, 1, 2, 3].map(|index: usize| self.action[index].load(Relaxed));
        kernel::KernelAction { handler, flags: flags as u64, restorer, mask: mask as u64 }
    }

    /// The handler as an entry of the registry of settings.
    fn setting(&self) -> SignalSetting {
        let [handler, site, code] = [&self.action[0], &self.site, &self.code].map(|word| word.load(Relaxed));
        SignalSetting { handler, site, code, thread: kernel::thread_id(), inherited: false }
    }

    /// True for a handler that was set before the fork that made this process.
    fn is_inherited(&self) -> bool {
        self.generation.load(Relaxed) < generation::current()
    }

    /// True while the latest setting of the signal is the inherited one.
    fn is_in_effect(&self, number: i32) -> bool {
        let site = self.site.load(Relaxed);
        self.is_inherited() && registry::signals::settings(number).next().is_some_and(|latest| latest.site == site)
    }

    /// After a reset of the signal: restores the inherited handler of the application if other code than its own has reset it. Code that
    /// resets its own handler does so on purpose.
    fn reset(&self, number: i32, set: sites::Handler) {
        if self.site.load(Relaxed) == 0 {
            return;
        }
        let foreign = self.is_foreign(set.site);
        if is_applications_reset(set.site) || self.is_native() && !foreign {
            record(|_| self.forget());
        } else if foreign && self.is_inherited() {
            self.restore(number, set);
        }
    }

    fn is_native(&self) -> bool {
        matches!(Setter::of(self.site.load(Relaxed)), Setter::Native)
    }

    fn is_foreign(&self, reset: usize) -> bool {
        let judge = |scratch: &Scratch| {
            let arena = &scratch.arena();
            let set = describe::site(arena, Role::Set, 0, self.site.load(Relaxed))?;
            let reset = describe::site(arena, Role::Reset, 0, reset)?;
            Some(handler_dropped::is_foreign(&set, &reset))
        };
        record_with_scratch(judge).flatten() == Some(true)
    }

    fn restore(&self, number: i32, set: sites::Handler) {
        let start = kernel::monotonic();
        // CPython resets all handlers at its end, too: that is left so, and its objects are gone.
        if set.object == 0 && !self.is_native() {
            if !python::can_call() {
                self.abandon();
            }
            return;
        }
        if !self.library.still_loaded() {
            return self.abandon();
        }
        let restored = record(|_| {
            if self.object.load(Relaxed) != 0 {
                PENDING.fetch_or(bit(number), Relaxed);
                if !python::call_soon(set_in_python, number as usize) {
                    return Err(libc::EAGAIN);
                }
            }
            kernel::set_signal_action(number, &self.action())?;
            if RESTORED.load(Relaxed) & bit(number) == 0 && was_reported(number) {
                REPORTED.fetch_or(bit(number), Relaxed);
            }
            registry::signals::record_undone(number, self.setting());
            Ok(())
        });
        if let Some(result) = restored {
            log_restored(number, start, result);
        }
    }
}

/// Logs the first time for each signal and process: a server may reset it often.
fn log_restored(number: i32, start: u64, result: Result<(), i32>) {
    if RESTORED.fetch_or(bit(number), Relaxed) & bit(number) != 0 {
        return;
    }
    let name = name(number);
    let name = format_args!("{}", name.as_str());
    log_action(Guard::SignalsKeep, "handler put back", name, start, result);
    if !flags::is_settling() && REPORTED.load(Relaxed) & bit(number) != 0 {
        record_with_scratch(|scratch| {
            report_state(scratch, FindingKind::HandlerInherited, name, State::Resolved, None, RESTORED_REASON);
        });
    }
}

/// In the main thread, between two instructions, with the GIL held. An exception that is under way then goes on.
extern "C" fn set_in_python(number: *mut c_void) -> c_int {
    let number = number as i32;
    // The program may have set the signal since.
    if PENDING.fetch_and(!bit(number), Relaxed) & bit(number) == 0 {
        return 0;
    }
    RESTORING.store(number, Relaxed);
    let set = python::set(number, SAVED[number as usize].object.load(Relaxed));
    RESTORING.store(0, Relaxed);
    if set { 0 } else { -1 }
}

/// True when the leader reported the handler that this process inherited.
fn was_reported(number: i32) -> bool {
    describe::is_handled_by_application(number, true)
}

/// Calls `each` with the names of the signals whose restored handler is still set, and whose handler the leader reported.
pub(super) fn for_each_restored(mut each: impl FnMut(&str)) {
    let is_in_effect = |number: &i32| SAVED[*number as usize].is_in_effect(*number);
    signals::numbers(REPORTED.load(Relaxed)).filter(is_in_effect).for_each(|number| each(name(number).as_str()));
}
