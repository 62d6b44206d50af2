"""A thread that refreshes prices with their lock held, which each request takes to read one."""

from threading import Event, Lock, Thread

lock, locked, new_prices = Lock(), Event(), Event()


def refresh():
    with lock:
        locked.set()
        new_prices.wait()  # stood


Thread(target=refresh, name="refresh", daemon=True).start()
locked.wait()


def app(environ, start_response):
    if environ["PATH_INFO"] == "/":
        with lock:  # waits
            pass
    start_response("200 OK", [])
    return []
