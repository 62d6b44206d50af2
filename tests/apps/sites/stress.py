"""Threads make things in every shape of call while the process forks: for as many seconds as the argument says."""

import os
import random
import socket
import sys
import threading
import time

from known import stack, tell

THREADS, KEPT = 8, 6
end = time.monotonic() + float(sys.argv[1])
pausing = threading.Event()
arrived = threading.Semaphore(0)
places, open_descriptors = {}, {}


class Worker(threading.Thread):
    def __init__(self, number):
        super().__init__(name=f"worker-{number}", daemon=True)
        self.number, self.turn = number, 0
        self.random = random.Random()
        self.go = threading.Lock()
        self.go.acquire()
        self.pairs = []

    def run(self):
        while True:
            # So many different stacks a thread: the library's store of them is bounded.
            self.turn = (self.turn + 1) % 32
            self.random.seed(self.number * 32 + self.turn)
            self.shape(self.random.randrange(12))

    def shape(self, depth):
        """Goes deeper in one of the ways in which Python code calls Python code."""
        if depth == 0:
            return self.work()
        way = self.random.randrange(7)
        if way == 0:
            return self.shape(depth - 1)
        if way == 1:
            return next(self.generator(depth))
        if way == 2:
            return (lambda: self.shape(depth - 1))()
        if way == 3:
            return list(map(self.shape, [depth - 1]))
        if way == 4:
            return sorted([1, 2], key=lambda one: len([self.shape(depth - 1)]) if one == 1 else 0)
        if way == 5:
            return self.closure(depth)()
        try:
            raise ValueError
        except ValueError:
            return [self.shape(depth - 1) for _ in range(1)]
        finally:
            sum(one for one in range(3))

    def generator(self, depth):
        def inner():
            yield self.shape(depth - 1)

        yield from inner()

    def closure(self, depth):
        def inner(below=depth - 1):
            return self.shape(below)

        return inner

    def work(self):
        if len(self.pairs) == KEPT:
            for end in self.pairs.pop(0):
                del open_descriptors[end.fileno()]
                end.close()
        known = stack(); pair = socket.socketpair()  # noqa: E702
        self.pairs.append(pair)
        open_descriptors.update((end.fileno(), known) for end in pair)
        if pausing.is_set():
            places[self.name] = stack(); arrived.release(); self.go.acquire()  # noqa: E702


workers = [Worker(number) for number in range(THREADS)]
for worker in workers:
    worker.start()
forks = 0
while time.monotonic() < end:
    pausing.set()
    for _ in workers:
        arrived.acquire()
    pausing.clear()
    known = dict(open_descriptors)
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    forks += 1
    tell(fork=forks, descriptors=known, stood=places)
    # What is made goes at the pace at which sites are taken.
    time.sleep(0.02)
    for worker in workers:
        worker.go.release()
os._exit(0)
