//! Turns what the registries and the kernel know into the report's types, a subject a file; `fork` puts them together. Runs after the fork:
//! in the leader for its report, in a child that settled for its summary.
mod application;
mod atfork;
mod buffers;
mod descendants;
pub(crate) mod descriptors;
mod exit_handlers;
mod fork;
pub(crate) mod keep;
pub(crate) mod libc_locks;
pub(crate) mod lock_functions;
mod locks;
mod memory;
pub(crate) mod openmp;
pub(crate) mod pipes;
mod process;
mod procfs;
mod program;
mod shorten;
mod signals;
mod site;
mod thread_names;
mod threads;
mod timers;

pub(crate) use buffers::{Buffer, buffer, buffers};
pub(crate) use descendants::descendants;
pub(crate) use exit_handlers::{
    ExitHandler, blocks_end, destructor, end_function, exit_handler, exit_handlers, is_applications_function, left_block,
};
pub(crate) use fork::{counts, fork, fork_id, fork_in_leader, fork_kind, like, losses, own_fork_id, spawn};
pub(crate) use locks::{is_made_for_processes, kind_of, libc_name, lock_id, lock_kind, symbol};
pub(crate) use memory::own_memory;
pub(crate) use process::process;
pub(crate) use program::{own_name, program_name};
pub(crate) use shorten::{without_lists, without_sites};
pub(crate) use signals::{caught_by_runtime, is_handled_by_application, setting_of_application, signal_name};
pub(crate) use site::{call_text, interpreted_frames, native_site, site};
pub(crate) use thread_names::{NOT_BEGUN, Nameless, is_unnamed, kernel_name, later_name, lost_thread, name_of_lost};
pub(crate) use threads::{lost_threads, stacks_at_fork};
pub(crate) use timers::{clock_name, interval_clock, timers};
