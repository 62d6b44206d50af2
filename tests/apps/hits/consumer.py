"""Waits in each request until a thread has consumed what was queued."""

from queue import Queue
from threading import Thread

from when import made, serving

queue = Queue()


def consume():
    while True:
        queue.get()
        queue.task_done()


@made
def start():
    Thread(target=consume, name="consumer", daemon=True).start()  # started


@serving
def app():
    queue.put(1)
    queue.join()  # waits
