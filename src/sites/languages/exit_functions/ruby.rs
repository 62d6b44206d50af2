//! MRI's `at_exit`: a list of functions, each with a Proc; an entry is taken out before it runs (eval_jump.c).
use super::super::ruby;
use super::function::{Each, ExitFunction, MOST};
use forkguard_core::kernel::read_value;
use forkguard_loader::link_map_of;

/// What waits in the lists, in the order in which it will run.
pub(super) fn functions(each: Each<'_>) -> Option<()> {
    let ruby = ruby::running()?;
    for id in procedures(ruby) {
        let of_block = |file: &str, line| each(ExitFunction { id, file, line, name: "at_exit block" });
        if ruby.with_procedure(id, of_block).is_none() {
            each(ExitFunction { id, file: "", line: 0, name: "" });
        }
    }
    Some(())
}

/// The Proc that would run next; 0: none.
pub(super) fn next() -> Option<usize> {
    Some(procedures(ruby::known()?).next().unwrap_or(0))
}

fn procedures(ruby: &ruby::Ruby) -> impl Iterator<Item = usize> {
    ruby.exit_lists.into_iter().take_while(|&list| list != 0).flat_map(list).take(MOST)
}

/// struct end_proc_data: a function in some library, its argument, the next one.
fn list(start: usize) -> impl Iterator<Item = usize> {
    let mut entry = read_value::<usize>(start);
    std::iter::from_fn(move || {
        let [function, procedure, next]: [usize; 3] = entry.filter(|&entry| entry != 0).and_then(read_value)?;
        entry = Some(next);
        link_map_of(function).is_some().then_some(procedure)
    })
}
