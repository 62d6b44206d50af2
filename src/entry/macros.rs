//! What every hook is made of: the entry in assembly, the real function, the proof of its signature.
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
macro_rules! record_call {
    () => {
        concat!(
            "cmp byte ptr [rip + {gate}], 0\n je 2f\n",
            save_registers!(),
            "\n call {recorded}\n test al, al\n je 3f\n",
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
        real_function!(@ $name, crate::entry::real::NO_DOOR);
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
                resolve = sym crate::entry::real::resolve_early,
            )
        }

        #[used]
        #[unsafe(link_section = "forkguard_reals")]
        static REAL: crate::entry::real::Real = crate::entry::real::Real::new(early, $door, c_name!($name), $version);
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
            real_function!(@ $name, crate::entry::real::NO_DOOR, Some(c_text!($older)));

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
/// proves the signature against libc's. Attributes are of both the function's entry and its body.
macro_rules! hook {
    ($(#[$attribute:meta])* fn $name:ident($($arg:ident: $type:ty),*) -> $ret:ty $(= $proof:path)? $(, versions [$($versions:tt)*])?;
     |$caller:ident| $body:block) => {
        const _: () = {
            real_function!(@ $name, crate::entry::real::NO_DOOR, [$($($versions)*)?]);
            older!($name [$($($versions)*)?]);
            call_real!($($arg: $type),* => $ret);
            same_signature!([$($proof)?] unsafe extern "C" fn($($type),*) -> $ret);

            #[allow(clippy::too_many_arguments, reason = "as the hooked function")]
            $(#[$attribute])*
            unsafe extern "C-unwind" fn body($($arg: $type,)* $caller: usize) -> $ret $body

            $(#[$attribute])*
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
    ($(#[$attribute:meta])* fn $name:ident, $gate:path $(, versions [$($versions:tt)*])?; |$registers:ident| $body:block) => {
        pass! {
            $(#[$attribute])*
            fn $name, $gate $(, versions [$($versions)*])?; |$registers| -> bool {
                let note: fn(&crate::entry::Registers) = |$registers| $body;
                note($registers);
                false
            }
        }
    };
    ($(#[$attribute:meta])* fn $name:ident, $gate:path $(, versions [$($versions:tt)*])?; |$registers:ident| -> bool $body:block) => {
        const _: () = {
            real_function!(@ $name, crate::entry::real::NO_DOOR, [$($($versions)*)?]);
            older!($name [$($($versions)*)?] record_call!(), gate = $gate, recorded = recorded);

            $(#[$attribute])*
            extern "C" fn recorded($registers: &mut crate::entry::Registers) -> bool $body

            $(#[$attribute])*
            #[unsafe(naked)]
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name() {
                core::arch::naked_asm!(
                    exported_as!($name [$($($versions)*)?]),
                    record_call!(),
                    "jmp qword ptr [rip + {real}]",
                    gate = sym $gate,
                    recorded = sym recorded,
                    real = sym REAL,
                )
            }
        };
    };
}
