"""A WSGI application that does nothing at import."""

import os


def app(environ, start_response):
    """Names the worker that answers."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"worker %d\n" % os.getpid()]


# What uWSGI calls it.
application = app
