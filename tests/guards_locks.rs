//! FORKGUARD_LOCKS=reset in real servers: a worker that waited for a lost thread's lock answers.
mod common;

use common::server::*;

/// A lock of the application's (CPython's is a semaphore), which a thread of the leader holds at the fork.
#[test]
fn a_worker_takes_the_lock_of_a_lost_thread() {
    let (run, port) = (Run::guarded("guards-locks"), free_port());
    let mut command = gunicorn(port, "tests/apps/hits", "held_lock:app", &[]);
    command.env_remove("LATE").env("FORKGUARD_LOCKS", "reset");
    let server = run.start(command);
    server.serves_across_a_reload(port);
    let report = run.report();
    no_hits(&report);
    let orphans = report.last_states_of("lock-orphaned");
    let warned = orphans.iter().filter(|finding| finding["severity"] == "warning");
    for orphan in warned.clone() {
        assert_eq!(orphan["state"], "resolved", "{orphan}");
        assert!(orphan["because"].as_str().is_some_and(|because| because.starts_with("forkguard reset it")), "{orphan}");
    }
    assert!(warned.count() >= 4, "one a worker: {orphans:?}");
    assert!(run.printed().iter().any(|line| line.contains("guarded: semaphore at") && line.contains("made usable")));
}
