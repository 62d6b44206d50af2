"""The same price list: gunicorn's post_fork starts the thread in each worker (`gunicorn --config repaired.py --preload repaired:app`)."""

import threading
import time

prices = {"apple": 1}


def refresh():
    while True:
        prices["apple"] += 1
        time.sleep(1)


def post_fork(server, worker):
    threading.Thread(target=refresh, name="refresh-prices", daemon=True).start()


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{prices['apple']}\n".encode()]
