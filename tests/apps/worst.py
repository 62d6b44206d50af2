"""Cases for FORKGUARD_WORST, as c-tests/special/worst.c has them for C: a thread takes a lock for an instant, again and again; the leader
forks once, and the child takes it, too. Ends with 1 when the child has not ended after PATIENCE seconds. With WORKS=once the thread works once:
then no fork can hit it at work."""
import os
import signal
import sys
import tempfile
import threading
import time

prices = {}
prices_lock = threading.Lock()
refreshed = threading.Condition()
log = tempfile.TemporaryFile("w")


def price():
    with prices_lock:  # LINE: lock
        prices["a"] = prices.get("a", 0) + 1


def announce():
    with refreshed:  # LINE: condition
        prices["b"] = 1


def write_log():
    print("refreshed", file=log, flush=True)  # LINE: file


def renewed():
    """A library that makes its lock anew in the child."""
    global prices_lock
    prices_lock = threading.Lock()


case = sys.argv[1]
work = {"condition": announce, "file": write_log}.get(case, price)
if case == "made-anew":
    os.register_at_fork(after_in_child=renewed)
if case == "taken-around-fork":
    os.register_at_fork(
        before=prices_lock.acquire, after_in_parent=prices_lock.release, after_in_child=prices_lock.release
    )
begun = threading.Event()


def refresh():
    while not begun.is_set() or "WORKS" not in os.environ:
        work()
        begun.set()
        time.sleep(0.001)
    signal.pause()


threading.Thread(target=refresh, name="refresh", daemon=True).start()
begun.wait()
child = os.fork()
if child == 0:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(int(os.environ.get("PATIENCE", 2)))
    work()
    os._exit(0)
_, status = os.waitpid(child, 0)
os._exit(1 if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM else os.waitstatus_to_exitcode(status))
