"""APScheduler started in post_fork; its jobs log, as the requests do."""

import logging
import os

from apscheduler.schedulers.background import BackgroundScheduler

logging.basicConfig(level=logging.WARNING)
scheduler = BackgroundScheduler()
scheduler.add_job(logging.getLogger("job").info, "interval", seconds=0.1, args=["ran"])


def post_fork(server, worker):
    """The thread of a worker belongs into the worker."""
    scheduler.start()


def worker_exit(server, worker):
    """And ends with it."""
    scheduler.shutdown()


def app(environ, start_response):
    """Names the worker that answers, and whether its scheduler runs."""
    start_response("200 OK" if scheduler.running else "500 Lost", [("Content-Type", "text/plain")])
    return [b"worker %d\n" % os.getpid()]
