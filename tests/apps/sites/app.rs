//! A thread of the standard library and a fork, on lines that the test knows by the comments behind them.
use std::thread;
use std::time::Duration;

unsafe extern "C" {
    fn fork() -> i32;
    fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
}

fn work() {
    loop {
        thread::park();
    }
}

fn start() {
    thread::Builder::new().name("worker".into()).spawn(work).expect("a thread"); // started
}

fn main() {
    start();
    // SAFETY: the child sleeps and ends.
    let child = unsafe { fork() }; // fork
    if child == 0 {
        thread::sleep(Duration::from_millis(10));
        return;
    }
    let mut status = 0;
    // SAFETY: writes one status.
    assert_eq!(unsafe { waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);
}
