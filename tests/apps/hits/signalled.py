"""A leader with a thread forks workers whose main thread waits until SIGTERM's handler sets an event."""

import os
import signal
import sys
from threading import Event, Thread

Thread(target=Event().wait, name="ticker", daemon=True).start()
workers = []
for _ in range(2):
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        stop = Event()
        signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
        os.write(writable, b"r")
        stop.wait()
        sys.exit(7)
    os.read(readable, 1)
    workers.append(pid)
for pid in workers:
    # Asleep in a futex: the wait has begun.
    while not open(f"/proc/{pid}/syscall").read().startswith("202 "):
        pass
    os.kill(pid, signal.SIGTERM)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
