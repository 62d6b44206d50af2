//! nginx: its workers set no handler of their own and live by those that they inherit.
mod common;

use common::server::*;
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

#[test]
fn reloads_upgrades_and_stops() {
    let (run, (old, new, old_workers, new_workers)) = compare("nginx", |run| {
        let (port, pid) = (free_port(), run.directory.join("pid"));
        fs::copy(repository("tests/apps/nginx.conf"), run.directory.join("nginx.conf")).expect("nginx.conf");
        let listen = format!("server {{ listen 127.0.0.1:{port}; location / {{ return 200 \"worker $pid\"; }} }}");
        fs::write(run.directory.join("listen.conf"), listen).expect("listen.conf");
        let mut command = Command::new("/usr/sbin/nginx");
        command.arg("-p").arg(&run.directory).args(["-c", "nginx.conf", "-e", "error.log"]);
        let mut starter = run.start(command);
        let started = starter.status();
        let old = pid_file(&pid);
        let server = Server::adopt(old);
        serves(port);
        let first = server.workers(2, &BTreeSet::new());
        let load = Load::start(port);
        server.signal(libc::SIGHUP);
        let reloaded = server.workers(2, &first);
        served_by(port, &reloaded);
        // An upgrade to the same program: a new master inherits the listening socket.
        server.signal(libc::SIGUSR2);
        let new = wait_for("the new master", || Some(pid_file(&pid)).filter(|&pid| pid != old));
        let upgraded = workers(new, 2, &reloaded);
        server.signal(libc::SIGQUIT);
        ended(old);
        load.finish();
        served_by(port, &upgraded);
        kill(new, libc::SIGQUIT);
        server.gone();
        ((started, pid.exists()), (old, new, &first | &reloaded, upgraded))
    });
    let report = run.report();
    const HANDLED: [&str; 5] = ["SIGHUP", "SIGQUIT", "SIGTERM", "SIGCHLD", "SIGUSR1"];
    WorkerForks::of(&report, old, &old_workers).listens("127.0.0.1:").handles(&HANDLED);
    WorkerForks::of(&report, new, &new_workers).listens("127.0.0.1:").handles(&HANDLED);
    no_alarm(&report);
    assert_eq!(run.printed(), Vec::<String>::new());
}
