"""Children of a program with threads that wait for work; each says how many threads it has when it waits."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from multiprocessing import get_context

import billiard

jobs = queue.Queue()
answers = queue.Queue()


def consume():
    while True:
        answers.put((jobs.get(), os.getpid()))


def told(name):
    """Waits, and says how many threads there are."""
    time.sleep(0.01)
    print(name, threading.active_count(), flush=True)


def work():
    jobs.put("job")
    assert answers.get(timeout=60) == ("job", os.getpid())
    assert jobs.empty() and answers.empty()


def ends(pid, status=0):
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == status


def forks(child):
    pid = os.fork()
    if pid == 0:
        child()
        # Through the interpreter's end, which waits for threads that are no daemons.
        sys.exit(7)
    ends(pid, 7)


def twice():
    # Before it waits: what was to be started again there is in its child.
    forks(lambda: (work(), told("grandchild")))
    work()
    forks(lambda: (work(), told("grandchild")))


def execs():
    os.execv(sys.executable, [sys.executable, "-c", "import threading; print('program', threading.active_count())"])


threading.Thread(target=consume, name="consumer").start()
work()
forks(lambda: (told("child"), work()))
# Put past the queue: its consumer sleeps on. What is there at the fork is the leader's.
jobs.queue.append("the leader's")
jobs.unfinished_tasks += 1
forks(lambda: (told("child"), work()))
jobs.queue.clear()
forks(twice)
pid = os.fork()
if pid == 0:
    execs()
ends(pid)
process = get_context("fork").Process(target=told, args=("process",))
process.start()
process.join()
process = billiard.get_context("fork").Process(target=told, args=("billiard",))
process.start()
process.join()
subprocess.run(["true"], preexec_fn=lambda: signal.alarm(0), check=True)
work()
sys.stdout.flush()
os._exit(0)
