//! FORKGUARD_OPENMP in real servers: gunicorn with an application whose OpenMP regions ran before the fork, in a copy of libgomp that a
//! wheel brings along.
mod common;

use common::hit::Hit;
use common::server::*;
use std::process::Command;

fn neighbours(port: u16, openmp: &str) -> Command {
    let mut command = gunicorn(port, "tests/apps/hits", "neighbours:app", &["--timeout=0"]);
    command.env_remove("LATE").env("OMP_NUM_THREADS", "3").env("FORKGUARD_OPENMP", openmp);
    command
}

/// Without the guard: a worker waits for the pool that it does not have.
#[test]
fn a_worker_waits_for_its_leaders_pool() {
    let (run, port) = (Run::guarded("guards-openmp-keep"), free_port());
    let server = run.start(neighbours(port, "keep"));
    let _asked = send_request(port);
    let hit = Hit::of(&run, "join-lost-thread");
    assert!(server.workers_now().contains(&hit.child()), "it still waits");
}

/// Its workers, first and after a reload, answer; its report.
fn answers(name: &str, openmp: &str) -> Run {
    let (run, port) = (Run::guarded(name), free_port());
    let server = run.start(neighbours(port, openmp));
    server.serves_across_a_reload(port);
    no_hits(&run.report());
    run
}

fn of_libgomp(run: &Run, kind: &str) -> Vec<serde_json::Value> {
    let mut findings = run.report().last_states_of(kind);
    findings.retain(|finding| finding.to_string().contains("libgomp"));
    findings
}

#[test]
fn a_pool_is_released_before_each_fork() {
    let run = answers("guards-openmp-pause", "pause");
    assert_eq!(of_libgomp(&run, "runtime-unsafe"), Vec::<serde_json::Value>::new());
    assert_eq!(of_libgomp(&run, "thread-lost"), Vec::<serde_json::Value>::new());
    assert!(run.report().events("child").any(|child| child.text.contains("released before the fork")));
}

#[test]
fn regions_of_workers_run_with_one_thread() {
    let run = answers("guards-openmp-single", "single");
    let hazards = of_libgomp(&run, "runtime-unsafe");
    assert!(hazards.len() >= 4, "one a worker: {hazards:?}");
    for hazard in hazards {
        assert_eq!(hazard["state"], "resolved", "{hazard}");
    }
    assert!(run.printed().iter().any(|line| line.contains("guarded: regions of libgomp")));
}
