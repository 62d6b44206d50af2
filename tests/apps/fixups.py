"""A WSGI application with fixups: a worker's answer says what ran in it, unless that is just what should have."""

import os
import socket
import ssl  # noqa: F401  (FORKGUARD_FIXUPS names a function of libcrypto)
import threading

import forkguard

BEFORE = os.environ.get("DECORATORS") == "before"
AFTER = os.environ.get("DECORATORS") == "after"

ran = []


class Callable:
    """Has no name of its own."""

    def __call__(self):
        """Does as the others."""
        ran.append("callable")


if BEFORE:
    import uwsgidecorators

    @uwsgidecorators.postfork
    def postfork():
        """As the other one below."""
        ran.append("postfork")


@forkguard.register
def first():
    """By its own name."""
    ran.append("first")


@forkguard.register(name="raises")
def raises():
    """Those behind it run all the same."""
    ran.append("raises")
    raise SystemExit("as the test wants it")


forkguard.register(ran.append, "argument", name="argument")
forkguard.register(Callable())

if AFTER:
    import uwsgidecorators

    @uwsgidecorators.postfork
    def postfork():
        """Set over what was there."""
        ran.append("postfork")


idle = threading.Thread(target=threading.Event().wait, name="idle", daemon=True)
idle.start()
marked = forkguard.mark_fork_safe(idle)
pair = socket.socketpair()
kept = forkguard.keep(pair[0]) and forkguard.keep(pair[1].fileno())

PRELOADED = forkguard.version() is not None
EXPECTED = ["first", "raises", "argument", "callable"] if forkguard.active() else []
if BEFORE or AFTER:
    EXPECTED.append("postfork")


def app(environ, start_response):
    """Names the worker that answers, if all is well in it."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    well = ran == EXPECTED and marked == kept == PRELOADED
    return [b"worker %d\n" % os.getpid() if well else repr((ran, marked, kept)).encode()]


# What uWSGI calls it.
application = app
