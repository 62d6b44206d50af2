"""Threads as workers' threads, and an executor that every worker makes at its first request."""

import functools
import os
from concurrent.futures import ThreadPoolExecutor

worker_class = "gthread"
threads = 2


@functools.cache
def executor():
    """One a process."""
    return ThreadPoolExecutor(2)


def app(environ, start_response):
    """Asks its executor."""
    pid = executor().submit(os.getpid).result()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"worker %d\n" % pid]
