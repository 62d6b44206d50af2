//! Functions of the C library with a lock of their own that fork does not reset in the child: a thread inside one holds it.
//!
//! The locks are static inside libc and cross no symbol; that a thread is inside shows in its slot like any other lock.
use crate::child::waits::{self, BlockingCall, WaitReport, WaitResult};
use crate::entry::Registers;
use crate::guards;
use forkguard_core::glibc::LockKind;
use forkguard_core::registry::held::HOLDS;
use forkguard_core::registry::threads::holder;
use forkguard_core::{gate, safe_point, worst};
use libc::{
    FILE, addrinfo, c_char, c_int, c_long, c_uint, c_void, gid_t, group, hostent, passwd, protoent, servent, size_t, sockaddr,
    socklen_t, time_t, tm, uid_t,
};
use std::ffi::CStr;
use std::sync::atomic::Ordering::Relaxed;

/// Runs the function with this thread's slot saying that it is inside.
#[inline(always)]
pub(super) fn inside<R>(name: &'static CStr, caller: usize, run: impl FnOnce() -> R) -> R {
    let Some(slot) = holder() else { return run() };
    let address = name.as_ptr() as usize;
    slot.held.push(address, caller, LockKind::Libc as u32 | HOLDS);
    let result = run();
    slot.held.pop(address);
    result
}

/// The same for a function that every call comes to: it looks at this process's state itself.
pub(super) fn at_lock<R: WaitResult>(name: &'static CStr, caller: usize, run: impl FnOnce() -> R) -> R {
    let report = if gate::is_watched() { waits::before(BlockingCall::Libc(name), 0, caller) } else { WaitReport::Unchecked };
    let result = match gate::TRACKED.load(Relaxed) {
        0 => run(),
        gate::GATED => inside_behind_gate(name, caller, run),
        _ => inside(name, caller, run),
    };
    waits::after(report, &result);
    result
}

/// The same where forks wait for a safe point.
fn inside_behind_gate<R>(name: &'static CStr, caller: usize, run: impl FnOnce() -> R) -> R {
    let passing = safe_point::take(name.as_ptr() as usize);
    if worst::is_on() {
        guards::worst::enters(name, caller);
    }
    let result = inside(name, caller, run);
    if worst::is_on() {
        worst::end_steps();
    }
    passing.end();
    result
}

macro_rules! libc_locks {
    ($(fn $name:ident($($arg:ident: $type:ty),*) -> $ret:ty $(= $proof:path)?;)*) => {
        $(lock! {
            /// As the C library's; see the module.
            fn $name($($arg: $type),*) -> $ret $(= $proof)?, waits BlockingCall::Libc(c_name!($name)), gate take;
            |caller| {
                inside(c_name!($name), caller, || real($($arg),*))
            }
        })*
    };
}

