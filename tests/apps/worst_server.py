"""A preloaded application whose thread refreshes prices under a lock, for an instant each time; a request takes it, too. `CURE=1`: the lock is
made anew in each worker."""
import os
import sys
import threading
import time

prices = {"a": 1}
prices_lock = threading.Lock()


def refresh():
    while True:
        time.sleep(0.01)
        with prices_lock:  # thread
            prices["a"] += 1


def make_lock():
    global prices_lock
    prices_lock = threading.Lock()


if os.environ.get("CURE"):
    os.register_at_fork(after_in_child=make_lock)
    if "uwsgi" in sys.modules:
        # It forks past Python.
        sys.modules["uwsgi"].post_fork_hook = make_lock

threading.Thread(target=refresh, name="refresh", daemon=True).start()  # start


def app(environ, start_response):
    with prices_lock:  # worker
        body = str(prices["a"]).encode()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body]
