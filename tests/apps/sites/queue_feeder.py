"""A queue of multiprocessing whose thread runs before the fork; the child puts something there."""

import multiprocessing
import os
import queue
import sys
import time

context = multiprocessing.get_context("fork")
results = context.Queue()
results.put("leader")
results.get()


def work():
    results.put("child")


if sys.argv[1] == "process":
    child = context.Process(target=work)
    child.start()
    child.join()
else:
    if os.fork() == 0:
        work()
        # The thread that would send it is the leader's.
        time.sleep(0.2)
        os._exit(0)
    os.wait()
try:
    results.get(timeout=1)
    print("arrived")
except queue.Empty:
    print("lost")
