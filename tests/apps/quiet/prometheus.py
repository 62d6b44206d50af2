"""prometheus_client with its files for several processes."""

import os

from prometheus_client import CollectorRegistry, Counter, generate_latest, multiprocess

requests = Counter("requests", "Requests served.")
requests.inc()


def child_exit(server, worker):
    """As its manual shows."""
    multiprocess.mark_process_dead(worker.pid)


def app(environ, start_response):
    """Counts, and sums up what all workers counted."""
    requests.inc()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    counted = b"requests_total" in generate_latest(registry)
    start_response("200 OK" if counted else "500 Lost", [("Content-Type", "text/plain")])
    return [b"worker %d\n" % os.getpid()]
