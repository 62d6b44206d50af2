//! The kernel, and nothing else: the only place that makes system calls or reads the proc filesystem. rustix (its raw back end) where it has
//! the call, one assembly instruction where it does not.
mod clock;
mod error_text;
mod exec;
mod fd;
mod file;
mod futex;
mod memory;
pub mod other_process;
mod private_fds;
mod proc;
mod process;
pub mod seccomp;
mod signal;
mod syscall;
pub mod system_calls;
mod system_v;
pub mod unshare;
pub mod valgrind;

pub use clock::{
    IntervalTimer, boottime, interval_timer, interval_timer_armed, monotonic, monotonic_by_syscall, set_interval_timer, set_vdso,
    sleep, tick, timer_value, wait_until, wall_clock, wall_clock_seconds,
};
pub use error_text::ErrorText;
pub use exec::{executable, is_own_program, is_program};
pub use fd::{
    AsFd, BorrowedFd, FileNumber, OwnedFd, blocks, borrow, close, close_range, disconnected_socket, file_number,
    has_input_within, has_room, is_armed_timer, is_datagram_socket, is_hung_up, is_memory_device, is_open, is_pipe,
    is_read_by_position, is_same_open_file, is_same_pipe, is_same_socket, is_writable, locking_process, open_pidfd, position,
    process_with_lock, remove_from_epoll, set_close_on_exec, survives_exec, waits_without_limit, would_wait_for_input,
};
pub use file::{born_at, is_file, read_text};
pub use futex::{membarrier, register_membarrier, wait_for_change, wake_all};
pub use memory::{
    Pages, Plain, bytes_of, can_read_memory, disable_huge_pages, map_shared_page, merge_equal_pages, overwrite, read_memory,
    read_memory_of, read_scattered, read_value, read_words, set_writable, write_words,
};
pub use private_fds::{
    DEFERRED_SIGNALS, Readers, fds_are_private, kernel_threads, readers_begun, reset_readers, with_private_fds,
};
pub use proc::{
    each_entry, each_entry_of, each_entry_with, futex_of, is_readable, is_shared, lists_children, mapping_is_shared,
    newest_child, open_directory, path_of_thread, read_file, signals_of, sleeping_at, stack_pointer, switches_of_sleeper,
    thread_is_alive, working_directory,
};
pub use process::{
    group_of, is_child, is_pidfd_of_ended, may_any_be_waited_for, may_be_waited_for, own_thread_name, parent_id, process_exists,
    process_id, session_of, thread_exists, thread_id,
};
pub use signal::{
    KernelAction, abort, block_signals, blocked_signals, pending_signals, set_blocked_signals, set_signal_action, signal_action,
    take_pending_signal,
};
pub use syscall::syscall;
pub use system_v::SystemV;
