"""A WSGI application whose forks inherit what guards deal with; `/held` is answered when the test's gate lets go, and
what has a query is noted when it begins."""

import os
import queue
import socket
import threading

import threaded  # noqa: F401

BODY = b"worker %d\n"

jobs = queue.Queue()
threading.Thread(target=lambda: [job() for job in iter(jobs.get, None)], name="consumer", daemon=True).start()
upstream = socket.create_connection(("127.0.0.1", int(os.environ["UPSTREAM"])))
begun = os.open(os.environ["BEGUN"], os.O_WRONLY | os.O_APPEND)


def app(environ, start_response):
    """Names the worker that answers."""
    body = BODY % os.getpid()
    if environ["QUERY_STRING"]:
        os.write(begun, environ["QUERY_STRING"].encode() + b"\n")
    if environ["PATH_INFO"] == "/held":
        with socket.create_connection(("127.0.0.1", int(os.environ["GATE"]))) as gate:
            gate.sendall(body)
            gate.recv(1)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


# What uWSGI calls it.
application = app
