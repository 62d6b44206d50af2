//! The former names of [`shared_page`].
use forkguard_core::fork::shared_page;
pub(crate) use shared_page::{
    announce_once as is_first_to_say, await_leader, begin_fork as begin, begin_wait as waits, create as share,
    end_wait as returns, init_child as born, is_child_gone as is_gone, is_created as shares, is_printed_again as printed_before,
    is_refused, leader_has_reported, mark_gone as gone, mark_reported as written, needs_inspection,
};
