//! The doors: every function of the C library that forkguard interposes, one file a family.
//!
//! # How to add a hook
//! 1. One item in its family's file, with the macro that fits:
//!    - [`hook!`] wraps: calls the real function and notes before or after. The body runs in place of the function.
//!    - [`pass!`] only notes and then jumps on with all registers as they were: for variadic functions, for those that look at
//!      their caller, and for those that never return.
//!    - [`lock!`] is for the lock path: one test of a flag, then a jump, until the process has a second thread.
//!    - `redhook::hook!` does for cold functions that need no return address (see `thread.rs`).
//!
//!    A function of which the C library has an older implementation, too, names its `versions`: its own, those that are the same, and
//!    behind a semicolon the older one, which is passed on.
//! 2. Its transparency snippet in `c-tests/hooks`, and what it notes in `c-tests/findings`.
//!
//! Nothing else: the real function is found by the constructor through the section that the macros fill.
//!
//! # What every hook does
//! Bookkeeping happens inside [`note`]: it keeps errno, does nothing before the constructor, after exit, on re-entry and in a
//! vfork child, and lets no panic out. No destructor is alive across a real call: a thread may be cancelled in it.
pub(crate) mod atfork;
mod condition;
mod descriptor;
mod exec;
mod exit;
pub(crate) mod fork;
mod handed;
pub(crate) mod imports;
mod io;
mod libc_locks;
mod mutex;
mod privilege;
pub(crate) mod real;
mod reap;
mod rwlock;
pub(crate) mod seccomp;
mod semaphore;
mod signal;
mod socket;
mod spawn;
mod syscall;
mod thread;
mod timer;
mod wait;

use crate::sites::Start;
pub(crate) use crate::workspace::AtLength;
use crate::workspace::on_own_stack;
use forkguard_core::gate::{self, Inside, Life};
use forkguard_core::raw;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) use exec::IN_CHILD;
pub(crate) use exit::REPORTS;
pub(crate) use reap::close_in_child;
pub(crate) use thread::{adopt_main_thread, resolve_redhooks};
pub(crate) use wait::{Length, watch_waits};

/// From now on this process has something to say about its end.
pub(crate) fn reports() {
    REPORTS.store(1, std::sync::atomic::Ordering::Relaxed);
}

/// In the library's destructor: the last that is recorded.
pub(crate) fn note_end() {
    // A vfork child that ends through exit(3) runs this too: on the leader's memory.
    if !gate::awake() || gate::is_guest() || !forkguard_core::fork::owned() {
        return;
    }
    let in_child = IN_CHILD.load(std::sync::atomic::Ordering::Relaxed) != 0;
    if in_child {
        crate::cures::at_exit();
    }
    let reports = REPORTS.load(std::sync::atomic::Ordering::Relaxed) != 0;
    if reports {
        crate::child::catch_up();
    }
    if reports && crate::emit::wanted() && !crate::child::goes_unsaid() {
        note_at_length(crate::child::ended);
    }
    // In a forked child other libraries' destructors, which run after ours, are where lost threads are joined.
    if gate::awake() && !in_child {
        gate::set_life(Life::Off);
    }
}

/// Runs work of our own alone, out of which no panic may come: what called the hook is C. None when one did, after which nothing is done.
pub(crate) fn contained<R>(work: impl FnOnce() -> R) -> Option<R> {
    let result = catch_unwind(AssertUnwindSafe(work));
    if result.is_err() {
        gate::set_life(Life::Off);
    }
    result.ok()
}

/// Runs bookkeeping: see the module's text. None when it did not run.
pub(crate) fn note<R>(work: impl FnOnce(&Inside) -> R) -> Option<R> {
    let inside = Inside::enter()?;
    let errno = crate::errno::get();
    let result = contained(|| work(&inside));
    crate::errno::set(errno);
    result
}

/// Runs work that needs room (describing, writing) like [`note`], on a stack of its own.
pub(crate) fn note_at_length<R>(work: impl FnOnce(&AtLength) -> R) -> Option<R> {
    note(|_| on_own_stack(work)).flatten()
}

/// The registers of a call that is only noted, as [`pass!`] saves them.
#[repr(C)]
pub(crate) struct Registers {
    rax: usize,
    /// The first six integer arguments.
    pub(crate) argument: [usize; 6],
    frame: usize,
    /// Return address of the call.
    pub(crate) caller: usize,
}

impl Registers {
    /// What a call returns that is not made.
    pub(crate) fn returns(&mut self, value: usize) {
        self.rax = value;
    }

