"""Logging through a queue whose listener starts in every worker."""

import logging
import logging.handlers
import os
import queue

records = queue.SimpleQueue()
listener = logging.handlers.QueueListener(records, logging.FileHandler("requests.log"))
logger = logging.getLogger("requests")
logger.addHandler(logging.handlers.QueueHandler(records))


def post_fork(server, worker):
    """The thread of a worker belongs into the worker."""
    listener.start()


def worker_exit(server, worker):
    """Writes what is left."""
    listener.stop()


def app(environ, start_response):
    """One line a request."""
    logger.warning("asked")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"worker %d\n" % os.getpid()]
