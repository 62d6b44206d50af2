//! The open descriptors: the kernel says which are open and what they are, the table where they were made; a record of the table counts
//! only when it fits what the kernel says: a number that was reused behind our back has no provenance.
mod address;
mod describe;
mod file;
mod kind;
mod socket;

pub(crate) use address::{loopback_port, peer_name};

pub(crate) use describe::{all, describe, has_open, is_shared_with, kernel_name, numbers};
pub(crate) use file::{is_applications, is_positioned};
pub(crate) use socket::{ends, has_port, is_stream, name_of_connection};