libc_locks! {
    fn localtime(time: *const time_t) -> *mut tm = libc::localtime;
    fn localtime_r(time: *const time_t, result: *mut tm) -> *mut tm = libc::localtime_r;
    fn mktime(time: *mut tm) -> time_t = libc::mktime;
    fn timelocal(time: *mut tm) -> time_t;
    fn gmtime(time: *const time_t) -> *mut tm = libc::gmtime;
    fn gmtime_r(time: *const time_t, result: *mut tm) -> *mut tm = libc::gmtime_r;
    fn timegm(time: *mut tm) -> time_t = libc::timegm;
    fn tzset() -> ();
    fn strftime(text: *mut c_char, size: size_t, format: *const c_char, time: *const tm) -> size_t = libc::strftime;
    fn ctime(time: *const time_t) -> *mut c_char;
    fn ctime_r(time: *const time_t, text: *mut c_char) -> *mut c_char = libc::ctime_r;
    fn setenv(name: *const c_char, value: *const c_char, overwrite: c_int) -> c_int = libc::setenv;
    fn putenv(text: *mut c_char) -> c_int = libc::putenv;
    fn unsetenv(name: *const c_char) -> c_int = libc::unsetenv;
    fn clearenv() -> c_int = libc::clearenv;
    fn openlog(name: *const c_char, options: c_int, facility: c_int) -> () = libc::openlog;
    fn vsyslog(priority: c_int, format: *const c_char, arguments: *mut c_void) -> ();
    fn __vsyslog_chk(priority: c_int, flag: c_int, format: *const c_char, arguments: *mut c_void) -> ();
    fn closelog() -> () = libc::closelog;
    fn getaddrinfo(node: *const c_char, service: *const c_char, hints: *const addrinfo, result: *mut *mut addrinfo) -> c_int = libc::getaddrinfo;
    fn gethostbyname(name: *const c_char) -> *mut hostent;
    fn gethostbyname2(name: *const c_char, family: c_int) -> *mut hostent;
    fn gethostbyaddr(address: *const c_void, length: socklen_t, family: c_int) -> *mut hostent;
    fn getservbyname(name: *const c_char, protocol: *const c_char) -> *mut servent = libc::getservbyname;
    fn getservbyport(port: c_int, protocol: *const c_char) -> *mut servent = libc::getservbyport;
    fn getprotobyname(name: *const c_char) -> *mut protoent = libc::getprotobyname;
    fn getpwnam(name: *const c_char) -> *mut passwd = libc::getpwnam;
    fn getpwuid(uid: uid_t) -> *mut passwd = libc::getpwuid;
    fn getpwnam_r(name: *const c_char, entry: *mut passwd, text: *mut c_char, size: size_t, result: *mut *mut passwd) -> c_int = libc::getpwnam_r;
    fn getpwuid_r(uid: uid_t, entry: *mut passwd, text: *mut c_char, size: size_t, result: *mut *mut passwd) -> c_int = libc::getpwuid_r;
    fn getgrnam(name: *const c_char) -> *mut group;
    fn getgrgid(gid: gid_t) -> *mut group;
    fn getgrnam_r(name: *const c_char, entry: *mut group, text: *mut c_char, size: size_t, result: *mut *mut group) -> c_int;
    fn getgrgid_r(gid: gid_t, entry: *mut group, text: *mut c_char, size: size_t, result: *mut *mut group) -> c_int;
    fn initgroups(user: *const c_char, gid: gid_t) -> c_int;
    fn setlocale(category: c_int, locale: *const c_char) -> *mut c_char = libc::setlocale;
    fn dl_iterate_phdr(each: *mut c_void, data: *mut c_void) -> c_int;
    fn iconv_open(to: *const c_char, from: *const c_char) -> *mut c_void;
}

/// Functions with more arguments than leave a register for the caller: the lock is noted without a site.
macro_rules! libc_locks_of_many_arguments {
    ($(fn $name:ident($($arg:ident: $type:ty),*) -> $ret:ty $(= $proof:path)?;)*) => {
        $(const _: () = {
            real_function!($name);
            call_real!($($arg: $type),* => $ret);
            same_signature!([$($proof)?] unsafe extern "C" fn($($type),*) -> $ret);

            /// As the C library's; see the module.
            #[allow(clippy::too_many_arguments, reason = "as the hooked function")]
            #[unsafe(no_mangle)]
            pub unsafe extern "C-unwind" fn $name($($arg: $type),*) -> $ret {
                at_lock(c_name!($name), 0, || real($($arg),*))
            }
        };)*
    };
}

libc_locks_of_many_arguments! {
    fn gethostbyname_r(
        name: *const c_char, entry: *mut hostent, text: *mut c_char, size: size_t, result: *mut *mut hostent, error: *mut c_int
    ) -> c_int;
    fn getservbyname_r(
        name: *const c_char, protocol: *const c_char, entry: *mut servent, text: *mut c_char, size: size_t,
        result: *mut *mut servent
    ) -> c_int;
    fn getservbyport_r(
        port: c_int, protocol: *const c_char, entry: *mut servent, text: *mut c_char, size: size_t, result: *mut *mut servent
    ) -> c_int;
    fn getnameinfo(
        address: *const sockaddr, length: socklen_t, host: *mut c_char, host_size: socklen_t, service: *mut c_char,
        service_size: socklen_t, flags: c_int
    ) -> c_int;
}

/// Functions that must be jumped to, because they look at their caller: dlopen (in `dlopen.rs`) resolves `$ORIGIN` and its namespace by it. Their
/// return is not seen; whether a thread still is inside, its stack pointer tells.
macro_rules! entered {
    ($(fn $name:ident;)*) => {
        $(pass! {
            /// As the C library's; see the module.
            fn $name, forkguard_core::gate::TRACKED; |registers| { enter(c_name!($name), registers) }
        })*
    };
}

