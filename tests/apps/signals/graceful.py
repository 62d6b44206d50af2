"""An application with handlers of its own, set at import."""

import os
import signal


def stop(number, frame):
    os._exit(3)


def dump(number, frame):
    print("dumped", flush=True)


for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, stop)
for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGXCPU):
    signal.signal(number, dump)


def app(environ, start_response):
    """Names the worker that answers."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"worker %d\n" % os.getpid()]
