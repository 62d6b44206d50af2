//! FORKGUARD_SIGNALS_KEEP: a handler that the application set before the fork survives a reset by somebody else in the child.
//!
//! The kernel gets it back at once, so that no signal finds the default meanwhile. Python's handlers stand in a table of CPython's own, too:
//! there it goes by way of `_signal.signal`, which the main thread calls between two instructions of its code.
use super::signals::{self, name};
use super::*;
use crate::describe;
use crate::entry::{Scratch, record};
use crate::findings::handler_dropped;
use crate::sites::{self, python_handlers as python};
use forkguard_core::generation;
use forkguard_core::signal::{self, COUNT, Set};
use forkguard_loader::{AtomicIdentity, Identity};
use forkguard_report::event::{Kind, Role, State};
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize};

/// Why the finding of the inherited handler is none any more.
pub(super) const BECAUSE: &str = "forkguard put the application's handler back";

/// The application's own setting of a signal.
struct Kept {
    /// The word of the call, 0 none, and of the code that runs.
    site: AtomicUsize,
    code: AtomicUsize,
    /// Python's object, of which a reference is held; 0 where the kernel's action is all there is.
    object: AtomicUsize,
    /// The process's generation when it was set.
    generation: AtomicU32,
    /// The kernel's action: handler, flags, restorer, mask.
    action: [AtomicUsize; 4],
    /// The library of the handler.
    library: AtomicIdentity,
}

static KEPT: [Kept; COUNT + 1] = [const {
    Kept {
        site: AtomicUsize::new(0),
        code: AtomicUsize::new(0),
        object: AtomicUsize::new(0),
        generation: AtomicU32::new(0),
        action: [const { AtomicUsize::new(0) }; 4],
        library: AtomicIdentity::new(),
    }
}; COUNT + 1];

/// Signals whose handler is on its way back into CPython's table, those that got theirs back in this process, and those of them whose
/// inherited handler the leader reported (bit n: signal n + 1).
#[unsafe(link_section = "forkguard_words")]
static WANTED: AtomicU64 = AtomicU64::new(0);
#[unsafe(link_section = "forkguard_words")]
static PUT_BACK: AtomicU64 = AtomicU64::new(0);
#[unsafe(link_section = "forkguard_words")]
static REPORTED: AtomicU64 = AtomicU64::new(0);
/// The one that is being set there; 0 none.
#[unsafe(link_section = "forkguard_words")]
static IN_HAND: AtomicI32 = AtomicI32::new(0);

fn bit(number: i32) -> u64 {
    1 << (number - 1)
}

/// See [`super::in_child`].
pub(super) fn reset_in_child() {
    if PUT_BACK.load(Relaxed) != 0 {
        PUT_BACK.store(0, Relaxed);
        REPORTED.store(0, Relaxed);
    }
}

/// True for the signal whose handler is being put back by this very call.
pub(crate) fn is_in_hand(number: i32) -> bool {
    IN_HAND.load(Relaxed) == number
}

/// A call of this thread's has given a signal this disposition.
pub(crate) fn changed(number: i32, handler: usize, set: sites::Handler) {
    let chosen = matches!(number, 1..=64) && options::get().signals_keep & bit(number) != 0;
    if !chosen || !options::guards() {
        return;
    }
    let kept = &KEPT[number as usize];
    WANTED.fetch_and(!bit(number), Relaxed);
    match (handler > libc::SIG_IGN, By::of(set.site)) {
        (true, By::Application | By::Native) => _ = record(|_| kept.remember(number, set)),
        // What cannot be put back is not confused with what was there before.
        (true, By::OtherLanguage) => _ = record(|_| kept.forget()),
        (true, By::Package) => _ = record(|_| kept.is_native().then(|| kept.forget())),
        (false, _) => kept.reset(number, set),
    }
}

/// Who makes a setting.
enum By {
    Application,
    /// Python code that somebody else wrote.
    Package,
    /// A language whose handlers cannot be put back.
    OtherLanguage,
    Native,
}

impl By {
    fn of(site: usize) -> By {
        match describe::interpreted_frames(site).next() {
            None => By::Native,
            Some(frame) if frame.language != "python" => By::OtherLanguage,
            Some(_) if signals::is_by_application(site) => By::Application,
            Some(_) => By::Package,
        }
    }
}

/// True when application code resets its own handler, be it through the language's library.
fn is_applications_reset(site: usize) -> bool {
    describe::interpreted_frames(site).find(|frame| frame.party().is_some()).is_some_and(|frame| frame.is_application())
}

impl Kept {
    fn remember(&self, number: i32, set: sites::Handler) {
        let Some(action) = raw::signal_action(number) else { return };
        self.hold(set.object);
        self.library.set(Identity::around(action.handler));
        let words = [action.handler, action.flags as usize, action.restorer, action.mask as usize];
        self.action.iter().zip(words).for_each(|(place, word)| place.store(word, Relaxed));
        self.code.store(set.code, Relaxed);
        self.site.store(set.site, Relaxed);
        self.generation.store(generation::current(), Relaxed);
    }

