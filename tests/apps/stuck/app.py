"""Requests that never end: one waits, one runs."""

from threading import Lock

lock = Lock()


def app(environ, start_response):
    match environ["PATH_INFO"]:
        case "/waits":
            lock.acquire()
            lock.acquire()  # waits
        case "/runs":
            while True: pass  # runs
    start_response("200 OK", [])
    return []
