"""The WSGI application of app.py, preloaded with what a fork breaks: a thread that waits, a lock that it holds, a connection."""

import socket
import threading

from app import app  # noqa: F401

lock = threading.Lock()
locked = threading.Event()


def hold():
    with lock:
        locked.set()
        threading.Event().wait()


threading.Thread(target=hold, name="holder", daemon=True).start()
locked.wait()
upstream = socket.create_server(("127.0.0.1", 0))
connection = socket.create_connection(upstream.getsockname())
