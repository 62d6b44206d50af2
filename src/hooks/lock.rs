//! Hooks of the lock path. What a call means to others is data ([`LockPolicy`]); how it is passed on is decided here, for all of them; its
//! entry is assembly: one jump to the real function while locks are not recorded.
use crate::child::waits::{self, BlockingCall, WaitResult};
use crate::guards;
use forkguard_core::registry::threads;
use forkguard_core::{gate, safe_point, worst};
use std::sync::atomic::Ordering::Relaxed;

/// What a call means to those who wait.
pub(super) struct LockPolicy {
    /// It may wait for this: checked before the call in a child that may wait in vain.
    pub(super) waits_for: Option<BlockingCall>,
    /// It gives others what they may wait for.
    pub(super) releases: Option<Release>,
    /// How it passes the gate where forks wait for a safe point (see `forkguard_core::safe_point`).
    pub(super) gate: Option<Gate>,
}

/// How a call gives a lock to others.
pub(super) enum Release {
    /// It releases the lock.
    Unlock,
    /// It posts the semaphore.
    Post,
    /// It makes the lock anew.
    Init,
}

/// What a call does at the gate of a safe point.
pub(super) enum Gate {
    Take,
    TryTake,
    Give,
}

/// A hook, as [`lock!`] makes it.
pub(super) trait LockHook {
    type Arguments: Copy;
    type Result: WaitResult;
    const POLICY: LockPolicy;

    /// The lock: the first argument.
    fn address(arguments: Self::Arguments) -> usize;

    /// Before the call in a child: a sleep may be where the child settles.
    ///
    /// # Safety
    /// As for [`LockHook::real`].
    unsafe fn before_sleep(_: Self::Arguments) {}

    /// The real function.
    ///
    /// # Safety
    /// The arguments must be those of the host's call.
    unsafe fn real(arguments: Self::Arguments) -> Self::Result;

    /// Records the call and makes it.
    ///
    /// # Safety
    /// As for [`LockHook::real`].
    unsafe fn body(arguments: Self::Arguments, caller: usize) -> Self::Result;
}

/// The body, behind the gate of a safe point where the call has to do with one.
///
/// # Safety
/// The arguments must be those of the host's call.
#[inline(always)]
pub(super) unsafe fn pass_gate<H: LockHook>(arguments: H::Arguments, caller: usize) -> H::Result {
    let address = H::address(arguments);
    let passing = match H::POLICY.gate {
        Some(Gate::Take) => Some(safe_point::take(address)),
        Some(Gate::TryTake) => Some(safe_point::try_take(address)),
        Some(Gate::Give) => Some(safe_point::give(address)),
        None => None,
    };
    let is_watched = worst::is_on();
    if is_watched {
        before_watched(&H::POLICY, address, caller);
    }
    // SAFETY: as the caller vouches.
    let result = unsafe { H::body(arguments, caller) };
    if is_watched {
        after_watched(&H::POLICY, address, caller);
    }
    if let Some(passing) = passing {
        passing.end();
    }
    result
}

/// Before a call that FORKGUARD_WORST is to know of.
#[cold]
#[inline(never)]
fn before_watched(policy: &LockPolicy, address: usize, caller: usize) {
    match (&policy.gate, policy.waits_for) {
        (_, Some(BlockingCall::Libc(name))) => guards::worst::enters(name, caller),
        (Some(Gate::Give), _) => guards::worst::before_release(address),
        _ => guards::worst::before_take(address),
    }
}

/// After it.
#[cold]
#[inline(never)]
fn after_watched(policy: &LockPolicy, address: usize, caller: usize) {
    match (&policy.gate, policy.waits_for) {
        (_, Some(BlockingCall::Libc(_))) => worst::end_steps(),
        (Some(Gate::Give), _) => {}
        (gate, _) => guards::worst::taken(address, caller, matches!(gate, Some(Gate::TryTake))),
    }
}

/// The call in a child that may wait in vain.
///
/// # Safety
/// The arguments must be those of the host's call.
#[inline(always)]
pub(super) unsafe fn check<H: LockHook>(arguments: H::Arguments, caller: usize) -> H::Result {
    let address = H::address(arguments);
    // SAFETY: as the caller vouches.
    unsafe { H::before_sleep(arguments) };
    if let Some(release) = H::POLICY.releases {
        waits::before_release(address, matches!(release, Release::Init));
    }
    let report = H::POLICY.waits_for.map(|call| waits::before(call, address, caller));
    let is_recorded = match H::POLICY.waits_for {
        Some(call) => waits::is_tracked(call, address),
        None => gate::TRACKED.load(Relaxed) != 0 || threads::mine().is_some_and(|slot| !slot.held.holds_nothing()),
    };
    // The body does so itself.
    if !is_recorded && matches!(H::POLICY.releases, Some(Release::Post)) {
        waits::before_unrecorded_post(address, caller);
    }
    // SAFETY: as the caller vouches.
    let result = unsafe { if is_recorded { pass_gate::<H>(arguments, caller) } else { H::real(arguments) } };
    if let Some(report) = report {
        waits::after(report, &result);
    }
    result
}

