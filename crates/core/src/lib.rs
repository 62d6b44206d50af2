//! forkguard-core.
#![no_std]
