"""Sentry set up at import, as its manual shows: every process that sends starts a thread for it."""

import os

import sentry_sdk

sentry_sdk.init(os.environ["COLLECTOR"].replace("://", "://key@") + "/1", traces_sample_rate=1.0)


def app(environ, start_response):
    """One event a request, sent before the answer."""
    sentry_sdk.capture_message("asked")
    sentry_sdk.flush()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"worker %d\n" % os.getpid()]
