"""A price list that a thread keeps fresh: started at import, it exists in gunicorn's master alone."""

import threading
import time

prices = {"apple": 1}


def refresh():
    while True:
        prices["apple"] += 1
        time.sleep(1)


threading.Thread(target=refresh, name="refresh-prices", daemon=True).start()


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{prices['apple']}\n".encode()]
