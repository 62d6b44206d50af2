//! Reading and writing: what a forked child does with descriptors that it inherited. One test of a flag in all other processes.
use super::spawn::ALWAYS;
use super::wait;
use crate::child::buffers;
use crate::child::settle;
use crate::child::uses::{self, Move, Use};
use crate::child::waits;
use crate::child::work::{Awaited, is_channel};
use crate::describe::pipes::Wait;
use crate::entry::{Registers, WaitLength, record};
use crate::guards::before_wait;
use crate::leader;
use forkguard_core::flags::{self, is_settling};
use forkguard_core::fork::are_copies_left;
use forkguard_core::kernel;
use forkguard_core::registry::descriptors;
use libc::{MSG_DONTWAIT, MSG_PEEK};
use std::sync::atomic::Ordering::Relaxed;

/// The descriptor that an argument names.
fn fd(registers: &Registers, argument: usize) -> i32 {
    registers.argument[argument] as i32
}

/// A child takes in what comes: it has settled where that is work. True when a signal came meanwhile that ends such a call, which then has
/// failed so.
fn takes_in(call: &'static &'static str, registers: &mut Registers, settles: bool, flags: i32) -> bool {
    let fd = fd(registers, 0);
    // What is only looked at stays there for whom it is.
    let is_use = flags & MSG_PEEK == 0;
    if is_use {
        uses::before_read(registers, fd);
    }
    let by_pipe = is_use && descriptors::is_pipe_end(fd);
    let may_wait = flags & MSG_DONTWAIT == 0;
    // Who does not wait asks in passing (Ruby looks whether signals came).
    let settles = settles && may_wait && kernel::blocks(fd);
    if by_pipe {
        descriptors::set_used(fd);
    }
    if !settles && !by_pipe && !descriptors::is_unseen(fd) {
        return false;
    }
    if by_pipe && may_wait && leader::waits_for_input(registers.start(), registers.caller, fd) {
        registers.fails(libc::EINTR);
        return true;
    }
    let ended = wait::ended_by_signal(false, || {
        if settles {
            before_wait();
            settle::settle_before_wait(call, Awaited::Descriptor(fd), WaitLength::Long);
        }
        if is_use {
            uses::before(registers, fd, Use::Input);
        }
        if is_use && may_wait {
            uses::before_pipe_wait(registers, Wait::Input(fd));
        }
    });
    let over = ended && may_wait && kernel::would_wait_for_input(fd);
    if over {
        registers.fails(libc::EINTR);
    }
    over
}

macro_rules! reads {
    ($(fn $name:ident: $movement:expr;)*) => {
        $(pass! {
            /// As the C library's; see the module.
            fn $name, flags::WATCH_USES; |registers| -> bool {
                let settles = is_settling() && is_channel(fd(registers, 0));
                let returned = takes_in(&stringify!($name), registers, settles, 0);
                if !returned {
                    let movement: fn(usize) -> Move = $movement;
                    uses::before_move(registers, fd(registers, 0), movement(registers.argument[2]));
                }
                returned
            }
        })*
    };
}

reads! {
    fn read: Move::By;
    fn __read_chk: Move::By;
    fn readv: |_| Move::Somewhere;
}

macro_rules! receives {
    ($(fn $name:ident: flags $flags:literal;)*) => {
        $(pass! {
            /// As the C library's; see the module.
            fn $name, flags::WATCH_USES; |registers| -> bool {
                takes_in(&stringify!($name), registers, is_settling(), registers.argument[$flags] as i32)
            }
        })*
    };
}

receives! {
    fn recv: flags 3;
    fn recvfrom: flags 3;
    fn recvmsg: flags 2;
    fn recvmmsg: flags 3;
    fn __recv_chk: flags 4;
    fn __recvfrom_chk: flags 4;
}

macro_rules! uses {
    ($(fn $name:ident: $usage:expr;)*) => {
        $(pass! {
            /// As the C library's; see the module.
            fn $name, flags::WATCH_USES; |registers| { uses::before(registers, fd(registers, 0), $usage) }
        })*
    };
}

uses! {
    fn send: Use::Output;
    fn sendto: Use::Output;
    fn sendmsg: Use::Output;
    fn sendmmsg: Use::Output;
    fn shutdown: Use::Shutdown;
    fn pread: Use::At;
    fn pread64: Use::At;
    fn __pread_chk: Use::At;
    fn __pread64_chk: Use::At;
    fn preadv: Use::At;
    fn preadv64: Use::At;
    fn pwrite: Use::At;
    fn pwrite64: Use::At;
    fn pwritev: Use::At;
    fn pwritev64: Use::At;
    fn timerfd_settime: Use::Watch;
}

pass! {
    /// epoll_ctl(2); who adds what is recorded in the leader, too.
    fn epoll_ctl, ALWAYS; |registers| {
        if flags::WATCH_USES.load(Relaxed) != 0 {
            uses::before(registers, fd(registers, 0), Use::Watch);
            // Who takes out gives up.
            if registers.argument[1] as i32 != libc::EPOLL_CTL_DEL {
                uses::before_watch(registers, fd(registers, 0));
            }
        }
        if registers.argument[1] as i32 == libc::EPOLL_CTL_ADD {
            record(|_| descriptors::add(fd(registers, 2), fd(registers, 0), registers.capture_member()));
        }
    }
}

/// The child writes, and waits where there is no room.
fn puts_out(registers: &Registers) {
    let fd = fd(registers, 0);
    uses::before(registers, fd, Use::Output);
    uses::before_pipe_wait(registers, Wait::Output(fd));
}

