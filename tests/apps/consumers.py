"""A WSGI application whose threads, started before the fork, wait for work. It answers when those that THREADS names did theirs in this worker."""

import os
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool

LIMIT = 60
jobs = queue.Queue()
ticked = {"heartbeat": threading.Event(), "scheduler": threading.Event()}


def consume():
    """Puts the number of its process into the queue that it is given."""
    while True:
        jobs.get().put(os.getpid())


def tick(name):
    """Waits for a time, again and again, as a scheduler does."""
    while True:
        ticked[name].set()
        threading.Event().wait(float(os.environ.get("TICK", 600)))


def sleeps():
    """How often each of the other threads has fallen asleep."""
    others = [task for task in os.listdir("/proc/self/task") if int(task) != os.getpid()]
    status = [open(f"/proc/self/task/{task}/status").read() for task in others]
    return [line for text in status for line in text.splitlines() if "ctxt_switches" in line]


executor = ThreadPoolExecutor(2)
pool = ThreadPool(2)


def ask_consumer():
    answer = queue.Queue()
    jobs.put(answer)
    return answer.get(timeout=LIMIT)


def ask_executor():
    """Both of its threads at once."""
    barrier = threading.Barrier(2)

    def meet():
        barrier.wait(LIMIT)
        return os.getpid()

    return {future.result(LIMIT) for future in [executor.submit(meet), executor.submit(meet)]}.pop()


def ask_heartbeat():
    ticked["heartbeat"].clear()
    assert ticked["heartbeat"].wait(LIMIT)
    return os.getpid()


ASK = {
    "consumer": ask_consumer,
    "executor": ask_executor,
    "pool": lambda: pool.apply_async(os.getpid).get(LIMIT),
    "heartbeat": ask_heartbeat,
}


def application(environ, start_response):
    """Which process answers."""
    for name in os.environ["THREADS"].split():
        assert ASK[name]() == os.getpid(), name
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"worker {os.getpid()}\n".encode()]


app = application
threading.Thread(target=consume, name="consumer", daemon=True).start()
threading.Thread(target=tick, args=("heartbeat",), name="heartbeat-1", daemon=True).start()
threading.Thread(target=tick, args=("scheduler",), name="scheduler", daemon=True).start()
# All of them have begun, and wait: uWSGI's workers would hang for good if one had the GIL.
ask_consumer(), ask_executor(), pool.apply(os.getpid), ticked["scheduler"].wait(LIMIT)
before = None
while "TICK" not in os.environ and before != (before := sleeps()):
    time.sleep(0.05)