    /// The same for one that fails so.
    pub(crate) fn fails(&mut self, errno: i32) {
        crate::errno::set(errno);
        self.returns(usize::MAX);
    }

    /// Where in the program the call is made.
    pub(crate) fn capture(&self) -> usize {
        crate::sites::capture_from(self.start(), self.caller)
    }

    /// The argument of this index, of however many words; None where the stack ends.
    pub(crate) fn word(&self, index: usize) -> Option<usize> {
        let on_stack = |index: usize| raw::read_value((&raw const self.caller).addr() + 8 + 8 * index);
        self.argument.get(index).copied().or_else(|| on_stack(index - self.argument.len()))
    }

    /// The calling frame.
    pub(crate) fn start(&self) -> Start {
        // Where the return address lay is above what was saved.
        Start::of_call(self.caller, (&raw const self.caller).addr() + 8, self.frame)
    }
}

/// Assembly: saves every register that can carry an argument; `rdi` then points to [`Registers`].
macro_rules! save_registers {
    () => {
        concat!(
            "push rbp\n mov rbp, rsp\n push r9\n push r8\n push rcx\n push rdx\n push rsi\n push rdi\n push rax\n sub rsp, 136\n",
            "movups [rsp], xmm0\n movups [rsp+16], xmm1\n movups [rsp+32], xmm2\n movups [rsp+48], xmm3\n",
            "movups [rsp+64], xmm4\n movups [rsp+80], xmm5\n movups [rsp+96], xmm6\n movups [rsp+112], xmm7\n",
            "lea rdi, [rsp+136]"
        )
    };
}

/// Assembly: undoes [`save_registers!`].
macro_rules! restore_registers {
    () => {
        concat!(
            "movups xmm0, [rsp]\n movups xmm1, [rsp+16]\n movups xmm2, [rsp+32]\n movups xmm3, [rsp+48]\n",
            "movups xmm4, [rsp+64]\n movups xmm5, [rsp+80]\n movups xmm6, [rsp+96]\n movups xmm7, [rsp+112]\n",
            "add rsp, 136\n pop rax\n pop rdi\n pop rsi\n pop rdx\n pop rcx\n pop r8\n pop r9\n pop rbp"
        )
    };
}

/// Assembly: puts the return address into the argument register behind the given arguments.
macro_rules! caller_argument {
    () => {
        "mov rdi, [rsp]"
    };
    ($a:ident) => {
        "mov rsi, [rsp]"
    };
    ($a:ident $b:ident) => {
        "mov rdx, [rsp]"
    };
    ($a:ident $b:ident $c:ident) => {
        "mov rcx, [rsp]"
    };
    ($a:ident $b:ident $c:ident $d:ident) => {
        "mov r8, [rsp]"
    };
    ($a:ident $b:ident $c:ident $d:ident $e:ident) => {
        "mov r9, [rsp]"
    };
}

/// Assembly: calls `noted` with [`Registers`] while the byte `gate` is not zero, and returns to the hook's caller where that says so.
macro_rules! note_call {
    () => {
        concat!(
            "cmp byte ptr [rip + {gate}], 0\n je 2f\n",
            save_registers!(),
            "\n call {noted}\n test al, al\n je 3f\n",
            restore_registers!(),
            "\n ret\n 3:\n",
            restore_registers!(),
            "\n 2:"
        )
    };
}

/// A function's name as a C string.
macro_rules! c_name {
    ($name:ident) => {
        c_text!(stringify!($name))
    };
}

/// A text as a C string.
macro_rules! c_text {
    ($text:expr) => {
        const {
            match core::ffi::CStr::from_bytes_with_nul(concat!($text, "\0").as_bytes()) {
                Ok(text) => text,
                Err(_) => panic!("a text with a zero in it"),
            }
        }
    };
}

/// The static of a hook's real function, and the stub that stands for it until it is known.
macro_rules! real_function {
    ($name:ident) => {
        real_function!(@ $name, crate::hooks::real::NO_DOOR);
    };
    ($name:ident, $door:ident) => {
        real_function!(@ $name, Some(&$door));
    };
    (@ $name:ident, $door:expr) => {
        real_function!(@ $name, $door, None);
    };
    (@ $name:ident, $door:expr, [$($versions:tt)*]) => {
        real_function!(@ $name, $door, own_version!($($versions)*));
    };
    (@ $name:ident, $door:expr, $version:expr) => {
        #[unsafe(naked)]
        unsafe extern "C" fn early() {
            core::arch::naked_asm!(
                save_registers!(),
                "lea rdi, [rip + {real}]",
                "call {resolve}",
                restore_registers!(),
                "jmp qword ptr [rip + {real}]",
                real = sym REAL,
                resolve = sym crate::hooks::real::resolve_early,
            )
        }

        #[used]
        #[unsafe(link_section = "forkguard_reals")]
        static REAL: crate::hooks::real::Real = crate::hooks::real::Real::new(early, $door, c_name!($name), $version);
    };
}

