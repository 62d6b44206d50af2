"""A preloaded application whose thread holds the lock that every request takes at the moment of each fork, and gives it up only when
the leader waits for that."""

import os
import threading
import time

lock = threading.Lock()
locked = threading.Event()
SYS_NANOSLEEP = 35


def leader_waits():
    """True while the main thread sleeps where nothing of gunicorn or Python does: they sleep in clock_nanosleep, select and poll."""
    with open(f"/proc/self/task/{os.getpid()}/syscall") as file:
        return file.read().startswith(f"{SYS_NANOSLEEP} ")


def refresh():
    """Holds the lock but for an instant."""
    while True:
        with lock:
            locked.set()
            while not leader_waits():
                time.sleep(0.0001)


threading.Thread(target=refresh, name="refresh", daemon=True).start()
locked.wait()


def app(environ, start_response):
    """Names the worker that answers."""
    with lock:
        start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"worker %d\n" % os.getpid()]
