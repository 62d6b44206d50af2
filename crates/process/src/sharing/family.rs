//! A leader and its workers: their sizes, and their pages side by side.
use super::pagemap::{PAGE, Page, Pagemap};
use super::smaps::{self, Sizes};
use super::written;
use crate::error::Error;
use crate::maps::Mapping;
use crate::status::{Status, processes, status};

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// A leader and its workers at one moment.
#[derive(Debug)]
pub struct Family {
    pub leader: Member,
    pub workers: Vec<Member>,
}

/// One of them.
#[derive(Debug)]
pub struct Member {
    pub process: Status,
    pub sizes: Sizes,
    /// Its pages beside the leader's; None in the leader, and where /proc/PID/pagemap cannot be read.
    pub pages: Option<Pages>,
    /// The same by what the memory is.
    pub kinds: BTreeMap<Kind, (Sizes, Pages)>,
}

/// Kilobytes of a worker's private mappings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pages {
    /// The leader's own pages, never written by either since the fork.
    pub shared: u64,
    /// At addresses where the leader has another page: one of the two has written it since the fork.
    pub copied: u64,
    /// At addresses where the leader has none.
    pub own: u64,
}

impl Pages {
    fn add(&mut self, other: Pages) {
        self.shared += other.shared;
        self.copied += other.copied;
        self.own += other.own;
    }
}

/// What memory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// brk's.
    Heap,
    /// malloc's for further threads.
    Arena,
    /// Of no file: large blocks of malloc's, small objects of interpreters.
    Anonymous,
    Stack,
    /// Variables of libraries and the program.
    Data,
    /// Files, code among them.
    File,
    /// Shared with other processes on purpose.
    Shared,
}

impl Kind {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Heap => "heap",
            Kind::Arena => "malloc arenas",
            Kind::Anonymous => "anonymous",
            Kind::Stack => "stacks",
            Kind::Data => "variables",
            Kind::File => "files",
            Kind::Shared => "shared memory",
        }
    }

    fn of(mapping: &Mapping) -> Kind {
        /// glibc's arenas begin at multiples of it (HEAP_MAX_SIZE).
        const ARENA: usize = 64 << 20;
        match mapping.path.as_str() {
            _ if !mapping.private => Kind::Shared,
            "[heap]" => Kind::Heap,
            path if path.starts_with("[stack") => Kind::Stack,
            path if path.starts_with('/') && mapping.writable => Kind::Data,
            path if path.starts_with('/') || path.starts_with("[v") => Kind::File,
            _ if mapping.range.start.is_multiple_of(ARENA) && mapping.range.len() <= ARENA => Kind::Arena,
            _ => Kind::Anonymous,
        }
    }
}

/// The process that forked these workers: `pid` itself, or its parent where that runs the same program and it has no workers of its own.
///
/// # Errors
/// There is no such process, or it is neither.
pub fn family(pid: u32) -> Result<(u32, Vec<u32>), Error> {
    let own = status(pid)?;
    let workers = workers_of(pid);
    if !workers.is_empty() {
        return Ok((pid, workers));
    }
    match program(own.parent) == program(pid) && program(pid).is_some() {
        true => Ok((own.parent, vec![pid])),
        false => Err(Error::NoWorkers(pid)),
    }
}

/// The children that run the program of their parent: it forked them, and they have executed no other.
pub fn workers_of(leader: u32) -> Vec<u32> {
    let own = program(leader);
    let mut workers: Vec<u32> = processes()
        .filter(|&pid| status(pid).is_ok_and(|status| status.parent == leader) && own.is_some() && program(pid) == own)
        .collect();
    workers.sort_unstable();
    workers
}

