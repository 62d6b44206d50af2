"""ddtrace imported before the application: its writers start again after a fork."""

import os

import ddtrace.auto  # noqa: F401
from ddtrace.trace import tracer


def app(environ, start_response):
    """One span a request."""
    with tracer.trace("request"):
        start_response("200 OK", [("Content-Type", "text/plain")])
    tracer.flush()
    return [b"worker %d\n" % os.getpid()]
