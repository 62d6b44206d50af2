//! From files to a story: read by several threads, put together by one.
use super::blocks::{Block, Blocks, lines};
use super::findings::Groups;
use super::forks::Forks;
use super::instances::Instances;
use super::killed::{keep_hits, killed};
use super::line::{self, Shared};
use super::processes::Leaders;
use super::records::Records;
use super::workers::workers;
use crate::input::{Error, ReportFile, shown};
use crate::symbols::{DebugFiles, Symbols};
use forkguard_report::after_torn;
use forkguard_report::event::{Severity, State};
use forkguard_report::story::{Broken, STORY, Story, Totals};
use forkguard_report::text::Count;
use parking_lot::Mutex;
use rayon::iter::{ParallelBridge, ParallelIterator};
use std::collections::{BTreeMap, BTreeSet};

/// Broken lines that are named.
const BROKEN: usize = 20;

/// What one block says.
struct Told {
    number: usize,
    file: usize,
    lines: u64,
    broken: u64,
    /// Those of its lines that are broken, from 0, the first of very many.
    named: Vec<u64>,
    records: Records,
}

/// Tells the story of `files`; `progress` is called with the bytes that were read since it was called before.
pub(crate) fn tell(files: &[ReportFile], debug_files: &DebugFiles, progress: impl Fn(u64) + Sync) -> Result<Story, Error> {
    let shared = Shared::default();
    let unreadable = Mutex::new(Vec::new());
    let told = Blocks::new(files).par_bridge().filter_map(|(file, block)| match block {
        Ok(block) => {
            progress(block.bytes.len() as u64);
            Some(read(&block, &shared))
        }
        Err(error) => {
            unreadable.lock().push((file, error));
            None
        }
    });
    let mut told: Vec<Told> = told.collect();
    told.sort_unstable_by_key(|block| block.number);
    let mut notes = Vec::new();
    for (file, error) in unreadable.into_inner() {
        let file = &files[file];
        if !file.listed {
            return Err(Error::Unreadable(file.path.clone(), error));
        }
        notes.push(format!("{}: {error}", shown(&file.path)));
    }
    let (broken, broken_unlisted) = broken(&told, files);
    let mut records = Records::default();
    told.into_iter().for_each(|block| records.append(block.records));
    if records.events == 0 {
        notes.extend(broken.iter().map(|it| format!("{}:{}: no event of this version of forkguard", it.file, it.line)));
        return Err(Error::NoEvents(files.iter().map(|file| file.path.clone()).take(BROKEN).collect(), notes));
    }
    let mut story = put_together(records, &shared, debug_files);
    notes.append(&mut story.notes);
    Ok(with_notes(Story { broken, broken_unlisted, notes, ..story }))
}

fn read(block: &Block, shared: &Shared) -> Told {
    let mut told =
        Told { number: block.number, file: block.file, lines: 0, broken: 0, named: Vec::new(), records: Records::default() };
    for line in lines(&block.bytes) {
        if line::read(line, shared, &mut told.records).is_err() && !line.trim_ascii().is_empty() {
            // What is no event either is told as one broken line with what stands before it.
            let _ = after_torn(line).map(|whole| line::read(whole, shared, &mut told.records));
            told.broken += 1;
            told.named.extend((told.named.len() < BROKEN).then_some(told.lines));
        }
        told.lines += 1;
    }
    told
}

/// The broken lines by file and number, and how many are not listed.
fn broken(told: &[Told], files: &[ReportFile]) -> (Vec<Broken>, u64) {
    let mut broken = Vec::new();
    let (mut file, mut before) = (None, 0);
    for block in told {
        if file.replace(block.file) != Some(block.file) {
            before = 0;
        }
        let free = BROKEN - broken.len();
        let name = || shown(&files[block.file].path);
        broken.extend(block.named.iter().take(free).map(|line| Broken { file: name(), line: before + line + 1 }));
        before += block.lines;
    }
    let all: u64 = told.iter().map(|block| block.broken).sum();
    let unlisted = all - broken.len() as u64;
    (broken, unlisted)
}

fn put_together(mut records: Records, shared: &Shared, debug_files: &DebugFiles) -> Story {
    let keep = &shared.keep;
    let forks = Forks::of(&mut records);
    keep_hits(&mut records, &forks);
    let instances = Instances::of(&mut records, &forks);
    let mut groups = Groups::new(shared, Symbols::new(debug_files));
    let mut hits: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    instances.each(&forks, |instance| {
        let group = groups.add(&instance, &forks);
        if let Some(fork) = instance.fork.filter(|_| instance.state == State::Hit) {
            hits.entry(fork).or_default().insert(group);
        }
    });
    let (findings, places) = groups.finish();
    let strays = instances.strays(&forks, keep);
    drop(instances);
    let leaders = Leaders::of(&mut records, &forks);
    let (processes, of_forks) = leaders.finish(&forks, shared, &mut Symbols::new(debug_files));
    let killed = killed(std::mem::take(&mut records.killed), keep, &mut Symbols::new(debug_files));
    let kind = |position| forks.all[forks.whole(position)].shape.map(|shape| shared.fork_shapes.get(shape).kind);
    let (workers, workers_unlisted) = workers(&forks, keep, &hits, &places, kind, |position| of_forks[position]);
    let standing = |severity| findings.iter().filter(|it| it.stands() && it.severity == severity).count() as u64;
    let (error, warning, info) = (standing(Severity::Error), standing(Severity::Warning), standing(Severity::Info));
    Story {
        story: STORY,
        forkguard: env!("CARGO_PKG_VERSION").to_owned(),
        totals: Totals { events: records.events, forks: forks.all.len() as u64, error, warning, info },
        findings,
        processes,
        killed,
        workers,
        workers_unlisted,
        broken: Vec::new(),
        broken_unlisted: 0,
        notes: strays,
    }
}

/// Says in the notes what lines were broken.
fn with_notes(mut story: Story) -> Story {
    for Broken { file, line } in &story.broken {
        story.notes.push(format!("{file}:{line}: torn, or not of this version of forkguard"));
    }
    if story.broken_unlisted > 0 {
        story.notes.push(format!("{} more that are broken", Count(story.broken_unlisted, "line")));
    }
    story
}
