//! OpenSSH's server: who has not logged in yet is served by a child in a seccomp sandbox, which a system call too many ends.
mod common;

use common::server::*;
use std::fs;
use std::process::{Command, Stdio};

/// A key of its own at `path`.
fn make_key(path: &std::path::Path) {
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status();
    assert!(made.expect("ssh-keygen: run scripts/setup").success());
}

/// sshd, which is content with files of this user's.
fn sshd(run: &Run, port: u16, options: &[(&str, &str)]) -> Command {
    let directory = &run.directory;
    make_key(&directory.join("host"));
    make_key(&directory.join("key"));
    // Where root's sshd shuts its children in.
    let _ = fs::create_dir("/run/sshd");
    let mut command = Command::new("/usr/sbin/sshd");
    command.args(["-D", "-e", "-f", "/dev/null", "-p"]).arg(port.to_string()).arg("-h").arg(directory.join("host"));
    command.arg("-o").arg(format!("AuthorizedKeysFile={}", directory.join("key.pub").display()));
    command.args(["-oListenAddress=127.0.0.1", "-oPidFile=none", "-oStrictModes=no", "-oUsePAM=no"]);
    command.envs(options.iter().copied());
    command
}

/// Logs in and runs a command there: its status and what it prints.
fn log_in(run: &Run, port: u16) -> (Option<i32>, String) {
    let mut ssh = Command::new("ssh");
    ssh.args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]);
    ssh.arg("-i").arg(run.directory.join("key")).arg("-p").arg(port.to_string());
    let output = ssh.args(["127.0.0.1", "echo logged in; exit 3"]).stdin(Stdio::null()).output().expect("ssh");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn lets_in() {
    let modes: [(&str, &[(&str, &str)]); 3] =
        [("guard", &[]), ("observe", &[("FORKGUARD", "observe")]), ("cure", &[("FORKGUARD_PROFILE", "cure")])];
    for (mode, options) in modes {
        let (run, ()) = compare(&format!("sshd-{mode}"), |run| {
            let port = free_port();
            let server = run.start(sshd(run, port, options));
            wait_for("sshd", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
            let logins = [log_in(run, port), log_in(run, port)];
            assert_eq!(logins[0], (Some(3), "logged in\n".to_owned()));
            server.stop(libc::SIGTERM);
            (logins, ())
        });
        only_hits(&run.report(), &[]);
    }
}
