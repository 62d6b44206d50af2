"""A thread of the leader's holds a lock in one of several ways; its child takes it. The leader ends a child of which a hang was reported."""
import os
import signal
import sys
import threading
import time

how = sys.argv[1]
lock = threading.RLock() if how == "recursive" else threading.Lock()
outer = threading.Lock()
locked = threading.Event()


def hold():
    if how == "acquired":
        hold_by_acquire()
    elif how == "condition":
        with outer:
            with lock:
                threading.Thread(target=hold_by_acquire, daemon=True).start()
                threading.Condition(lock).wait()
    elif how == "breathes":
        breathe()
    with lock:  # taken in hold
        try:
            locked.set()
            threading.Event().wait()
        finally:
            pass


def hold_by_acquire():
    lock.acquire()
    locked.set()
    time.sleep(1000)


def breathe():
    """Holds the lock half of the time."""
    while True:
        with lock:
            time.sleep(0.02)
            locked.set()
        time.sleep(0.02)


def take():
    with lock:  # waits in take
        pass


def contend():
    """Threads of the child that take the lock in turns: each waits for another one of them."""
    together = threading.Barrier(4)

    def one():
        together.wait()
        for _ in range(50):
            with lock:
                time.sleep(0.0001)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def live():
    """The life of the child."""
    if how == "renewed":
        contend()
    elif how == "timed":
        lock.acquire(timeout=0.1)
    elif how == "other":
        threading.Thread(target=take).start()
        while True:
            time.sleep(0.01)
    elif how == "breathes":
        os._exit(lock.locked())
    else:
        take()


def is_reported():
    directory = os.environ["FORKGUARD_REPORT"]
    for name in os.listdir(directory):
        with open(os.path.join(directory, name)) as file:
            if '"kind":"lock-deadlock"' in file.read():
                return True
    return False


def forked():
    """The status of a child, or the signal that ended it."""
    child = os.fork()
    if child == 0:
        live()
        os._exit(0)
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if is_reported():
            os.kill(child, signal.SIGKILL)
        time.sleep(0.01)


threading.Thread(target=hold, name="holder", daemon=True).start()
locked.wait()
if how == "renewed":
    os.register_at_fork(after_in_child=lock._at_fork_reinit)
print(sum(forked() for _ in range(8 if how == "breathes" else 1)), flush=True)
os._exit(0)