fn program(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// Measures them. A worker that ends meanwhile is left out.
///
/// # Errors
/// The leader's memory cannot be read.
pub fn measure(leader: u32, workers: &[u32]) -> Result<Family, Error> {
    let pagemap = Pagemap::open(leader).ok();
    let own = member(leader, None)?;
    let workers = workers.iter().filter_map(|&pid| member(pid, pagemap.as_ref()).ok()).collect();
    Ok(Family { leader: own, workers })
}

fn member(pid: u32, leader: Option<&Pagemap>) -> Result<Member, Error> {
    let unreadable = |error| Error::Unreadable(format!("/proc/{pid}/smaps"), error);
    let process = status(pid)?;
    let mappings = smaps::mappings(pid).map_err(unreadable)?;
    let both = leader.and_then(|leader| Some((leader, Pagemap::open(pid).ok()?)));
    let mut kinds: BTreeMap<Kind, (Sizes, Pages)> = BTreeMap::new();
    let mut all = both.as_ref().map(|_| Pages::default());
    for (mapping, sizes) in &mappings {
        let (sum, pages) = kinds.entry(Kind::of(mapping)).or_default();
        *sum += *sizes;
        if let Some((leader, own)) = both.as_ref().filter(|_| mapping.private && sizes.anonymous > 0) {
            let found = compare(mapping, leader, own);
            pages.add(found);
            all.iter_mut().for_each(|all| all.add(found));
        }
    }
    let sizes = smaps::rollup(pid).map_err(unreadable)?;
    Ok(Member { process, sizes, pages: all, kinds })
}

/// What a worker's page is to its leader.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Shared,
    Copied,
    Own,
    /// Not in memory, or a file's.
    Other,
}

fn relation(worker: Page, leader: Option<&Page>) -> Relation {
    if !worker.is_present() || worker.is_file() {
        return Relation::Other;
    }
    match leader.filter(|leader| leader.is_present()) {
        None if worker.is_exclusive() => Relation::Own,
        // A sibling has it, too: the leader has given its own back.
        None => Relation::Shared,
        Some(leader) => match (worker.frame(), leader.frame()) {
            (Some(own), Some(other)) if own == other => Relation::Shared,
            (Some(_), Some(_)) => Relation::Copied,
            _ if worker.is_exclusive() => Relation::Copied,
            _ => Relation::Shared,
        },
    }
}

fn compare(mapping: &Mapping, leader: &Pagemap, worker: &Pagemap) -> Pages {
    let mut pages = Pages::default();
    each_relation(mapping, leader, worker, |_, relation| {
        let place = match relation {
            Relation::Shared => &mut pages.shared,
            Relation::Copied => &mut pages.copied,
            Relation::Own => &mut pages.own,
            Relation::Other => return,
        };
        *place += PAGE as u64 / 1024;
    });
    pages
}

fn each_relation(mapping: &Mapping, leader: &Pagemap, worker: &Pagemap, mut each: impl FnMut(usize, Relation)) {
    let (own, others) = (worker.read(mapping.range.clone()), leader.read(mapping.range.clone()));
    for (index, &page) in own.iter().enumerate() {
        each(mapping.range.start + index * PAGE, relation(page, others.get(index)));
    }
}

/// The addresses of the pages that a worker has still from its leader, or has copied.
pub(super) fn addresses(leader: u32, worker: u32, wanted: &[Relation]) -> Vec<usize> {
    let both = Pagemap::open(leader).and_then(|leader| Ok((leader, Pagemap::open(worker)?)));
    let (Ok((leader, own)), Ok(mappings)) = (both, smaps::mappings(worker)) else { return Vec::new() };
    let mut found = Vec::new();
    for (mapping, _) in mappings.iter().filter(|(mapping, sizes)| mapping.private && sizes.anonymous > 0) {
        each_relation(mapping, &leader, &own, |address, relation| found.extend(wanted.contains(&relation).then_some(address)));
    }
    found
}

/// Of the pages that a worker has copied, the part that is equal to the leader's again: what ksmd could merge. By at most `most` of them.
pub fn equal_again(leader: u32, worker: u32, most: usize) -> Option<f64> {
    let copied = addresses(leader, worker, &[Relation::Copied]);
    let step = copied.len().div_ceil(most.max(1)).max(1);
    let looked_at: Vec<usize> = copied.into_iter().step_by(step).collect();
    let compared = looked_at.iter().filter_map(|&page| Some(written::page(leader, page)? == written::page(worker, page)?));
    let (equal, all) = compared.fold((0, 0), |(equal, all), is_equal| (equal + u32::from(is_equal), all + 1));
    (all > 0).then(|| f64::from(equal) / f64::from(all))
}
