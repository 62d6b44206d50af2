"""A thread that refreshes prices with their lock held, which each request takes to read one."""

from threading import Event, Lock, Thread

from when import made, serving

lock, locked, new_prices = Lock(), Event(), Event()


def refresh():
    with lock:
        locked.set()
        new_prices.wait()  # stood


@made
def start():
    Thread(target=refresh, name="refresh", daemon=True).start()
    locked.wait()


@serving
def app():
    new_prices.set()
    with lock:  # waits
        pass
