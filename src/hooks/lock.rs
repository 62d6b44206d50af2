//! Hooks of the lock path.
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

            static TARGETS: forkguard_core::held::LockTargets = forkguard_core::held::LockTargets {
                real: std::sync::atomic::AtomicPtr::new(early as *mut ()),
                body: tracked,
                gated: GATED,
                watched: WATCHED,
                gives: GIVES,
            };

            #[used]
            #[unsafe(link_section = "forkguard_doors")]
            static DOOR: forkguard_core::held::Door = forkguard_core::held::Door {
                current: std::sync::atomic::AtomicPtr::new(early as *mut ()),
                onward: std::sync::atomic::AtomicPtr::new(early as *mut ()),
                always: std::sync::atomic::AtomicPtr::new(tracked as *mut ()),
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