/// Writes `length` bytes at an address first. True when they are dropped, and the call has returned their number.
fn writes(registers: &mut Registers, address: usize, length: usize, movement: Move) -> bool {
    uses::before_write(registers, fd(registers, 0), address);
    if let Some(dropped) = buffers::before_write(registers, address, length) {
        registers.returns(dropped);
        return true;
    }
    puts_out(registers);
    uses::before_move(registers, fd(registers, 0), movement);
    false
}

pass! {
    /// write(2).
    fn write, flags::WATCH_USES; |registers| -> bool {
        let [address, length] = [registers.argument[1], registers.argument[2]];
        writes(registers, address, length, Move::By(length))
    }
}

pass! {
    /// writev(2): C++'s files write so what waits, and what is to follow it.
    fn writev, flags::WATCH_USES; |registers| -> bool {
        let first = are_copies_left().then(|| kernel::read_value(registers.argument[1])).flatten();
        let [address, length] = first.unwrap_or_default();
        writes(registers, address, length, Move::Somewhere)
    }
}

/// A call that uses the descriptor's own position, which it moves, or a place that it gives.
fn by_position_or_place(registers: &Registers, fd: i32, by_position: bool, usage: Use) {
    if !by_position {
        return uses::before(registers, fd, Use::At);
    }
    uses::before(registers, fd, usage);
    uses::before_move(registers, fd, Move::Somewhere);
}

macro_rules! vectors {
    ($(fn $name:ident: $usage:expr;)*) => {
        $(pass! {
            /// As the C library's; an offset of -1 stands for the descriptor's own position.
            fn $name, flags::WATCH_USES; |registers| {
                by_position_or_place(registers, fd(registers, 0), registers.argument[3] == usize::MAX, $usage);
            }
        })*
    };
}

vectors! {
    fn preadv2: Use::Input;
    fn preadv64v2: Use::Input;
    fn pwritev2: Use::Output;
    fn pwritev64v2: Use::Output;
}

/// Where a call of lseek sets the position: what no file system has fails, and moves nothing.
fn sought(offset: usize, whence: i32) -> Move {
    const MOST: usize = 1 << 42;
    if whence == libc::SEEK_SET && offset < MOST { Move::To(offset as u64) } else { Move::Somewhere }
}

macro_rules! seeks {
    ($(fn $name:ident;)*) => {
        $(pass! {
            /// As the C library's; to ask where the position is moves nothing.
            fn $name, flags::WATCH_USES; |registers| {
                let [fd, offset, whence] = [0, 1, 2].map(|index| registers.argument[index]);
                if [offset, whence] != [0, libc::SEEK_CUR as usize] {
                    uses::before(registers, fd as i32, Use::Seek);
                    uses::before_move(registers, fd as i32, sought(offset, whence as i32));
                }
            }
        })*
    };
}

seeks! {
    fn lseek;
    fn lseek64;
}

macro_rules! sendfiles {
    ($(fn $name:ident;)*) => {
        $(pass! {
            /// sendfile(2): out of a file, from its own position or the call's.
            fn $name, flags::WATCH_USES; |registers| {
                uses::before(registers, fd(registers, 0), Use::Output);
                by_position_or_place(registers, fd(registers, 1), registers.argument[2] == 0, Use::Input);
            }
        })*
    };
}

sendfiles! {
    fn sendfile;
    fn sendfile64;
}

macro_rules! copies {
    ($(fn $name:ident;)*) => {
        $(pass! {
            /// As the C library's: of each file, from its own position or the call's.
            fn $name, flags::WATCH_USES; |registers| {
                by_position_or_place(registers, fd(registers, 0), registers.argument[1] == 0, Use::Input);
                by_position_or_place(registers, fd(registers, 2), registers.argument[3] == 0, Use::Output);
            }
        })*
    };
}

copies! {
    fn splice;
    fn copy_file_range;
}

macro_rules! epoll_waits {
    ($(fn $name:ident: $length:expr, $endless:expr;)*) => {
        $(pass! {
            /// As the C library's: a server waits for work in it.
            fn $name, flags::WATCH_WAITS; |registers| -> bool {
                let length: fn(usize) -> WaitLength = $length;
                let endless: fn(usize) -> bool = $endless;
                let ended = wait::begins_with(&stringify!($name), Awaited::Epoll, length(registers.argument[3]), || {
                    waits::before_events(registers.start(), registers.caller, endless(registers.argument[3]));
                    if flags::WATCH_USES.load(Relaxed) != 0 {
                        uses::before(registers, fd(registers, 0), Use::Watch);
                        uses::before_watch(registers, fd(registers, 0));
                    }
                });
                if ended {
                    registers.fails(libc::EINTR);
                }
                ended
            }
        })*
    };
}

epoll_waits! {
    fn epoll_wait: WaitLength::of_milliseconds, |timeout| (timeout as i32) < 0;
    fn epoll_pwait: WaitLength::of_milliseconds, |timeout| (timeout as i32) < 0;
    fn epoll_pwait2: |timeout| WaitLength::of_timeout(timeout, 1), |timeout| timeout == 0;
}

macro_rules! prints {
    ($(fn $name:ident;)*) => {
        $(pass! {
            /// As the C library's; it writes past the hooks.
            fn $name, flags::WATCH_USES; |registers| { by_position_or_place(registers, fd(registers, 0), true, Use::Output) }
        })*
    };
}

prints! {
    fn dprintf;
    fn vdprintf;
    fn __dprintf_chk;
    fn __vdprintf_chk;
}
