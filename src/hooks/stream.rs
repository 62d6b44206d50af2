//! Streams of the C library: they open and close descriptors, and fill and empty their buffers, without a call that passes another hook.
use super::descriptor::{closed, created, opened};
use super::random;
use crate::child::buffers;
use crate::child::uses::{self, Use};
use crate::entry::{errno, record_with_scratch};
use crate::sites::{Start, cpp};
use forkguard_core::registry::descriptors::{FdKind, role};
use forkguard_core::{flags, glibc};
use libc::{FILE, c_char, c_int};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The descriptor of a stream that is open; -1 for one without.
fn descriptor_of(stream: *mut FILE) -> c_int {
    // SAFETY: the host's own stream, still open.
    errno::preserve(|| unsafe { libc::fileno(stream) })
}

macro_rules! opens {
    ($(fn $name:ident($($arg:ident: $type:ty),*);)*) => {
        $(hook! {
            /// As the C library's: the descriptor of the stream it makes is noted.
            fn $name($($arg: $type),*) -> *mut FILE;
            |caller| {
                let stream = real($($arg),*);
                if !stream.is_null() {
                    // SAFETY: the stream was just made.
                    opened(unsafe { libc::fileno(stream) }, FdKind::File, 0, 0, caller);
                }
                stream
            }
        })*
    };
}

macro_rules! opens_named {
    ($(fn $name:ident;)*) => {
        $(hook! {
            /// As the C library's: the descriptor of the stream it makes is noted.
            fn $name(path: *const c_char, mode: *const c_char) -> *mut FILE;
            |caller| {
                let stream = real(path, mode);
                if !stream.is_null() {
                    // SAFETY: the stream was just made.
                    let fd = unsafe { libc::fileno(stream) };
                    opened(fd, FdKind::File, 0, 0, caller);
                    random::opened(path, fd, caller);
                    created_by_mode(path, mode, fd);
                    opened_by_cpp(stream, mode, fd, caller);
                }
                stream
            }
        })*
    };
}

/// The file of a stream that was opened, and created if its mode says so.
fn created_by_mode(path: *const c_char, mode: *const c_char, fd: c_int) {
    // SAFETY: the real function has read this text, which is not empty.
    if unsafe { *mode as u8 } != b'r' {
        created(path, fd);
    }
}

/// A file of C++'s, which has a buffer of its own above the stream.
fn opened_by_cpp(stream: *mut FILE, mode: *const c_char, fd: c_int, caller: usize) {
    // SAFETY: the real function has read this text, which is not empty.
    let writes = unsafe { *mode as u8 != b'r' || *mode.add(1) as u8 == b'+' };
    let sp = (&raw const fd).addr();
    let note = || {
        if cpp::is_own_code(caller) {
            cpp::opened(stream.addr(), fd, sp, caller)
        }
    };
    if writes {
        record_with_scratch(|_| note());
    }
}

opens_named! {
    fn fopen;
    fn fopen64;
}

opens! {
    fn tmpfile();
    fn tmpfile64();
}

/// freopen closes a number without passing through close, and may give it a new meaning.
fn reopened(old: c_int, stream: *mut FILE, caller: usize) -> *mut FILE {
    closed(old);
    if !stream.is_null() {
        // SAFETY: the stream was just made.
        opened(unsafe { libc::fileno(stream) }, FdKind::File, role::PLACED, 0, caller);
    }
    stream
}

hook! {
    /// freopen(3).
    fn freopen(path: *const c_char, mode: *const c_char, stream: *mut FILE) -> *mut FILE = libc::freopen;
    |caller| {
        buffers::before_flush(Start::here, caller, stream.addr());
        let old = descriptor_of(stream);
        reopened(old, real(path, mode, stream), caller)
    }
}
hook! {
    /// freopen64(3).
    fn freopen64(path: *const c_char, mode: *const c_char, stream: *mut FILE) -> *mut FILE = libc::freopen64;
    |caller| {
        buffers::before_flush(Start::here, caller, stream.addr());
        let old = descriptor_of(stream);
        reopened(old, real(path, mode, stream), caller)
    }
}
hook! {
    /// fclose(3): closes inside libc.
    fn fclose(stream: *mut FILE) -> c_int = libc::fclose;
    |caller| {
        before_swept(stream, caller);
        buffers::before_flush(Start::here, caller, stream.addr());
        let fd = descriptor_of(stream);
        before_output(stream, caller);
        closed(fd);
        glibc::forget_writers(stream.addr());
        real(stream)
    }
}

