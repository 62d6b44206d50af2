//! Any number of reports as one story, in bounded memory: files are read in blocks by several threads (`blocks`), each line becomes a small
//! record whose texts and stacks are kept once (`line`, `keep`, `records`); the records are put together by fork and time (`forks`,
//! `instances`), and only what is shown is told (`findings`, `processes`, `workers`, `tell`).
pub(crate) mod blocks;
mod findings;
mod forks;
mod inherits;
mod instances;
pub(crate) mod keep;
mod killed;
pub(crate) mod line;
pub(crate) mod places;
mod processes;
mod records;
pub(crate) mod single;
mod tell;
mod workers;

pub(crate) use places::application_lines;
pub(crate) use tell::tell;
