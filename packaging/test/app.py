"""A server of gunicorn that starts a thread at import: every worker loses it. Code for the workers is registered where the module is."""
import sys
import threading

stop = threading.Event()
threading.Thread(target=stop.wait, name="refresh-prices", daemon=True).start()

try:
    import forkguard
except ImportError:
    pass
else:
    forkguard.register(lambda: print("fixup ran", file=sys.stderr, flush=True), name="greeting")


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"served\n"]
