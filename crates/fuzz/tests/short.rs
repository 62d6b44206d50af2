//! The short form: every input of the corpora, every one that failed once, and changes of the corpora, the same ones each time.
//! FUZZ_SECONDS in the environment: as many for each target, from a seed of this moment.
use forkguard_fuzz::{Changes, TARGETS, Target};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs};

/// Changes that are tried of each corpus.
const CHANGES: u32 = 20_000;

/// The inputs in a folder, in the order of their names; none where there is no such folder.
fn inputs(folder: &str, target: &Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(target.name);
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("an input")).collect()
}

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let corpus = inputs("corpora", target);
    assert!(!corpus.is_empty(), "{}: no corpus", target.name);
    corpus
}

/// Tries an input; one that fails is kept, to be tried alone.
fn attempt(target: &Target, input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.run)(input))) {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-fails", target.name));
        fs::write(&kept, input).expect("kept");
        eprintln!("{}: fails with {}", target.name, kept.display());
        resume_unwind(panic);
    }
}

fn fuzz(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    let corpus = corpus(target);
    corpus.iter().chain(&inputs("once-failed", target)).for_each(|input| attempt(target, input));
    let seconds = env::var("FUZZ_SECONDS").ok().map(|seconds| Duration::from_secs(seconds.parse().expect("a number")));
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_nanos() as u64;
    let mut changes = Changes::new(if seconds.is_some() { now() } else { 1 });
    let (start, mut tried) = (Instant::now(), 0);
    while seconds.map_or(tried < CHANGES, |seconds| start.elapsed() < seconds) {
        attempt(target, &changes.of(&corpus));
        tried += 1;
    }
    println!("{name}: {tried} changes of {} inputs in {:?}", corpus.len(), start.elapsed());
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test] fn $name() { fuzz(stringify!($name)); })*

        #[test]
        fn every_target_is_tried() {
            assert_eq!(TARGETS.map(|target| target.name), [$(stringify!($name)),*]);
        }
    };
}
targets!(report options suppress lines python ruby perl php);

/// What the corpora are worth: the readers find in them what was put there.
#[test]
fn the_corpora_are_read() {
    for target in &TARGETS {
        for input in corpus(target) {
            assert!((target.run)(&input) > 0, "{}", target.name);
        }
    }
}
