//! CPython 3.9 to 3.14: the frames of a thread, with the GIL held and released alike.
//!
//! They are read raw (`forkguard_frames`), by a table of offsets, out of the thread's own chain. The first time that this is done with the GIL held the
//! result is compared with the public API's: from then on reads are direct, until then fault-proof; if it differs there are no
//! frames, and those from before are not reported. An interpreter that the table does not know (another minor version, a debug
//! build) is asked through the public API, with the GIL held, or not at all.
mod api;
mod child;
mod code_api;
mod exit_functions;
mod files;
mod forks;
mod frames;
pub(crate) mod handlers;
mod interpreter;
mod locks;
mod objects;
mod output;
mod own_frames;
mod run;
mod stacks_at_fork;

pub(crate) use child::add_frames_of_child;
pub(crate) use exit_functions::{exit_functions, outermost_code};
pub(crate) use forks::{PythonCall, before_forks, install_soon, starts_thread, without_gil};
pub(crate) use interpreter::{
    are_frames_trusted, holds_gil, is_code, is_known, is_loaded, is_python_thread, is_unproved, owns, prepare, prove,
    reset_in_child,
};
pub(crate) use locks::{ParkedAt, holds_lock, locks_of_others, parked_at, record_frozen_locks, record_locks};
pub(crate) use objects::{new_handler, new_thread};
pub(crate) use output::{is_in_buffer, known_files, waiting_output};
pub(crate) use own_frames::{add_frames, add_frames_raw, is_below, is_importing, may_run_code};
pub(crate) use run::{Running, while_held, while_taken};
pub(crate) use stacks_at_fork::{record_frozen_stacks, record_stacks};