    /// Forgets it where neither handler nor object exists any more.
    fn drop_dead(&self) {
        self.object.store(0, Relaxed);
        self.site.store(0, Relaxed);
    }

    fn forget(&self) {
        self.hold(0);
        self.site.store(0, Relaxed);
    }

    /// Holds this object of Python's instead of the one before.
    fn hold(&self, object: usize) {
        let before = self.object.load(Relaxed);
        if before == object {
            return;
        }
        if object != 0 {
            python::retain(object);
        }
        self.object.store(object, Relaxed);
        // One of an interpreter that is gone went with it.
        if before != 0 && self.library.still_loaded() {
            python::release_soon(before);
        }
    }

    fn action(&self) -> raw::KernelAction {
        let [handler, flags, restorer, mask] = [0, 1, 2, 3].map(|index: usize| self.action[index].load(Relaxed));
        raw::KernelAction { handler, flags: flags as u64, restorer, mask: mask as u64 }
    }

    /// As the registry of settings has it.
    fn set(&self) -> Set {
        let [handler, site, code] = [&self.action[0], &self.site, &self.code].map(|word| word.load(Relaxed));
        Set { handler, site, code, thread: raw::thread_id(), inherited: false }
    }

    /// Set before the fork that made this process.
    fn is_inherited(&self) -> bool {
        self.generation.load(Relaxed) < generation::current()
    }

    /// True while the latest setting of the signal is this one.
    fn stands(&self, number: i32) -> bool {
        let site = self.site.load(Relaxed);
        self.is_inherited() && signal::settings(number).next().is_some_and(|latest| latest.site == site)
    }

    /// The signal was reset: the application's handler comes back where somebody else did that to a child that inherited it. Whoever
    /// resets his own means it.
    fn reset(&self, number: i32, set: sites::Handler) {
        if self.site.load(Relaxed) == 0 {
            return;
        }
        let foreign = self.is_foreign(set.site);
        if is_applications_reset(set.site) || self.is_native() && !foreign {
            record(|_| self.forget());
        } else if foreign && self.is_inherited() {
            self.put_back(number, set);
        }
    }

    fn is_native(&self) -> bool {
        matches!(By::of(self.site.load(Relaxed)), By::Native)
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

    fn put_back(&self, number: i32, set: sites::Handler) {
        let start = raw::monotonic();
        // CPython resets all handlers at its end, too: that is not undone, and its objects go with it.
        if set.object == 0 && !self.is_native() {
            if !python::can_call() {
                self.drop_dead();
            }
            return;
        }
        if !self.library.still_loaded() {
            return self.drop_dead();
        }
        let put = record(|_| {
            if self.object.load(Relaxed) != 0 {
                WANTED.fetch_or(bit(number), Relaxed);
                if !python::call_soon(put_into_table, number as usize) {
                    return Err(libc::EAGAIN);
                }
            }
            raw::set_signal_action(number, &self.action())?;
            if PUT_BACK.load(Relaxed) & bit(number) == 0 && was_reported(number) {
                REPORTED.fetch_or(bit(number), Relaxed);
            }
            signal::note_undone(number, self.set());
            Ok(())
        });
        if let Some(put) = put {
            self.tell(number, start, put);
        }
    }

    /// Once a signal and process: a server may reset it as often as it likes.
    fn tell(&self, number: i32, start: u64, put: Result<(), i32>) {
        if PUT_BACK.fetch_or(bit(number), Relaxed) & bit(number) != 0 {
            return;
        }
        let name = name(number);
        log_action(Guard::SignalsKeep, "handler put back", format_args!("{}", name.as_str()), start, put);
        if !flags::is_settling() && REPORTED.load(Relaxed) & bit(number) != 0 {
            record_with_scratch(|scratch| {
                ledger::report_state(
                    scratch,
                    Kind::HandlerInherited,
                    format_args!("{}", name.as_str()),
                    State::Resolved,
                    None,
                    BECAUSE,
                );
            });
        }
    }
}

/// In the main thread, between two instructions, with the GIL held. An exception that is under way then goes on.
extern "C" fn put_into_table(number: *mut c_void) -> c_int {
    let number = number as i32;
    // Somebody may have set the signal since.
    if WANTED.fetch_and(!bit(number), Relaxed) & bit(number) == 0 {
        return 0;
    }
    IN_HAND.store(number, Relaxed);
    let set = python::set(number, KEPT[number as usize].object.load(Relaxed));
    IN_HAND.store(0, Relaxed);
    if set { 0 } else { -1 }
}

/// True when the leader reported the handler that this process inherited.
fn was_reported(number: i32) -> bool {
    signal::settings(number).find(|set| set.inherited).is_some_and(|set| set.handler > libc::SIG_IGN)
}

/// Calls `each` with the signals that live by the handler that was put back, and whose handler the leader reported, by name.
pub(super) fn each_put_back(mut each: impl FnMut(&str)) {
    let lives = |number: &i32| KEPT[*number as usize].stands(*number);
    signals::numbers(REPORTED.load(Relaxed)).filter(lives).for_each(|number| each(name(number).as_str()));
}