/// Notes that a thread goes into such a function.
pub(super) fn enter(name: &'static CStr, registers: &Registers) {
    let name = name.as_ptr() as usize;
    let passing = safe_point::is_on().then(|| safe_point::take(name));
    if let Some(slot) = holder() {
        slot.held.enter(name, registers.caller, &raw const registers.caller as usize);
    }
    if let Some(passing) = passing {
        passing.end();
    }
}

entered! {
    fn dlmopen;
    fn dlclose;
}

/// Variadic functions, each by the one that takes its arguments as a list (x86-64 psABI, 3.5.7): the hook makes the list. `$offset` is the size of
/// the arguments that have names; `$list` and `$caller` are the registers of the two arguments behind those.
macro_rules! variadic_libc_locks {
    ($(fn $name:ident($($arg:ident: $type:ty),*, ...) by $listed:ident, $offset:literal $list:literal $caller:literal;)*) => {
        $(const _: () = {
            real_function!($name);
            use REAL as VARIADIC;

            const _: () = {
                real_function!($listed);
                call_real!($($arg: $type,)* arguments: *mut c_void => ());

                unsafe extern "C-unwind" fn body($($arg: $type,)* arguments: *mut c_void, caller: usize) {
                    at_lock(c_name!($name), caller, || real($($arg,)* arguments))
                }

                /// As the C library's; see the module.
                #[unsafe(naked)]
                #[unsafe(no_mangle)]
                pub unsafe extern "C" fn $name($($arg: $type),*) {
                    core::arch::naked_asm!(
                        ".cfi_startproc",
                        "cmp byte ptr [rip + {tracked}], 0",
                        "jne 2f",
                        "cmp byte ptr [rip + {watched}], 0",
                        "jne 2f",
                        "jmp qword ptr [rip + {real}]",
                        "2: push rbp",
                        ".cfi_def_cfa_offset 16",
                        ".cfi_offset rbp, -16",
                        "mov rbp, rsp",
                        ".cfi_def_cfa_register rbp",
                        "sub rsp, 208",
                        "mov [rsp], rdi\n mov [rsp+8], rsi\n mov [rsp+16], rdx\n mov [rsp+24], rcx\n mov [rsp+32], r8\n mov [rsp+40], r9",
                        "test al, al",
                        "je 3f",
                        "movaps [rsp+48], xmm0\n movaps [rsp+64], xmm1\n movaps [rsp+80], xmm2\n movaps [rsp+96], xmm3",
                        "movaps [rsp+112], xmm4\n movaps [rsp+128], xmm5\n movaps [rsp+144], xmm6\n movaps [rsp+160], xmm7",
                        "3: mov dword ptr [rsp+176], {offset}",
                        "mov dword ptr [rsp+180], 48",
                        "lea rax, [rbp+16]",
                        "mov [rsp+184], rax",
                        "mov [rsp+192], rsp",
                        concat!("lea ", $list, ", [rsp+176]"),
                        concat!("mov ", $caller, ", [rbp+8]"),
                        "call {body}",
                        "leave",
                        ".cfi_def_cfa rsp, 8",
                        "ret",
                        ".cfi_endproc",
                        tracked = sym gate::TRACKED,
                        watched = sym gate::WATCHED,
                        real = sym VARIADIC,
                        offset = const $offset,
                        body = sym body,
                    )
                }
            };
        };)*
    };
}

variadic_libc_locks! {
    fn syslog(priority: c_int, format: *const c_char, ...) by vsyslog, 16 "rdx" "rcx";
    fn __syslog_chk(priority: c_int, flag: c_int, format: *const c_char, ...) by __vsyslog_chk, 24 "rcx" "r8";
}

hook! {
    /// popen(3): makes a process through an internal posix_spawn, under a lock of its own.
    fn popen(command: *const c_char, mode: *const c_char) -> *mut FILE = libc::popen;
    |caller| {
        super::spawn::record_shell(forkguard_report::event::ForkKind::Popen, caller, command.addr());
        at_lock(c"popen", caller, || real(command, mode))
    }
}

macro_rules! generators {
    ($(fn $name:ident($($arg:ident: $type:ty),*) -> $ret:ty;)*) => {
        $(hook! {
            /// As the C library's: its first use is noted, and its lock.
            fn $name($($arg: $type),*) -> $ret;
            |caller| {
                super::random::used(caller);
                at_lock(c_name!($name), caller, || real($($arg),*))
            }
        })*
    };
}

generators! {
    fn random() -> c_long;
    fn srandom(seed: c_uint) -> ();
    fn rand() -> c_int;
    fn srand(seed: c_uint) -> ();
}
