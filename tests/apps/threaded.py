"""A WSGI application with a thread that always holds a lock."""

import threading

from clean import app, application  # noqa: F401

lock = threading.Lock()
locked = threading.Event()


def hold():
    """Takes the lock and waits for what never comes."""
    with lock:
        locked.set()
        threading.Event().wait()


threading.Thread(target=hold, name="holder", daemon=True).start()
locked.wait()