/// Makes a hook of the lock path. `unless` is assembly that goes to label 2 for calls that are recorded all the same. `waits`, `gives` and
/// `gate` are its [`LockPolicy`], `sleeps` what it does before a sleep. `wakes` is assembly that goes to label 3 where somebody waits for what
/// the call gives. `free` is assembly that goes to label 3 where the call may have to wait: only then it is checked.
macro_rules! lock {
    ($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),*) -> $ret:ty $(= $proof:path)? $(, unless $test:expr)?
     $(, waits $wait:expr)? $(, sleeps |$($used:pat_param),*| $sleep:expr)? $(, free $free:expr)? $(, gives $gives:ident)?
     $(, wakes $wakes:expr)? $(, gate $gate:ident)? $(, versions [$($versions:tt)*])?;
     |$caller:ident| $body:block) => {
        const _: () = {
            use crate::hooks::lock::{LockHook, LockPolicy, check, pass_gate};

            real_function!(@ $name, Some(&DOOR), [$($($versions)*)?]);
            older!($name [$($($versions)*)?]);
            call_real!($($arg: $type),* => $ret);
            same_signature!([$($proof)?] unsafe extern "C" fn($($type),*) -> $ret);

            struct Hook;

            impl LockHook for Hook {
                type Arguments = ($($type,)*);
                type Result = $ret;
                const POLICY: LockPolicy = LockPolicy {
                    waits_for: lock!(@option $($wait)?),
                    releases: lock!(@release $($gives)?),
                    gate: lock!(@gate $($gate)?),
                };

                #[inline(always)]
                fn address(arguments: Self::Arguments) -> usize {
                    lock!(@address arguments $($arg)*)
                }

                $(#[inline(always)]
                unsafe fn before_sleep(($($used),*): Self::Arguments) {
                    $sleep
                })?

                #[inline(always)]
                unsafe fn real(($($arg,)*): Self::Arguments) -> $ret {
                    real($($arg),*)
                }

                #[inline(always)]
                unsafe fn body(($($arg,)*): Self::Arguments, $caller: usize) -> $ret $body
            }

            lock!(@call recorded_call Hook::body [$($arg: $type),*] -> $ret);
            lock!(@call gated_call pass_gate::<Hook> [$($arg: $type),*] -> $ret);
            lock!(@call checked_call check::<Hook> [$($arg: $type),*] -> $ret);

            #[unsafe(naked)]
            unsafe extern "C" fn recorded() {
                core::arch::naked_asm!(used_caller!($caller; $($arg)*), "jmp {call}", call = sym recorded_call)
            }

            #[unsafe(naked)]
            unsafe extern "C" fn gated() {
                core::arch::naked_asm!(used_caller!($caller; $($arg)*), "jmp {call}", call = sym gated_call)
            }

            lock!(@checked [$($free)?] $($arg)*);
            lock!(@checked_always [$($test)?] [$($free)?] $($arg)*);
            lock!(@posts [$($wakes)?] $($arg)*);

            static TARGETS: forkguard_core::dispatch::LockTargets = forkguard_core::dispatch::LockTargets {
                real: std::sync::atomic::AtomicPtr::new(early as *mut ()),
                body: recorded,
                gated: if Hook::POLICY.gate.is_some() { Some(gated) } else { None },
                watched: if Hook::POLICY.waits_for.is_some() || Hook::POLICY.releases.is_some() { Some(checked) } else { None },
                always_watched: lock!(@always_watched [$($test)?] [$($free)?]),
                posts: lock!(@posts_target [$($wakes)?]),
                gives: Hook::POLICY.releases.is_some(),
            };

            #[used]
            #[unsafe(link_section = "forkguard_doors")]
            static DOOR: forkguard_core::dispatch::LockDispatch = forkguard_core::dispatch::LockDispatch {
                current: std::sync::atomic::AtomicPtr::new(early as *mut ()),
                onward: std::sync::atomic::AtomicPtr::new(early as *mut ()),
                always: std::sync::atomic::AtomicPtr::new(recorded as *mut ()),
                targets: &TARGETS,
            };

            $(#[$doc])*
            #[unsafe(naked)]
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name($($arg: $type),*) -> $ret {
                core::arch::naked_asm!(
                    exported_as!($name [$($($versions)*)?]),
                    $($test,)?
                    "jmp qword ptr [rip + {door}]",
                    "2: jmp qword ptr [rip + {door} + {always}]",
                    door = sym DOOR,
                    always = const core::mem::offset_of!(forkguard_core::dispatch::LockDispatch, always),
                )
            }
        };
    };
    (@call $name:ident $function:path [$($arg:ident: $type:ty),*] -> $ret:ty) => {
        unsafe extern "C-unwind" fn $name($($arg: $type,)* caller: usize) -> $ret {
            // SAFETY: the host's own arguments.
            unsafe { $function(($($arg,)*), caller) }
        }
    };
    (@checked [] $($arg:ident)*) => {
        #[unsafe(naked)]
        unsafe extern "C" fn checked() {
            core::arch::naked_asm!(caller_argument!($($arg)*), "jmp {call}", call = sym checked_call)
        }
    };
    (@checked [$free:expr] $($arg:ident)*) => {
        #[unsafe(naked)]
        unsafe extern "C" fn checked() {
            core::arch::naked_asm!(
                $free,
                "jmp qword ptr [rip + {door} + {onward}]",
                "3:",
                caller_argument!($($arg)*),
                "jmp {call}",
                call = sym checked_call,
                door = sym DOOR,
                onward = const core::mem::offset_of!(forkguard_core::dispatch::LockDispatch, onward),
            )
        }
    };
    (@posts [] $($arg:ident)*) => {};
    (@posts [$wakes:expr] $($arg:ident)*) => {
        #[unsafe(naked)]
        unsafe extern "C" fn posts() {
            core::arch::naked_asm!(
                $wakes,
                "jmp qword ptr [rip + {door} + {onward}]",
                "3:",
                caller_argument!($($arg)*),
                "jmp {call}",
                call = sym checked_call,
                door = sym DOOR,
                onward = const core::mem::offset_of!(forkguard_core::dispatch::LockDispatch, onward),
            )
        }
    };
    (@posts_target []) => {
        None
    };
    (@posts_target [$wakes:expr]) => {
        Some(posts)
    };
    // A free lock that is recorded in any process: by the body itself while nothing else is.
    (@checked_always [$test:expr] [$free:expr] $($arg:ident)*) => {
        #[unsafe(naked)]
        unsafe extern "C" fn checked_always() {
            core::arch::naked_asm!(
                $free,
                "cmp byte ptr [rip + {tracked}], 0\n je 4f",
                "jmp qword ptr [rip + {door} + {onward}]",
                "3:",
                caller_argument!($($arg)*),
                "jmp {call}",
                "4:",
                "jmp {recorded}",
                call = sym checked_call,
                recorded = sym recorded,
                tracked = sym forkguard_core::gate::TRACKED,
                door = sym DOOR,
                onward = const core::mem::offset_of!(forkguard_core::dispatch::LockDispatch, onward),
            )
        }
    };
    (@checked_always [$($test:expr)?] [$($free:expr)?] $($arg:ident)*) => {};
    (@always_watched [$test:expr] [$free:expr]) => {
        Some(checked_always)
    };
    (@always_watched [$($test:expr)?] [$($free:expr)?]) => {
        if Hook::POLICY.waits_for.is_some() || Hook::POLICY.releases.is_some() { Some(checked) } else { None }
    };
    (@option) => {
        None
    };
    (@option $value:expr) => {
        Some($value)
    };
    (@release) => {
        None
    };
    (@release released) => {
        Some(crate::hooks::lock::Release::Unlock)
    };
    (@release posted) => {
        Some(crate::hooks::lock::Release::Post)
    };
    (@release anew) => {
        Some(crate::hooks::lock::Release::Init)
    };
    (@gate) => {
        None
    };
    (@gate take) => {
        Some(crate::hooks::lock::Gate::Take)
    };
    (@gate try_take) => {
        Some(crate::hooks::lock::Gate::TryTake)
    };
    (@gate give) => {
        Some(crate::hooks::lock::Gate::Give)
    };
    (@address $none:ident) => {{
        let () = $none;
        0
    }};
    (@address $arguments:ident $($arg:ident)+) => {
        $arguments.0 as usize
    };
}