/// Of the `versions` of a hook: the one whose implementation it calls.
macro_rules! own_version {
    () => {
        None
    };
    ($own:literal $($alias:literal)*; $older:literal) => {
        Some(c_text!($own))
    };
}

/// Assembly at the entry of a hook with `versions`: those that it is exported as, the first by default (`versions.map` lists them all).
macro_rules! exported_as {
    ($name:ident []) => {
        ""
    };
    ($name:ident [$own:literal $($alias:literal)*; $older:literal]) => {
        concat!(
            ".symver ", stringify!($name), ", ", stringify!($name), "@@@", $own, "\n",
            $(at_version!($name $alias)),*
        )
    };
}

/// Assembly: exports this place as a version of a function.
macro_rules! at_version {
    ($name:ident $version:literal) => {
        at_version!(@ concat!("forkguard_", stringify!($name), "_", $version), stringify!($name), $version)
    };
    (@ $label:expr, $name:expr, $version:literal) => {
        concat!(
            ".globl ", $label, "\n.type ", $label, ", @function\n", $label, ":\n",
            ".symver ", $label, ", ", $name, "@", $version, "\n"
        )
    };
}

/// The older function of the name of a hook with `versions`: its objects look otherwise, or it acts otherwise. A call is passed on, after
/// what `before` does.
macro_rules! older {
    ($name:ident [] $($before:tt)*) => {};
    ($name:ident [$own:literal $($alias:literal)*; $older:literal]) => {
        older!(@ $name $older "");
    };
    ($name:ident [$own:literal $($alias:literal)*; $older:literal] $($before:tt)*) => {
        older!(@ $name $older $($before)*);
    };
    (@ $name:ident $older:literal $before:expr $(, $operand:ident = $symbol:path)*) => {
        const _: () = {
            real_function!(@ $name, crate::hooks::real::NO_DOOR, Some(c_text!($older)));

            #[unsafe(naked)]
            unsafe extern "C" fn entry() {
                core::arch::naked_asm!(
                    at_version!($name $older),
                    $before,
                    "jmp qword ptr [rip + {real}]",
                    $($operand = sym $symbol,)*
                    real = sym REAL,
                )
            }

            #[used]
            static ENTRY: unsafe extern "C" fn() = entry;
        };
    };
}

/// `real(…)`: calls the hook's real function.
macro_rules! call_real {
    ($($arg:ident: $type:ty),* => $ret:ty) => {
        #[allow(dead_code, reason = "a hook may do without")]
        #[inline(always)]
        fn real($($arg: $type),*) -> $ret {
            // SAFETY: the function of this name and signature, called with what the host called ours with.
            unsafe {
                core::mem::transmute::<*mut libc::c_void, unsafe extern "C-unwind" fn($($type),*) -> $ret>(REAL.address())($($arg),*)
            }
        }
    };
}

/// The same for a hook that uses its caller; nothing for one whose parameter is called `_caller`.
macro_rules! used_caller {
    (_caller; $($arg:ident)*) => {
        ""
    };
    ($caller:ident; $($arg:ident)*) => {
        caller_argument!($($arg)*)
    };
}

/// Proves that a hook has the signature that the libc crate gives the function.
macro_rules! same_signature {
    ([] $hook:ty) => {};
    ([$function:path] $hook:ty) => {
        const _: $hook = $function;
    };
}

/// A hook that runs in place of the function: `real(…)` calls it, `caller` is the return address of the host's call. `= path`
/// proves the signature against libc's.
macro_rules! hook {
    ($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),*) -> $ret:ty $(= $proof:path)? $(, versions [$($versions:tt)*])?;
     |$caller:ident| $body:block) => {
        const _: () = {
            real_function!(@ $name, crate::hooks::real::NO_DOOR, [$($($versions)*)?]);
            older!($name [$($($versions)*)?]);
            call_real!($($arg: $type),* => $ret);
            same_signature!([$($proof)?] unsafe extern "C" fn($($type),*) -> $ret);

            #[allow(clippy::too_many_arguments, reason = "as the hooked function")]
            unsafe extern "C-unwind" fn body($($arg: $type,)* $caller: usize) -> $ret $body

            $(#[$doc])*
            #[unsafe(naked)]
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name($($arg: $type),*) -> $ret {
                core::arch::naked_asm!(
                    exported_as!($name [$($($versions)*)?]),
                    caller_argument!($($arg)*),
                    "jmp {body}",
                    body = sym body
                )
            }
        };
    };
}

