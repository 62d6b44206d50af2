//! libforkguard.so.