/// What waits in a stream is about to be written.
fn before_output(stream: *mut FILE, caller: usize) {
    if flags::WATCH_USES.load(Relaxed) != 0
        && let Some(fd) = moved(stream, Use::Output)
    {
        uses::before_called(caller, fd, Use::Output);
    }
}

/// The same where the stream's descriptor may have been closed with all others; before it is forgotten what waited at the fork.
fn before_swept(stream: *mut FILE, caller: usize) {
    if flags::watches_swept()
        && let Some(fd) = moved(stream, Use::Output)
    {
        uses::before_flush(caller, stream.addr(), fd);
    }
}

/// The descriptor that a stream's buffer is about to be filled from (`Use::Input`) or written to; None where there is nothing to do. What the
/// C library's streams read and write crosses no symbol, and fgetc and its like are called too often for a look at each.
fn moved(stream: *mut FILE, usage: Use) -> Option<i32> {
    unsafe extern "C" {
        fn __fpending(stream: *mut FILE) -> usize;
    }
    // struct _IO_FILE: its flags, then where reading stands and how far the buffer reaches.
    let is_read_up = || {
        // SAFETY: the host's own stream, as the C library lays it out.
        let [_, next, end] = unsafe { stream.cast::<[usize; 3]>().read() };
        next == end
    };
    // SAFETY: the host's own stream.
    let moves = !stream.is_null() && if usage == Use::Input { is_read_up() } else { unsafe { __fpending(stream) != 0 } };
    moves.then(|| descriptor_of(stream))
}

macro_rules! streams {
    ($(fn $name:ident: $argument:literal, $usage:expr;)*) => {
        $(pass! {
            /// As the C library's; see [`moved`].
            fn $name, flags::WATCH_USES; |registers| {
                if let Some(fd) = moved(registers.argument[$argument] as *mut FILE, $usage) {
                    uses::before(registers, fd, $usage);
                }
            }
        })*
    };
}

hook! {
    /// fflush(3): of one stream, or of all.
    fn fflush(stream: *mut FILE) -> c_int = libc::fflush;
    |caller| {
        before_swept(stream, caller);
        buffers::before_flush(Start::here, caller, stream.addr());
        before_output(stream, caller);
        glibc::forget_writers(stream.addr());
        real(stream)
    }
}
pass! {
    /// __fpurge(3).
    fn __fpurge, flags::WATCH_USES; |registers| { buffers::dropped(registers.argument[0]) }
}

streams! {
    fn fgets: 2, Use::Input;
    fn __fgets_chk: 3, Use::Input;
    fn fread: 3, Use::Input;
    fn __fread_chk: 4, Use::Input;
    fn getline: 2, Use::Input;
    fn getdelim: 3, Use::Input;
    fn __getdelim: 3, Use::Input;
}

/// Functions that write into a stream: who calls is noted in a word, and the function jumped to. That is done for every call, in a few
/// instructions that leave the call's registers alone. `$stream` is the assembly that puts the stream into `r11`.
macro_rules! writes {
    ($stream:tt $($name:ident)*) => {
        $(const _: () = {
            real_function!($name);
            writes!(@ $name $stream);
        };)*
    };
    (@ $name:ident [$stream:expr $(, $operand:ident = $symbol:path)*]) => {
        /// As the C library's; see [`writes`].
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name() {
            core::arch::naked_asm!(
                $stream,
                "mov r10, r11",
                "shl r10, {stream_shift}",
                "or r10, [rsp]",
                "shr r11, {index_shift}",
                "and r11d, {most}",
                "shl r11d, 3",
                "add r11, [rip + {words}]",
                "mov [r11], r10",
                "jmp qword ptr [rip + {real}]",
                stream_shift = const glibc::STREAM_SHIFT,
                index_shift = const glibc::INDEX_SHIFT,
                most = const glibc::WRITERS - 1,
                words = sym WRITER,
                real = sym REAL,
                $($operand = sym $symbol,)*
            )
        }
    };
}

/// For [`writes`], which has no register left for it.
static WRITER: &[AtomicUsize; glibc::WRITERS] = &glibc::WRITER;

unsafe extern "C" {
    static stdout: *mut FILE;
}

writes! {
    ["mov r11, [rip + {stdout}@GOTPCREL]\n mov r11, [r11]", stdout = stdout]
    printf vprintf __printf_chk __vprintf_chk puts putchar putchar_unlocked
}
writes! {
    ["mov r11, rdi"]
    fprintf vfprintf __fprintf_chk __vfprintf_chk
}
writes! {
    ["mov r11, rsi"]
    fputs fputs_unlocked fputc fputc_unlocked putc putc_unlocked _IO_putc
}
writes! {
    ["mov r11, rcx"]
    fwrite fwrite_unlocked
}
