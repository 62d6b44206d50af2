"""A prefork program whose thread puts jobs into a queue, as its worker does. Right: the child has a queue of its own."""

import os
import signal
import sys
import time
from queue import Queue
from threading import Thread

jobs = Queue()


def put_again_and_again():
    while True:
        time.sleep(0.2)
        jobs.put("refresh")  # thread


def renew_jobs():
    global jobs
    jobs = Queue()


if len(sys.argv) > 1:
    os.register_at_fork(after_in_child=renew_jobs)

Thread(target=put_again_and_again, name="refresh", daemon=True).start()
worker = os.fork()
if worker == 0:
    jobs.put("first")  # worker
    while True:
        signal.pause()
os.waitpid(worker, 0)
