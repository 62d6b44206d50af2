"""An ordinary Flask application that does at import what every forked worker inherits broken."""

import os
import signal
import threading

import psycopg2
from flask import Flask

app = Flask(__name__)

# One connection, opened before the fork: all workers would talk over it at once.
database = psycopg2.connect(os.environ["DATABASE_URL"])

prices = {}
prices_lock = threading.Lock()
prices_locked = threading.Event()
new_prices = threading.Event()


def refresh_prices():
    """Waits for prices with the lock held: in a worker neither the thread nor the lock's owner exists."""
    with prices_lock:
        prices_locked.set()
        new_prices.wait()
        prices.update(apple=1)


threading.Thread(target=refresh_prices, name="refresh-prices", daemon=True).start()
prices_locked.wait()


def reload_prices(signum, frame):
    """Gunicorn's workers reset this handler: there SIGUSR2 kills."""
    new_prices.set()


signal.signal(signal.SIGUSR2, reload_prices)


@app.route("/")
def index():
    """Names the worker that answers."""
    return f"worker {os.getpid()}\n"