/// A hook that notes the call while `gate` is not zero and jumps on to the function: `registers` are the call's. With `-> bool` it may be
/// over before it began: where the body is true it returns what [`Registers::returns`] was given.
macro_rules! pass {
    ($(#[$doc:meta])* fn $name:ident, $gate:path $(, versions [$($versions:tt)*])?; |$registers:ident| $body:block) => {
        pass! {
            $(#[$doc])*
            fn $name, $gate $(, versions [$($versions)*])?; |$registers| -> bool {
                let note: fn(&crate::hooks::Registers) = |$registers| $body;
                note($registers);
                false
            }
        }
    };
    ($(#[$doc:meta])* fn $name:ident, $gate:path $(, versions [$($versions:tt)*])?; |$registers:ident| -> bool $body:block) => {
        const _: () = {
            real_function!(@ $name, crate::hooks::real::NO_DOOR, [$($($versions)*)?]);
            older!($name [$($($versions)*)?] note_call!(), gate = $gate, noted = noted);

            extern "C" fn noted($registers: &mut crate::hooks::Registers) -> bool $body

            $(#[$doc])*
            #[unsafe(naked)]
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name() {
                core::arch::naked_asm!(
                    exported_as!($name [$($($versions)*)?]),
                    note_call!(),
                    "jmp qword ptr [rip + {real}]",
                    gate = sym $gate,
                    noted = sym noted,
                    real = sym REAL,
                )
            }
        };
    };
}

/// A hook of the lock path: one jump, to the real function while locks are not tracked; `unless` adds assembly that goes to label 2
/// for calls that are tracked all the same. `waits` names what a call may wait for; in a forked child that may wait in vain such a
/// call is looked at before it is made, if `free` is assembly, only when that goes to label 3: it may have to wait. `gives released` and
/// `gives anew` mark the calls that release a lock or make it anew. `gate take` and `gate give` are for those that take a lock or release
/// it: where forks wait for a safe point they are marked, see `forkguard_core::safe_point`.
macro_rules! lock {
    ($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),*) -> $ret:ty $(= $proof:path)? $(, unless $test:expr)?
     $(, waits $wait:expr)? $(, free $free:expr)? $(, gives $gives:ident)? $(, gate $gate:ident)?
     $(, versions [$($versions:tt)*])?;
     |$caller:ident| $body:block) => {
        const _: () = {
            real_function!(@ $name, Some(&DOOR), [$($($versions)*)?]);
            older!($name [$($($versions)*)?]);
            call_real!($($arg: $type),* => $ret);
            same_signature!([$($proof)?] unsafe extern "C" fn($($type),*) -> $ret);

            unsafe extern "C-unwind" fn body($($arg: $type,)* $caller: usize) -> $ret $body

            #[unsafe(naked)]
            unsafe extern "C" fn tracked() {
                core::arch::naked_asm!(used_caller!($caller; $($arg)*), "jmp {body}", body = sym body)
            }

            gated!([$($gate)?] [$caller] ($($arg: $type),*) -> $ret);
            watched!([$($wait)? $($gives)?] [$($free)?] ($($arg: $type),*) -> $ret);

            #[used]
            #[unsafe(link_section = "forkguard_doors")]
            static DOOR: forkguard_core::held::Door = forkguard_core::held::Door {
                current: std::sync::atomic::AtomicPtr::new(early as *mut ()),
                real: std::sync::atomic::AtomicPtr::new(early as *mut ()),
                onward: std::sync::atomic::AtomicPtr::new(early as *mut ()),
                always: std::sync::atomic::AtomicPtr::new(tracked as *mut ()),
                body: tracked,
                gated: GATED,
                watched: WATCHED,
                gives: GIVES,
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
                    always = const core::mem::offset_of!(forkguard_core::held::Door, always),
                )
            }
        };
    };
}

/// The part of [`lock!`] for calls that forks wait for where they wait for a safe point: `GATED`, where such a call goes then, and
/// `through`, the body behind the gate.
macro_rules! gated {
    ([] [$caller:ident] ($($arg:ident: $type:ty),*) -> $ret:ty) => {
        #[allow(dead_code, reason = "for those that are watched")]
        unsafe extern "C-unwind" fn through($($arg: $type,)* caller: usize) -> $ret {
            // SAFETY: the host's own arguments.
            unsafe { body($($arg,)* caller) }
        }

        const GATED: Option<unsafe extern "C" fn()> = None;
    };
    (@address) => {
        0
    };
    (@address $first:ident $($arg:ident)*) => {
        $first as usize
    };
    ([$gate:ident] [$caller:ident] ($($arg:ident: $type:ty),*) -> $ret:ty) => {
        unsafe extern "C-unwind" fn through($($arg: $type,)* caller: usize) -> $ret {
            let passing = forkguard_core::safe_point::$gate(gated!(@address $($arg)*));
            // SAFETY: the host's own arguments.
            let result = unsafe { body($($arg,)* caller) };
            passing.end();
            result
        }

        #[unsafe(naked)]
        unsafe extern "C" fn gated() {
            core::arch::naked_asm!(used_caller!($caller; $($arg)*), "jmp {through}", through = sym through)
        }

        const GATED: Option<unsafe extern "C" fn()> = Some(gated);
    };
}

/// The part of [`lock!`] for calls that may wait: `WATCHED`, where such a call goes in a child that may wait in vain.
macro_rules! watched {
    ([] [] $($signature:tt)*) => {
        const WATCHED: Option<unsafe extern "C" fn()> = None;
        const GIVES: bool = false;
    };
    ([released] [] $($signature:tt)*) => {
        watched!(@ false $($signature)*);
    };
    ([anew] [] $($signature:tt)*) => {
        watched!(@ true $($signature)*);
    };
    (@entry [] $($arg:ident)*) => {
        #[unsafe(naked)]
        unsafe extern "C" fn watched() {
            core::arch::naked_asm!(caller_argument!($($arg)*), "jmp {look}", look = sym look)
        }
    };
    (@entry [$free:expr] $($arg:ident)*) => {
        #[unsafe(naked)]
        unsafe extern "C" fn watched() {
            core::arch::naked_asm!(
                $free,
                "jmp qword ptr [rip + {door} + {onward}]",
                "3:",
                caller_argument!($($arg)*),
                "jmp {look}",
                look = sym look,
                door = sym DOOR,
                onward = const core::mem::offset_of!(forkguard_core::held::Door, onward),
            )
        }
    };
    (@ $anew:literal ($first:ident: $type:ty $(, $arg:ident: $types:ty)*) -> $ret:ty) => {
        unsafe extern "C-unwind" fn look($first: $type, $($arg: $types,)* caller: usize) -> $ret {
            crate::child::waits::gives($first as usize, $anew);
            if forkguard_core::held::TRACKED.load(std::sync::atomic::Ordering::Relaxed) == 0 {
                return real($first, $($arg),*);
            }
            // SAFETY: the host's own arguments.
            unsafe { through($first, $($arg,)* caller) }
        }

        watched!(@entry [] $first $($arg)*);
        const WATCHED: Option<unsafe extern "C" fn()> = Some(watched);
        const GIVES: bool = true;
    };
    ([$wait:expr] [] () -> $ret:ty) => {
        unsafe extern "C-unwind" fn look(caller: usize) -> $ret {
            let waiting = crate::child::waits::before($wait, 0, caller);
            let result = if crate::child::waits::is_tracked($wait, 0) {
                // SAFETY: takes nothing.
                unsafe { through(caller) }
            } else {
                real()
            };
            crate::child::waits::after(waiting, &result);
            result
        }

        watched!(@entry []);
        const WATCHED: Option<unsafe extern "C" fn()> = Some(watched);
        const GIVES: bool = false;
    };
    ([$wait:expr] [$($free:expr)?] ($first:ident: $type:ty $(, $arg:ident: $types:ty)*) -> $ret:ty) => {
        unsafe extern "C-unwind" fn look($first: $type, $($arg: $types,)* caller: usize) -> $ret {
            let waiting = crate::child::waits::before($wait, $first as usize, caller);
            let result = if crate::child::waits::is_tracked($wait, $first as usize) {
                // SAFETY: the host's own arguments.
                unsafe { through($first, $($arg,)* caller) }
            } else {
                real($first, $($arg),*)
            };
            crate::child::waits::after(waiting, &result);
            result
        }

        watched!(@entry [$($free)?] $first $($arg)*);
        const WATCHED: Option<unsafe extern "C" fn()> = Some(watched);
        const GIVES: bool = false;
    };
}

use {
    at_version, c_name, c_text, call_real, caller_argument, exported_as, gated, hook, lock, note_call, older, own_version, pass,
    real_function, restore_registers, same_signature, save_registers, used_caller, watched,
};
